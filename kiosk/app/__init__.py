"""The programs: the command line, the composition roots and the demo."""
