"""The deciding half: it owns database, mail and keys, and trusts no station.

``service.LocalAuthority`` is the port in front of it.
"""
