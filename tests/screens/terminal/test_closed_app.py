from __future__ import annotations

import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace
from textual import events
from textual.app import App, ComposeResult
from textual.command import CommandPalette
from textual.drivers.headless_driver import HeadlessDriver
from textual.timer import Timer, TimerCallback
from textual.widget import Widget
from textual.widgets import Static
from textual.worker import WorkerFailed

from kiosk.contract.messages import (
    AnswerQuestions,
    ChooseQuestions,
    EnterCode,
    GiveEmail,
    Purpose,
    Question,
    Route,
    RouteId,
    SendCode,
)
from kiosk.station import states
from kiosk.station.events import HolderSide
from kiosk.station.states import EnterPin, State
from screens.kiosk.app import KioskApp
from screens.terminal.closed_app import FAULT_CODE, ClosedApp
from tests.screens.admin.pilots import running
from tests.screens.idle_app import still
from tests.screens.kiosk.pictures import STILL, app_for
from tests.screens.kiosk.samples import REGISTER, VISIT, Sample, one_of_each
from tests.screens.pilots import settled, type_keys
from tests.screens.recording_station import StillStation
from tests.screens.shown import screen_lines
from tests.support.steps import STEP, offers

SECRET = "canary-604918"
CHORDS = (
    "ctrl+q ctrl+c ctrl+p ctrl+z ctrl+backslash ctrl+d ctrl+s ctrl+l ctrl+a ctrl+x ctrl+v ctrl+o "
    "super+c f1 f10 f11 f12 alt+f4 shift+insert ctrl+shift+c ctrl+pageup question_mark"
).split()


class FaultyDesk(StillStation):
    """Breaks when something is submitted, with a secret among its variables."""

    def submit(self, event: HolderSide) -> None:
        secret = SECRET
        raise RuntimeError(secret)


def faulty_app(faults: list[BaseException]) -> KioskApp:
    return KioskApp(FaultyDesk(EnterPin(REGISTER)), STILL, faults.append)


async def _run(app: KioskApp, keys: Iterable[str] = ()) -> None:
    async with app.run_test() as pilot:
        await still()
        if keys:
            await type_keys(pilot, keys)


async def test_no_chord_does_anything() -> None:
    app = app_for(Sample(EnterPin(REGISTER)))
    async with app.run_test() as pilot:
        await settled(pilot)
        before, page = screen_lines(app), app.screen
        await type_keys(pilot, CHORDS)
        assert app.screen is page
        assert screen_lines(app) == before
        assert app.is_running


async def test_no_page_binds_a_key_or_takes_the_focus() -> None:
    app = app_for(Sample(EnterPin(REGISTER)))
    async with app.run_test() as pilot:
        await settled(pilot)
        for state in one_of_each():
            await app.show(state)
            app.screen.focus_next()
            await type_keys(pilot, ("tab", "shift+tab"))
            assert not app.screen.active_bindings, state
            assert app.focused is None, state
            assert not [w for w in app.screen.walk_children(Widget) if w.focusable], state


def _actions() -> list[str]:
    named = (name for cls in KioskApp.__mro__ for name in vars(cls))
    return sorted({name.removeprefix("action_") for name in named if name.startswith("action_")})


async def test_no_action_runs() -> None:
    app = app_for(Sample(EnterPin(REGISTER)))
    async with app.run_test() as pilot:
        await settled(pilot)
        for action in (*_actions(), "app.quit", "screen.copy_text", "app.bell"):
            assert not await app.run_action(action), action
        assert app.is_running


