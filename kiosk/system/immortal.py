"""Immortal objects (PEP 683): Python counts no references to them, and never frees them."""

from __future__ import annotations

import ctypes
import gc
import sys
from types import CodeType

_IMMORTAL = 0xFFFF_FFFF
"""``_Py_IMMORTAL_REFCNT`` of Python 3.13's object.h, where there are 64 bits."""


def make_all_immortal() -> bool:
    """Make every object of this process immortal, so that forked children share it for longer.

    A reference is counted in the object itself, and by that a child copies the page: also of what
    it only reads. What is made later is counted and freed as ever. What is there now never is, so
    nothing of it may be a secret, or a file that is closed by being dropped.

    Returns False, and does nothing, on other Pythons than the plain build of 3.13: 3.11 has no such
    objects, 3.14 marks them by another number. Within a version number and place stay as they are,
    since extension modules are compiled with them.
    """
    plain = not sys.abiflags and sys.maxsize > 2**32  # "t": free-threaded, "d": debug
    if sys.implementation.cache_tag != "cpython-313" or not plain:
        return False
    found = gc.get_objects()
    while found:
        mortal = []
        for each in found:
            count = ctypes.c_ssize_t.from_address(id(each))
            if count.value != _IMMORTAL:
                count.value = _IMMORTAL
                mortal.append(each)
        found = gc.get_referents(*mortal)
        for code in mortal:
            if type(code) is CodeType:  # which shows the collector of garbage nothing
                found += code.co_consts, code.co_names
                found += code.co_filename, code.co_name, code.co_qualname
    return True
