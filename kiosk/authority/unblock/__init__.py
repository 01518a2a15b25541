"""An unblock, seen from the authority: release of the secret, outcome, candidates, rotation."""
