"""Administration of the service, one use case a module.

Nothing here prints or reads a command line: a callback gets the progress, and the result is
returned.
"""
