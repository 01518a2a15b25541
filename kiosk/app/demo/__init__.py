"""What the demo stands on: a mail server that keeps the mail, and an estate of example people."""
