"""Terminals: Textual's driver with restricted input and output.

``LockedDriver`` is the common part of a visitor's terminal and a member of staff's. It requests
synchronized output and a mouse; no focus reports, titles or sizes. Input passes a decoder, which is
an allow-list, and ``TokenBucket``; a backlog is dropped. Output passes ``Painter``, for which
nothing waits. The terminal's size is read ten times a second: no signal has a handler here that a
flood could call. When the terminal hangs up, the program gets ``HungUp``, and writing does not
fail.

``StationDriver`` accepts touches and a few keys. ``AdminDriver`` accepts all keys, the mouse and
the paste of a terminal at the other end of an SSH connection.
"""

from __future__ import annotations

import os
import select
import selectors
import signal
import sys
import termios
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from threading import Thread
from typing import TYPE_CHECKING, Any, ClassVar, assert_never

from textual import events, messages
from textual.drivers.linux_driver import LinuxDriver
from textual.geometry import Size
from textual.message import Message

from kiosk.contract.sensitive import Sensitive
from screens.terminal.colours import ConsoleColours, is_bare_console
from screens.terminal.decoder import (
    Decoder,
    DeskDecoder,
    Input,
    Paste,
    Pointer,
    Press,
    RunEnded,
    Scan,
    SmoothOffered,
    TerminalReply,
    Touch,
)
from screens.terminal.lockdown import close_keyboard

if TYPE_CHECKING:
    from textual.app import App


RATE = 30.0
"""Keys a second that pass in the long run."""

BURST = 100
"""Keys that pass at once after a pause: the longest answer, typed ahead."""

OUTPUT_BACKLOG = 256 * 1024
"""Characters that may wait for the terminal; about ten full pages."""

INPUT_BACKLOG = 128
"""Messages that may wait for the program; input beyond them is dropped."""

_LOOK_MS = 100
_CHUNK = 4096
_SMALL_CHUNK = 256
"""What a terminal that reports room accepts without blocking (WAKEUP_CHARS of Linux)."""

_FLOOD = 256
"""Bytes at once that nobody types, and no terminal answers."""

_WAKE_S = 0.1
_BIGGEST = 500
_LEAVE_S = 2.0
"""How long the last output may take: a terminal that nobody reads accepts none."""

_BEGIN = "\x1b[?1049h\x1b[?25l\x1b[?7l"
"""Another screen, no cursor, no wrapping of lines."""

_FRAME_ENDS = "\x1b[?2026l"

_ARE_YOU_THERE = "\x1b[5n"
"""Device status report (ECMA-48, 8.3.35); a terminal answers ``CSI 0 n``."""

_BUTTONS, _DRAGS, _SGR = 1000, 1002, 1006
"""Modes: buttons and the wheel; moves while a button is down; coordinates without a limit."""

_UNASKED = ("\x1b[?1004h", "\x1b[>", "\x1b]")
"""Textual's requests that are not made here: focus reports, kitty keys, titles."""


class TokenBucket:
    """Limits keys to ``BURST`` at once and ``RATE`` a second after that."""

    def __init__(
        self, clock: Callable[[], float], rate: float = RATE, burst: float = BURST
    ) -> None:
        self._clock = clock
        self._rate = rate
        self._burst = burst
        self._tokens = burst
        self._filled_at = clock()

    @property
    def is_low(self) -> bool:
        """Whether a flood has drained it."""
        self._fill()
        return self._tokens < max(1.0, self._burst / 10)

    def _fill(self) -> None:
        now = self._clock()
        earned = (now - self._filled_at) * self._rate
        self._tokens = min(self._burst, self._tokens + max(0.0, earned))
        self._filled_at = now

    def take(self) -> bool:
        self._fill()
        if self._tokens < 1:
            return False
        self._tokens -= 1
        return True


