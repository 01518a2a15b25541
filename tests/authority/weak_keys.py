"""RSA keys as Infineon's library made them (CVE-2017-15361)."""

from __future__ import annotations

import random
from functools import cache
from math import lcm, prod

from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

EXPONENT = 65537
_PRIMES = [2, *(n for n in range(3, 702, 2) if all(n % d for d in range(3, n, 2)))]


@cache
def weak_key() -> bytes:
    """Return such a key of 2,048 bits (SubjectPublicKeyInfo, DER), the same each time."""
    draws = random.Random(2017)
    p, q = _weak_prime(draws), _weak_prime(draws)
    public = rsa.RSAPublicNumbers(EXPONENT, p * q).public_key()
    return public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def _weak_prime(draws: random.Random) -> int:
    """Return a prime k * M + (65537 ** a mod M), of 1,024 bits, with its two highest bits set."""
    product = prod(_PRIMES)
    low, high = 3 << 1022, 1 << 1024
    while True:
        rest = pow(EXPONENT, draws.randrange(lcm(*(prime - 1 for prime in _PRIMES))), product)
        candidate = draws.randrange(low // product + 1, high // product) * product + rest
        if pow(2, candidate - 1, candidate) == 1:
            return candidate
