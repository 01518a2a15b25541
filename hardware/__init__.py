"""Readers and cards.

``monitor`` posts what goes in and out of the readers, ``card_access`` acts on the card in one of
them over PC/SC, ``drivers`` hold the card families, and ``pkcs11`` serves cards through their
maker's module.
"""
