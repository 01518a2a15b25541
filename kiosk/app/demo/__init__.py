"""Parts of the demo: a mail server that keeps the mail, and an estate of example people."""
