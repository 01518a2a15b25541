"""Keys outside the database, and what is done with them: sealing, hashing, signing.

Nothing here knows the store's rows or a screen. What comes back is opaque bytes and key
ids, safe to write down; the keys stay in the key file.
"""
