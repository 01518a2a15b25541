"""The deciding half: it owns database, mail and keys, and believes no station.

``steps`` says, purely, what comes next; ``visit_context`` reads the records that this rests on;
each use case is a module; ``service.LocalAuthority`` is the port in front of them.
"""
