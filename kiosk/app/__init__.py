"""The programs: the command line, the settings, the composition roots and the demo."""
