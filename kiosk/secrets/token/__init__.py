"""Master keys in a PKCS#11 token: they are made there, used there, and never leave it.

``masters`` is this program's side, ``keys`` that of the module, which lives in a process of
its own (``worker``).
"""
