"""Tools that run or measure the whole program, for longer than a test may take.

``make help`` lists them. What ``make test`` runs of each, shortened, is in ``tests/campaigns``.
"""
