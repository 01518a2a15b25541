"""Help that several test packages share."""
