"""Takes away one defence after the other, and looks whether the test that names it fails.

``mutants.toml`` lists them, one at least for each row of
``docs/security/attacks.md``.
"""
