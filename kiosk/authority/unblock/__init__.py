"""An unblock at the authority: release of the secret, outcome, the card's next secret."""
