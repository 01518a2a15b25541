"""Between the wire and the glass: what may come in from a keyboard, and nothing else."""
