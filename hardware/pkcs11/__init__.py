"""Cards that only speak through their maker's PKCS#11 module.

The module is code of others that may hang or crash: it is loaded in a process of its own
(``worker``), which lives for one call on the card and is ended by its time-out
(``process``). ``cards`` is the station's side, ``tokens`` the module's.
"""