class Painter(threading.Thread):
    """Writes to the terminal ``fd``; the program never waits for it.

    Textual's thread has a bounded queue: once nobody reads the terminal, or a flood of ``SIGWINCH``
    interrupts its blocking write, the event loop waits in ``put`` and nothing can end the program.
    Here a write waits for room with a time limit, and output that a slow terminal cannot take is
    left out. ``repaint`` is called on this thread once the terminal has taken the rest. Where it is
    ``held``, output before ``start`` is left out in the same way.
    """

    def __init__(self, fd: int, repaint: Callable[[], None], *, held: bool = False) -> None:
        super().__init__(daemon=True, name="painter")
        self._fd, self._chunk = _own_description(fd)
        self._repaint = repaint
        self._waiting: deque[tuple[int, str]] = deque()
        self._size = 0
        self._left_out = held
        self._stopped = False
        self._gone = False
        self._change = threading.Condition()
        self._written = 0
        self._taken = 0

    # --- any thread --------------------------------------------------------------------

    def write(self, text: str) -> int:
        """Queue ``text``; return its number for ``has_written``. Never blocks."""
        with self._change:
            self._taken += 1
            if self._waiting and self._size + len(text) > OUTPUT_BACKLOG:
                self._leave_out()
            if not self._left_out:
                self._waiting.append((self._taken, text))
                self._size += len(text)
            self._change.notify()
            return self._taken

    def has_written(self, number: int) -> bool:
        """Return whether the terminal has taken this text and all before it."""
        with self._change:
            return self._written >= number

    def skip(self) -> None:
        """Leave out waiting output, so that the next text is written as soon as possible."""
        with self._change:
            self._leave_out()
            self._left_out = False

    def stop(self, timeout_s: float) -> None:
        """Write waiting output, and end; gives up after the time-out."""
        with self._change:
            self._stopped = True
            self._change.notify()
        if self.is_alive():
            self.join(timeout_s)

    def _leave_out(self) -> None:
        self._waiting.clear()
        self._size = 0
        self._left_out = True

    # --- this thread -------------------------------------------------------------------

    def run(self) -> None:
        while True:
            with self._change:
                while not (self._waiting or self._left_out or self._stopped):
                    self._change.wait()
                if self._waiting:
                    number, text = self._waiting.popleft()
                    self._size -= len(text)
                elif self._stopped:
                    return
                else:
                    number, text = self._written, ""
                    self._left_out = False
            if text:
                self._put(text.encode(errors="replace"))
            else:
                self._repaint()
            with self._change:
                self._written = number

    def _put(self, data: bytes) -> None:
        """Write all of ``data``; drop it where the terminal is gone, which the reader notices."""
        room = select.poll()
        room.register(self._fd, select.POLLOUT)
        while data and not self._gone:
            if not room.poll(_LOOK_MS):
                if is_bare_console(os.environ):
                    # Scroll Lock stops a console in any mode of the terminal, and the kernel
                    # (tty_ioctl(4)) resumes only what was stopped by the same call.
                    with suppress(termios.error):
                        termios.tcflow(self._fd, termios.TCOOFF)
                        termios.tcflow(self._fd, termios.TCOON)
                continue
            try:
                data = data[os.write(self._fd, data[: self._chunk]) :]
            except BlockingIOError:
                continue
            except OSError:
                self._gone = True


def _own_description(fd: int) -> tuple[int, int]:
    """Open the terminal once more, so that only this thread's writes do not block.

    The flag belongs to the open file description, which standard error shares with others. Where
    that fails, write on ``fd`` in pieces that do not block.
    """
    try:
        flags = os.O_WRONLY | os.O_NOCTTY | os.O_NONBLOCK | os.O_CLOEXEC
        return os.open(os.ttyname(fd), flags), _CHUNK
    except OSError:
        return fd, _SMALL_CHUNK


class HungUp(Message):
    """The terminal is gone."""


class Key(events.Key):
    """A key with the numbers of its ``Press``; named as its base is, whose handlers get it."""

    __slots__ = ("digits", "run")

    def __init__(self, press: Press) -> None:
        super().__init__(press.key, press.character)
        self.run, self.digits = press.run, press.digits


class RunOver(Message):
    """No other character follows a run; after the keys of the run."""


class Scanned(Message):
    """A scanner read ``text``, and said by its frame that it is one."""

    def __init__(self, text: Sensitive) -> None:
        super().__init__()
        self.text = text


class KeysLost(Message):
    """More keys came at once than pass: the typed text lacks some."""


class InputDropped(Message):
    """Output was left out for a slow terminal, which can now take a whole page again."""


def _display() -> int:
    """Return the descriptor of the terminal that the pages are drawn on."""
    return sys.__stderr__.fileno() if sys.__stderr__ else 2


