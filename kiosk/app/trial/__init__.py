"""The trial of a test card: what it does, what it records, and what may be given away of that."""
