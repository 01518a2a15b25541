"""The use cases of a visit at a station, each a module.

``rules`` decides, purely, what comes next; ``context`` reads the records for that.
"""
