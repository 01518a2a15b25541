"""What the programs ask of the operating system; it knows the errors of the contract alone."""
