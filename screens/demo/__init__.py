"""What only the demo shows: a strip to push cards in and out, and the mail that arrived."""
