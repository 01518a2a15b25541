"""What each family of cards speaks; one family a file."""