async def _call_every_way_out(app: ClosedApp[Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """Call what would leave the screen; nothing may be written, copied, opened or offered."""
    monkeypatch.setattr("webbrowser.open", _must_not_be_called)
    written: list[str] = []
    monkeypatch.setattr(HeadlessDriver, "write", lambda _driver, data: written.append(data))
    app.copy_to_clipboard("604918")
    app.open_url("https://intranet.example")
    app.save_screenshot()
    app.deliver_screenshot()
    app.deliver_text("/etc/passwd")
    app.deliver_binary("/etc/passwd")
    app.bell()
    app.action_help_quit()
    app.action_suspend_process()
    app.action_show_help_panel()
    app.action_change_theme()
    app.action_screenshot()
    await app.action_quit()
    with app.suspend():
        pass
    assert not written
    assert app.clipboard == ""
    assert not list(app.get_system_commands(app.screen))
    assert app.is_running


async def test_methods_that_would_open_a_way_out_do_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    app = app_for(Sample(EnterPin(REGISTER)))
    async with app.run_test() as pilot:
        await settled(pilot)
        await _call_every_way_out(app, monkeypatch)
        app.notify("hello")
        app.action_command_palette()
        await settled(pilot)
        assert not isinstance(app.screen, CommandPalette)
        assert not app.screen.query("Toast")
    assert not list(tmp_path.iterdir())


async def test_methods_that_would_open_a_way_out_do_nothing_for_staff(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    async with running() as run:
        page = run.app.screen
        await _call_every_way_out(run.app, monkeypatch)
        await run.settle()
        assert run.app.screen is page
    assert not list(tmp_path.iterdir())


def _must_not_be_called(*_args: Any) -> None:
    pytest.fail("something was opened")


async def test_an_error_is_reported_and_not_shown(capfd: pytest.CaptureFixture[str]) -> None:
    faults: list[BaseException] = []
    app = faulty_app(faults)
    with pytest.raises(RuntimeError):  # how run_test says that the app ended by it
        await _run(app, (*"604918", "enter"))
    assert [type(fault) for fault in faults] == [RuntimeError]
    assert app.return_code == FAULT_CODE
    assert "".join(capfd.readouterr()) == ""


async def test_a_page_that_cannot_be_made_is_an_error_too(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_state: State, _kit: object) -> None:
        secret = SECRET
        raise LookupError(secret)

    monkeypatch.setattr("screens.kiosk.app.screen_for", fail)
    faults: list[BaseException] = []
    app = KioskApp(StillStation(), STILL, faults.append)
    with pytest.raises(WorkerFailed):
        await _run(app)
    assert [type(fault) for fault in faults] == [LookupError]
    assert app.return_code == FAULT_CODE
    assert SECRET not in "".join(capfd.readouterr())


async def test_what_a_library_prints_is_dropped(capfd: pytest.CaptureFixture[str]) -> None:
    app = app_for(Sample(EnterPin(REGISTER)))
    async with app.run_test() as pilot:
        await settled(pilot)
        print(SECRET)  # noqa: T201
        print(SECRET, file=sys.stderr)  # noqa: T201
    assert SECRET not in "".join(capfd.readouterr())


def _everywhere(text: str) -> list[State]:
    """Return every page that shows data, with ``text`` in all of it."""
    visit = replace(VISIT, holder_name=text)
    unlock = replace(visit, purpose=Purpose.UNLOCK)
    question = Question(1, text)
    choose = ChooseQuestions((question,), 1, position=STEP)
    route = Route(RouteId("a" * 32), text)
    return [
        states.Menu(visit, offers(Purpose.UNLOCK)),
        states.ConfirmOwner(unlock),
        states.PickQuestion(unlock, choose),
        states.GiveAnswer(unlock, choose, (), question),
        states.AskQuestion(unlock, AnswerQuestions((question,), 3, position=STEP)),
        states.EnterEmail(unlock, GiveEmail(text, (), position=STEP)),
        states.CodeEntry(unlock, EnterCode(route, (route,), 8, 60, 60, 3, position=STEP)),
        states.CodeNeeded(unlock, SendCode((route,), position=STEP), states.CodeLack.EXPIRED),
    ]


@pytest.mark.parametrize("text", ["[@click=app.quit]x[/]", "[/x]", "[bold red]", "[link=x]y", "[["])
async def test_data_is_never_read_as_markup(text: str) -> None:
    app = app_for(Sample(EnterPin(REGISTER)))
    async with app.run_test() as pilot:
        for state in _everywhere(text):
            await app.show(state)
            await settled(pilot)
            shown = "".join("".join(screen_lines(app)).split())
            assert text.replace(" ", "") in shown, state


async def test_a_drag_over_the_page_selects_nothing() -> None:
    app = app_for(Sample(EnterPin(REGISTER)))
    async with app.run_test() as pilot:
        await settled(pilot)
        await type_keys(pilot, "604918")
        await pilot.mouse_down(offset=(10, 8))
        await pilot.hover(offset=(40, 8))
        await pilot.mouse_up(offset=(40, 8))
        await type_keys(pilot, ("ctrl+c",))
        assert not app.screen.get_selected_text()
        assert app.clipboard == ""


async def test_a_paste_that_reaches_the_app_is_ignored() -> None:
    app = app_for(Sample(EnterPin(REGISTER)))
    async with app.run_test() as pilot:
        await settled(pilot)
        before = screen_lines(app)
        app.post_message(events.Paste("604918" * 1000))
        await settled(pilot)
        assert screen_lines(app) == before


def test_textual_has_no_new_way_out() -> None:
    """Actions that this version of Textual has; a new one has to be looked at."""
    textual = {n for cls in (App,) for n in vars(cls) if n.startswith("action_")}
    assert textual == {
        f"action_{name}"
        for name in (
            "add_class back bell change_theme command_palette focus focus_next focus_previous "
            "help_quit hide_help_panel notify pop_screen push_screen quit remove_class screenshot "
            "show_help_panel simulate_key suspend_process switch_mode switch_screen toggle_class "
            "toggle_dark"
        ).split()
    }


class _PausedForLong(ClosedApp[None]):
    """Its process does not run for some milliseconds whenever a timer begins.

    Textual then drops a timer that is due once and sooner.
    """

    def compose(self) -> ComposeResult:
        yield Static("as wide as the terminal")

    def set_timer(
        self,
        delay: float,
        callback: TimerCallback | None = None,
        *,
        name: str | None = None,
        pause: bool = False,
    ) -> Timer:
        return super().set_timer(delay, callback, name=name, pause=pause or delay < 0.02)


async def test_every_new_size_of_the_terminal_is_laid_out_however_busy_the_machine_is() -> None:
    app = _PausedForLong(lambda _error: None)
    async with app.run_test(size=(80, 24)) as pilot:
        for columns in (120, 60, 100):
            await pilot.resize_terminal(columns, 30)
            await still(0.1)
            assert app.query_one(Static).region.width == columns
