"""Textual applications with the ways out closed: for staff over SSH, and for a walk-up visitor.

Textual is made for its user's terminal: keys quit it, copy, save a picture; an error prints the
values of variables. In ``ClosedApp`` each of those does nothing, and an error is passed to
``on_fault`` while the screen stays empty; the rest of Textual can be used. ``WalkUpApp`` also
closes what a visitor could reach: keys, actions, the command palette, toasts. Several overrides are
of private names: ``tests/screens/terminal`` tests each, and the version is pinned.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, ClassVar

from textual import events
from textual.app import App, ReturnType, SystemCommand
from textual.driver import Driver
from textual.geometry import Size
from textual.screen import Screen
from textual.worker import WorkerFailed

from screens.terminal.driver import InputDropped
from screens.terminal.lockdown import OnFault

FAULT_CODE = 1
"""The exit code of the program after an unhandled error."""


class ClosedApp(App[ReturnType], inherit_bindings=False):
    """An application that only its code can end, and that uses nothing but its screen."""

    ALLOW_SELECT = False
    ENABLE_SELECT_AUTO_SCROLL = False
    AUTO_FOCUS = ""
    COMMANDS: ClassVar[set[Any]] = set()
    BINDINGS: ClassVar[list[Any]] = []

    def __init__(self, on_fault: OnFault, driver_class: type[Driver] | None = None) -> None:
        self._on_fault = on_fault
        self._parsed_for = ""
        self._terminal_size: Size | None = None
        super().__init__(driver_class=driver_class)

    def begin_with(self, surface: str) -> None:
        """Set the first theme before the stylesheet is read, so that it is parsed only once."""
        self.set_reactive(App.theme, surface)
        self.set_class(self.current_theme.dark, "-dark-mode", update=False)
        self.set_class(not self.current_theme.dark, "-light-mode", update=False)
        self.stylesheet.set_variables(self.get_css_variables())
        self._parsed_for = surface

    def refresh_css(self, animate: bool = True) -> None:
        """Parse the stylesheet again, unless that was done for the same theme."""
        if self.theme != self._parsed_for:
            self._parsed_for = self.theme
            super().refresh_css(animate)

    def on_resize(self, event: events.Resize) -> None:
        """Have the screen laid out for a new size of the terminal.

        Textual begins a timer of 8 ms for that. One whose process does not run for so long while it
        begins is dropped, and every later size is then ignored with it.
        """
        before, self._terminal_size = self._terminal_size, event.size
        if before not in (None, event.size) and self.screen_stack:
            self.screen.post_message(events.Resize(event.size, event.virtual_size))

    # --- errors ------------------------------------------------------------------------

    def _handle_exception(self, error: Exception) -> None:
        """Report an unhandled error once, and end with ``FAULT_CODE``."""
        self._return_code = FAULT_CODE
        if self._exception is None:
            self._exception = error  # run_test raises it again
            self._exception_event.set()
            self._on_fault(error.error if isinstance(error, WorkerFailed) else error)
        self._close_messages_no_wait()

    def _fatal_error(self) -> None:
        self._close_messages_no_wait()

    def panic(self, *renderables: Any) -> None:
        """End with ``FAULT_CODE``; what there was to print is dropped."""
        self._return_code = FAULT_CODE
        self._close_messages_no_wait()

    def _print_error_renderables(self) -> None:
        self._exit_renderables.clear()

    def _print(self, text: str, stderr: bool = False) -> None:
        """Drop a library's output: it would write over the picture."""

    def on_input_dropped(self, _message: InputDropped) -> None:
        """Draw the whole page: some of it was not written to the terminal."""
        if self.screen_stack:
            self.screen.refresh()

    # --- nobody quits, suspends, copies, saves or opens anything -------------------------

    def get_system_commands(self, screen: Screen[Any]) -> Iterator[SystemCommand]:
        """Offer none of Textual's commands."""
        yield from ()

    def do_nothing(self, *_args: Any, **_kwargs: Any) -> None:
        pass

    async def action_quit(self) -> None:
        """Do nothing."""

    action_help_quit = action_suspend_process = action_show_help_panel = do_nothing
    action_screenshot = deliver_screenshot = deliver_text = deliver_binary = do_nothing
    action_change_theme = do_nothing  # Textual's own themes are not made for these terminals
    copy_to_clipboard = do_nothing  # it outlives a visit, and a terminal may share it
    open_url = bell = do_nothing

    def save_screenshot(self, *_args: Any, **_kwargs: Any) -> str:
        """Save nothing."""
        return ""

    @contextmanager
    def suspend(self) -> Iterator[None]:
        """Keep the terminal."""
        yield


class WalkUpApp(ClosedApp[ReturnType], inherit_bindings=False):
    """An application in which a visitor sees only its pages, and runs no action."""

    ENABLE_COMMAND_PALETTE = False

    async def run_action(self, *_args: Any, **_kwargs: Any) -> bool:
        """Run no action, neither of a binding nor of a link in a text."""
        return False

    action_command_palette = ClosedApp.do_nothing
    notify = ClosedApp.do_nothing  # the page shows all messages
