"""Long runs over the whole of the program and its tests, which nobody waits for."""
