"""The deciding half: it owns database, mail and keys, and trusts no station.

``gates`` decides, purely, what comes next; ``visit_context`` reads the records for that; each use
case is a module; ``service.LocalAuthority`` is the port in front of them.
"""