class LockedDriver(LinuxDriver):
    """See the module; ``mouse``: there is a mouse, or touch."""

    rate: ClassVar[float] = RATE
    burst: ClassVar[float] = BURST
    backlog: ClassVar[int] = INPUT_BACKLOG
    must_answer: ClassVar[bool] = False
    """Whether the terminal counts as frozen before its first answer in this run."""

    mouse_modes: ClassVar[tuple[int, ...]]
    """DEC private modes that request the mouse, as xterm numbers them."""

    def __init__(
        self,
        app: App[Any],
        *,
        debug: bool = False,
        mouse: bool = True,
        size: tuple[int, int] | None = None,
    ) -> None:
        super().__init__(app, debug=False, mouse=mouse, size=size)
        signal.signal(signal.SIGTSTP, signal.SIG_IGN)
        signal.signal(signal.SIGCONT, signal.SIG_DFL)
        signal.signal(signal.SIGWINCH, signal.SIG_IGN)
        self._painter: Painter | None = None
        self._sized: tuple[int, int] | None = None
        self._sized_at = 0.0
        self._asked = 0
        self._answered = False
        self._answers = self.must_answer
        self._keys_lost = False
        self._in_run = False

    # --- output ------------------------------------------------------------------------

    @property
    def can_suspend(self) -> bool:
        return False

    def start_application_mode(self) -> None:
        """Take the terminal as Textual does, without handlers for signals of the terminal."""
        self._painter = Painter(_display(), self._left_out)
        self._painter.start()
        self._begin_with_size()
        self.write(_BEGIN)
        self._enable_mouse_support()
        try:
            self.attrs_before = termios.tcgetattr(self.fileno)
            close_keyboard(self.fileno)
        except termios.error:
            self.attrs_before = None
        self._key_thread = Thread(target=self._run_input_thread, name="textual-input")
        self._key_thread.start()
        self._request_terminal_sync_mode_support()
        self._enable_bracketed_paste()

    def _begin_with_size(self) -> None:
        self._sized = self._get_terminal_size()
        self._send_size(self._sized)

    def stop_application_mode(self) -> None:
        """Release the terminal; waiting output is not drawn any more."""
        if self._painter is not None:
            self._painter.skip()
            self.write(_FRAME_ENDS)  # what was skipped may have ended one
        super().stop_application_mode()

    def close(self) -> None:
        """End the painter, also while its terminal takes nothing."""
        if self._painter is not None:
            self._painter.stop(_LEAVE_S)

    def write(self, data: str) -> None:
        """Write to the terminal, leaving out requests that are not made here."""
        if self._painter is not None and not data.startswith(_UNASKED):
            self._painter.write(data)

    def _left_out(self) -> None:
        self.send_message(InputDropped())

    def ask(self) -> None:
        """Send a request to the terminal; ``is_painting`` is the result."""
        if self._painter is not None:
            self._answered = False
            self._asked = self._painter.write(_ARE_YOU_THERE)

    @property
    def is_painting(self) -> bool:
        """Whether all output before ``ask`` is written, and the terminal answered.

        A terminal that never answered in this run is not expected to, unless it must.
        """
        written = self._painter is not None and self._painter.has_written(self._asked)
        return written and (self._answered or not self._answers)

    def open_url(self, url: str, new_tab: bool = True) -> None:
        """Open nothing."""

    def _get_terminal_size(self) -> tuple[int, int]:
        """Query the terminal itself: the environment and the other streams may be anything."""
        try:
            width, height = os.get_terminal_size(self.fileno)
        except OSError:
            return 80, 24
        return min(width, _BIGGEST) or 80, min(height, _BIGGEST) or 24

    def _enable_mouse_support(self) -> None:
        if self._mouse:
            self.write(_modes(self.mouse_modes, "h"))

    def _disable_mouse_support(self) -> None:
        if self._mouse:
            self.write(_modes(self.mouse_modes, "l"))

    def _enable_mouse_pixels(self) -> None:
        pass

    def _watch_size(self) -> None:
        """Read the terminal's size, ten times a second at most."""
        now = time.monotonic()
        if self._sized is None or now - self._sized_at < _WAKE_S:
            return
        self._sized_at, before = now, self._sized
        self._sized = self._get_terminal_size()
        if self._sized != before:
            self._send_size(self._sized)

    def _send_size(self, cells: tuple[int, int]) -> None:
        self.send_message(events.Resize(Size(*cells), Size(*cells)))

    # --- input -------------------------------------------------------------------------

    def _run_input_thread(self) -> None:
        """Run the thread; when it ends, the program has to end: nobody can type any more."""
        try:
            self.run_input_thread()
        finally:
            if not self.exit_event.is_set():
                self.send_message(HungUp())

    def run_input_thread(self) -> None:
        """Read until the program ends; an error of the decoder costs its input, not the thread."""
        selector = selectors.DefaultSelector()
        selector.register(self.fileno, selectors.EVENT_READ)
        bucket = TokenBucket(time.monotonic, self.rate, self.burst)
        try:
            while not self.exit_event.is_set():
                try:
                    self._read(selector, bucket)
                except (ArithmeticError, LookupError, TypeError, ValueError):
                    continue
        except (OSError, EOFError):
            return  # the terminal is gone
        finally:
            selector.close()

    def _read(self, selector: selectors.BaseSelector, bucket: TokenBucket) -> None:
        """Decode until the program ends; raises ``EOFError`` where the terminal did."""
        decoder = self.new_decoder()
        while not self.exit_event.is_set():
            self._watch_size()
            if selector.select(decoder.timeout_s or _WAKE_S):
                data = os.read(self.fileno, _CHUNK)
                if not data:
                    raise EOFError
                if len(data) > _FLOOD and bucket.is_low:
                    data = b""  # a flood is not worth the time to decode it
                self._pass_on(decoder.feed(data), bucket)
            else:
                self._pass_on(decoder.expire(), bucket)

    def new_decoder(self) -> Decoder:
        raise NotImplementedError

    def _pass_on(self, inputs: Iterator[Input], bucket: TokenBucket) -> None:
        for item in inputs:
            if isinstance(item, TerminalReply):
                self._answered = self._answers = True
                continue
            if isinstance(item, RunEnded):
                self._end_run()
                continue
            if self._app.message_queue_size >= self.backlog or not bucket.take():
                self._keys_lost |= isinstance(item, Press | Scan)
                continue
            message = self.message_of(item)
            if message:
                self.process_message(message)
                self._in_run |= isinstance(message, Key) and message.run > 0
        if self._keys_lost and self._app.message_queue_size < self.backlog:
            # After the keys that passed, which would clear the page's message about it.
            self._keys_lost = False
            self.process_message(KeysLost())

    def _end_run(self) -> None:
        """Say that a run is over, once, and of none whose keys were dropped."""
        if self._in_run:
            self._in_run = False
            self.process_message(RunOver())

    def message_of(self, item: Input) -> Message | None:
        """Return the program's message for ``item``; None where it gets none."""
        raise NotImplementedError

    def process_message(self, message: Message) -> None:
        """Send only what ``message_of`` makes to the app, and no events of the base class."""
        message.set_sender(self._app)
        self.send_message(message)


