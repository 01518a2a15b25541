"""An unblock at the authority: release of the secret, outcome, candidates, rotation."""
