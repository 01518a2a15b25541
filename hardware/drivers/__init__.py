"""The card families that are driven over PC/SC, one file each."""
