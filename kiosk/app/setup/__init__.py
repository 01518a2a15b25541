"""What is left to do on a machine after its package is installed."""
