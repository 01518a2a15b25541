"""Hostile cards: what somebody can make who has a stolen card, or has seen a card's identifier.

Each is a chip as ``hardware.virtual.link`` wants it. Directly against the drivers, through
pcscd::

    seat = insert(shim_of(stolen))                      # the fixture of tests.support.pcsc
    cards = PcscCards([load_driver("piv", "puk")])
    proof = cards.verify_pin(CardAddress(seat.reader, cards.read(seat.reader).card), any_pin, ask)

At the installed program, with the worlds of tests.e2e (``world.ada`` is a ``Person``)::

    shim = VerifyShim(world.ada.card)                   # any PIN is taken at the station
    thief = dataclasses.replace(world.ada, card=shim, pin="135790")
    Visitor(world, thief, world.station()).comes().chooses(...).proves_pin()

``shims``: ``VerifyShim`` answers VERIFY in place of a card whose PIN nobody knows;
``KeyShim`` has its own PIN and PIV authentication key besides.
``copies``: blank cards with another card's public identifier, for every family.
"""
