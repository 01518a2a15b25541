"""What remains to be done on a machine after its package is installed."""
