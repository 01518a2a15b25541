"""What was there when all was made immortal is shared with forked children; the rest is as ever."""

from __future__ import annotations

import subprocess
import sys

_PYTHON_COUNTS = sys.version_info[:2] != (3, 13)

_CHILD = """
import os
from pathlib import Path
from kiosk.app.process import make_all_immortal

def copied():
    "KiB that a forked child copies when it only reads."
    reading, writing = os.pipe()
    if os.fork() == 0:
        before = private()
        for name, number, words in held:
            for word in words:
                pass
        os.write(writing, b"%d" % (private() - before))
        os._exit(0)
    os.wait()
    return int(os.read(reading, 20))

def private():
    lines = Path("/proc/self/smaps_rollup").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("Private_Dirty:"))

held = [(f"name {number}", float(number), [f"word {number}"]) for number in range(40_000)]
before = copied()
print(make_all_immortal(), before, copied())
"""

_CODE = """
import gc, sys
from kiosk.app.process import make_all_immortal

def outer():
    def inner():
        return sys.a_name_of_its_own, "a text", 2.5, ("one", b"two")
    return inner

gc.collect()  # and it tracks no tuples of constants any more
made = make_all_immortal()
inner = outer().__code__
kept = [outer, outer.__code__, inner, inner.co_consts, *inner.co_consts, *inner.co_names]
kept += [inner.co_filename, inner.co_name, inner.co_qualname, inner.co_consts[-1][1]]
kept += [sys, sys.modules, sys.argv, str.join]
print(made, {sys.getrefcount(one) == 0xFFFFFFFF for one in kept})
"""

_AS_EVER = """
import atexit, gc, sqlite3, sys, threading, weakref
from kiosk.app.process import make_all_immortal

class Thing:
    pass

there, freed = Thing(), []
make_all_immortal()
gc.freeze()

def watch(thing, name):
    weakref.finalize(thing, freed.append, name)
    return thing

assert sys.getrefcount(Thing()) == 1
watch(Thing(), "dropped")
there.held = watch(Thing(), "replaced")
there.held = watch(Thing(), "in a cycle")
there.held.itself = there.held
there.held.back = there
there.held = None
assert freed == ["dropped", "replaced"], freed
gc.collect()
assert freed == ["dropped", "replaced", "in a cycle"], freed

class Below(Thing):
    pass

assert Thing.__subclasses__() == [Below]
del Below
gc.collect()
assert Thing.__subclasses__() == []
assert sys.intern("".join(["made", " after"])) is sys.intern("".join(["made ", "after"]))
rows = sqlite3.connect(":memory:").execute("select 'one' || ?", ("two",)).fetchall()
assert rows == [("onetwo",)]
thread = threading.Thread(target=freed.clear)
thread.start()
thread.join()
assert not freed
atexit.register(print, "ended")
"""


def _said(program: str) -> list[str]:
    """Return the words that ``program`` printed; it has to end as it should, and in silence."""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout.split()


def test_a_child_that_only_reads_copies_no_page() -> None:
    made, before, after = _said(_CHILD)
    assert int(before) > 4000
    if _PYTHON_COUNTS:
        assert made == "False"
        assert int(after) > 4000
    else:
        assert made == "True"
        assert int(after) < int(before) / 10


def test_what_code_refers_to_is_immortal() -> None:
    """A code object shows the collector of garbage nothing."""
    assert _said(_CODE)[0] == str(not _PYTHON_COUNTS)
    assert _PYTHON_COUNTS or _said(_CODE) == ["True", "{True}"]


def test_what_is_made_later_is_counted_and_freed_and_the_process_ends_as_ever() -> None:
    assert _said(_AS_EVER) == ["ended"]
