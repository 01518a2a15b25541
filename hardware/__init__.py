"""The metal: readers and cards through PC/SC.

``monitor`` says what goes in and out of the readers, ``cards`` acts on the card in one
of them, and ``drivers`` hold what each family of cards speaks.
"""
