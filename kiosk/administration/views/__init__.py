"""What staff are shown: frozen data without a secret, in the words of the RA.

Times are UTC and aware. These modules know neither store nor screens, so both the screens
and the command line can hold them.
"""
