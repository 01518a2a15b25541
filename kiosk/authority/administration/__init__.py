"""What is done to the service rather than with it, one use case a module.

Nothing here prints or reads a command line: progress is told to a callback, and what
came of it is returned.
"""
