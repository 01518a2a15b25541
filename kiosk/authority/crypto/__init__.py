"""Keys outside the database, and their uses: sealing, hashing, signing.

Nothing here depends on the store's rows or on a screen. Results are opaque bytes and key ids that
may be stored; the keys stay in the key file.
"""
