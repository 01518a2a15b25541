"""Parts of the demo only: a strip to insert and remove cards, and the mail."""