class StationDriver(LockedDriver):
    """``more_keys`` are control characters that are keys too; a real station has none."""

    more_keys: ClassVar[Mapping[str, str]] = {}
    mouse_modes = (_BUTTONS, _SGR)

    _colours: ConsoleColours | None = None
    _surface = ""
    """The name of the theme whose colours are set on the bare console."""

    def write(self, data: str) -> None:
        """Write to the terminal; the bare console gets colours of the surface."""
        if self._painter is not None and is_bare_console(os.environ):
            surface = self._app.current_theme
            if self._colours is None or surface.name != self._surface:
                self._surface, self._colours = surface.name, ConsoleColours(surface)
                self._painter.write(self._colours.palette)
            data = self._colours.recolour(data)
        super().write(data)

    def _left_out(self) -> None:
        self._surface = ""  # the colours may have been left out as well
        super()._left_out()

    def _enable_bracketed_paste(self) -> None:
        """Nobody pastes."""

    def new_decoder(self) -> Decoder:
        return Decoder(self.more_keys)

    def message_of(self, item: Input) -> Message | None:
        match item:
            case Press():
                return Key(item)
            case Touch(x, y, down):
                kind = events.MouseDown if down else events.MouseUp
                touch = kind(None, x, y, 0, 0, 1, False, False, False, screen_x=x, screen_y=y)
                return touch if self._mouse else None
            case SmoothOffered():
                return messages.TerminalSupportsSynchronizedOutput()
            case Scan(text):
                return Scanned(Sensitive(text))
            case Paste() | Pointer() | TerminalReply() | RunEnded():
                return None
            case _:
                assert_never(item)


_LEAVE = "\x1b[?7h\x1b[?25h\x1b[?1049l"


