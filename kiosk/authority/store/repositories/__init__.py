"""The repositories: each reads and writes the rows of one aggregate."""
