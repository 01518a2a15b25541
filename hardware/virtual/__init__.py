"""A virtual PIV card in a virtual reader behind a private PC/SC service.

For the demonstration and the tests: everything above the reader's driver is the real
thing, so what works here speaks real APDUs through a real pcscd.
"""