def open_display(*, touch: bool) -> None:
    """Prepare the terminal for the processes that draw on it in turn, as ``VisitDriver`` does."""
    _put_at_once(_BEGIN + (_modes(StationDriver.mouse_modes, "h") if touch else ""))


def leave_display() -> None:
    """Release the terminal after the last of them."""
    _put_at_once(_FRAME_ENDS + _modes(StationDriver.mouse_modes, "l") + _LEAVE)


def _modes(modes: tuple[int, ...], switch: str) -> str:
    return "".join(f"\x1b[?{mode}{switch}" for mode in modes)


def _put_at_once(text: str) -> None:
    """Write what the terminal takes without waiting: it may be gone, or stopped."""
    fd, chunk = _own_description(_display())
    room = select.poll()
    room.register(fd, select.POLLOUT)
    with suppress(OSError):
        if room.poll(0):
            os.write(fd, text.encode()[:chunk])


class VisitDriver(StationDriver):
    """Draws and reads from its turn on, on a terminal that its parent opened and keeps open.

    ``turn`` is a descriptor that can be read once it is this process's turn. Until then the page is
    laid out, and nothing is written or read. Pages follow each other without a gap: the mode of the
    terminal does not change between two processes, and each draws its whole first page.
    """

    turn: ClassVar[int]

    def start_application_mode(self) -> None:
        """Wait for the turn, on the thread that reads from then on."""
        self._painter = Painter(_display(), self._left_out, held=True)
        self._begin_with_size()
        self._key_thread = Thread(target=self._run_input_thread, name="textual-input")
        self._key_thread.start()

    def run_input_thread(self) -> None:
        """Wait for the turn, then draw what is laid out and read."""
        turn = select.poll()
        turn.register(self.turn, select.POLLIN)
        while not turn.poll(_LOOK_MS):
            if self.exit_event.is_set():
                return
        if self._painter is not None:
            self._painter.start()
        super().run_input_thread()

    def stop_application_mode(self) -> None:
        """Stop reading; the terminal stays as it is for the next process."""
        self.disable_input()

    def _left_out(self) -> None:
        self._request_terminal_sync_mode_support()  # the last request was left out, or its answer
        super()._left_out()

    def _disable_mouse_support(self) -> None:
        """Keep the mode of the terminal."""


LAST_S = 60.0
"""Seconds after the connection was lost when the program ends, whatever it is doing."""

_WHEEL = (
    events.MouseScrollUp,
    events.MouseScrollDown,
    events.MouseScrollLeft,
    events.MouseScrollRight,
)


class AdminDriver(LockedDriver):
    """For somebody who types as fast as they can; a lost connection ends the program."""

    rate = 100.0
    burst = 250.0
    backlog = 250
    mouse_modes = (_BUTTONS, _DRAGS, _SGR)

    def new_decoder(self) -> Decoder:
        return DeskDecoder()

    def message_of(self, item: Input) -> Message | None:
        match item:
            case Press(key="enter"):
                return events.Key("enter", "\r")
            case Press(key="?"):
                return events.Key("question_mark", "?")  # as Textual names it for bindings
            case Press():
                return events.Key(item.key, item.character)
            case Paste():
                return events.Paste(item.text)
            case Pointer():
                return _mouse(item)
            case SmoothOffered():
                return messages.TerminalSupportsSynchronizedOutput()
            case Touch() | Scan() | TerminalReply() | RunEnded():
                return None
            case _:
                assert_never(item)

    def run_input_thread(self) -> None:
        """Read until the program ends; see to it that it does when the terminal is gone."""
        try:
            super().run_input_thread()
        finally:
            if not self.exit_event.is_set():
                last = threading.Timer(LAST_S, os._exit, (1,))
                last.daemon = True
                last.start()


def _mouse(pointer: Pointer) -> events.MouseEvent:
    code, x, y = pointer.buttons, pointer.x, pointer.y
    button = 0 if code & 64 else (code + 1) & 3
    if code & 64:
        kind: type[events.MouseEvent] = _WHEEL[code & 3]
    elif code & 32 or not button:
        kind = events.MouseMove
    else:
        kind = events.MouseDown if pointer.down else events.MouseUp
    held = bool(code & 4), bool(code & 8), bool(code & 16)
    return kind(None, x, y, 0, 0, button, *held, screen_x=x, screen_y=y)
