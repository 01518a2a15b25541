"""A virtual PIV card in a virtual reader behind a private PC/SC service.

For the demonstration and the tests: everything above the reader's driver is the real software, and
APDUs go through a real pcscd.
"""
