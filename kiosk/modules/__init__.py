"""PKCS#11 modules of other makers, each in a process of its own.

A module is code of others that may hang or crash. So it is loaded by a process (``serving``)
that is asked over two pipes (``wire``) and ended by a time-out (``process``). What it is asked
for is said where it is used: cards in ``hardware.pkcs11``, keys in ``kiosk.secrets.token``.
"""
