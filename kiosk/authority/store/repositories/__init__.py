"""One repository a table: each call is a statement or two, and gives frozen records."""
