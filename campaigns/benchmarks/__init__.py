"""How fast, against what: each number is a ratio to a floor or a peer in the same run."""
