"""Connections that are kept for the next message: no message is lost by it, and none sent twice."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from pathlib import Path

import pytest

from kiosk.app.demo.mailbox import Mailbox
from kiosk.authority.errors import MailRefused, MailUnavailable
from kiosk.authority.mail import smtp
from kiosk.authority.mail.smtp import MOST, SmtpMailer
from kiosk.config.settings import MailSettings
from tests.authority.mail.samples import code_mail, greeted, relay_at, taken
from tests.support.exhausted import no_threads
from tests.support.smtp import FaultyMailbox, Scripted, Wire, relay_to, running

LONG_S = 60.0
"""A deadline that no test reaches."""


@pytest.fixture(autouse=True)
def on_a_slow_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(smtp, "IDLE_S", LONG_S)
    monkeypatch.setattr(smtp, "LIFE_S", LONG_S)


def said(server: Scripted) -> list[str]:
    """Return the commands of all connections, in the order in which they were heard."""
    return [line.split()[0] for line in server.received if line.partition(" ")[0].isupper()]


def in_turn(*scripts: Callable[[Wire], None]) -> Callable[[Wire], None]:
    """Serve the first connection by the first script, and so on."""
    waiting = iter(scripts)
    return lambda wire: next(waiting)(wire)


def one_message(wire: Wire) -> None:
    greeted(wire)
    taken(wire, "250 ok")


def until_goodbye(wire: Wire) -> None:
    """Take messages for as long as they come."""
    greeted(wire)
    while (line := wire.read_line()) != "QUIT":
        wire.write_lines("250 ok" if line != "DATA" else "354 go")
        if line == "DATA":
            wire.message("250 ok")
    wire.write_lines("221 bye")


def test_messages_share_a_connection_and_are_kept_apart(tmp_path: Path) -> None:
    with Scripted(until_goodbye) as server:
        with closing(SmtpMailer(relay_at(server.port, tmp_path, LONG_S))) as mailer:
            for _ in range(3):
                mailer.send(code_mail())
        assert server.calls == 1
    each = ["MAIL", "RCPT", "DATA"]
    begun = ["EHLO", "STARTTLS", "EHLO"]
    assert said(server) == [*begun, *each, "RSET", *each, "RSET", *each, "QUIT"]


def test_a_login_is_for_all_messages_of_a_connection(tmp_path: Path) -> None:
    mailbox = FaultyMailbox(tmp_path)
    with running(mailbox) as settings, closing(SmtpMailer(relay_to(settings, LONG_S))) as mailer:
        for number in range(3):
            mailer.send(code_mail(f"p{number}@trust.nhs.uk"))
    assert mailbox.heard.count("AUTH") == 1
    assert [mail.to for mail in mailbox.messages()] == [(f"p{n}@trust.nhs.uk",) for n in range(3)]


@pytest.mark.parametrize("commands", [[], ["RSET"], ["RSET", "MAIL"], ["RSET", "MAIL", "RCPT"]])
def test_a_connection_that_the_relay_closed_is_replaced(
    tmp_path: Path, commands: list[str]
) -> None:
    """It may close it at any time before the message itself: nothing can have arrived."""

    def closing_early(wire: Wire) -> None:
        one_message(wire)
        for command in commands[:-1]:
            wire.expect(command, "250 ok")
        if commands:
            wire.read_line()

    with Scripted(in_turn(closing_early, until_goodbye)) as server:
        with closing(SmtpMailer(relay_at(server.port, tmp_path, LONG_S))) as mailer:
            mailer.send(code_mail())
            mailer.send(code_mail())
        assert server.calls == 2
    assert said(server).count("DATA") == 2


@pytest.mark.parametrize(
    ("command", "answer"),
    [
        ("RSET", "421 4.4.2 timeout"),
        ("MAIL", "421 4.7.0 too many messages"),
        ("MAIL", "452 4.5.3 too many messages"),
        ("MAIL", "550 5.7.1 too many messages"),
        ("RCPT", "421 4.7.0 too many messages"),
        ("RCPT", "450 4.7.1 too many messages"),
    ],
)
def test_a_relay_that_limits_the_messages_of_a_connection(
    tmp_path: Path, command: str, answer: str
) -> None:
    def limiting(wire: Wire) -> None:
        one_message(wire)
        for asked in ("RSET", "MAIL", "RCPT"):
            wire.expect(asked, answer if asked == command else "250 ok")

    with Scripted(in_turn(limiting, until_goodbye)) as server:
        with closing(SmtpMailer(relay_at(server.port, tmp_path, LONG_S))) as mailer:
            mailer.send(code_mail())
            mailer.send(code_mail())
        assert server.calls == 2
    assert said(server).count("DATA") == 2


def test_a_connection_is_replaced_once(tmp_path: Path) -> None:
    def refusing(wire: Wire) -> None:
        greeted(wire)
        wire.expect("MAIL", "421 4.7.0 too many messages")

    with Scripted(in_turn(one_message, refusing)) as server:
        with closing(SmtpMailer(relay_at(server.port, tmp_path, LONG_S))) as mailer:
            mailer.send(code_mail())
            with pytest.raises(MailUnavailable, match=r"421 4.7.0 to MAIL"):
                mailer.send(code_mail())
        assert server.calls == 2


def test_a_kept_connection_that_is_silent_is_replaced_within_the_deadline(tmp_path: Path) -> None:
    def falling_silent(wire: Wire) -> None:
        one_message(wire)
        while True:
            wire.read_line()

    with Scripted(in_turn(falling_silent, until_goodbye)) as server:
        with closing(SmtpMailer(relay_at(server.port, tmp_path, 4))) as mailer:
            mailer.send(code_mail())
            mailer.send(code_mail())
        assert server.calls == 2


def test_a_final_refusal_of_the_recipient_counts_on_a_kept_connection(tmp_path: Path) -> None:
    def refusing(wire: Wire) -> None:
        one_message(wire)
        wire.expect("RSET", "250 ok")
        wire.expect("MAIL", "250 ok")
        wire.expect("RCPT", "550 5.1.1 no such user")

    with Scripted(refusing) as server:
        with closing(SmtpMailer(relay_at(server.port, tmp_path, LONG_S))) as mailer:
            mailer.send(code_mail())
            with pytest.raises(MailRefused, match=r"550 5.1.1 to RCPT"):
                mailer.send(code_mail())
        assert server.calls == 1


def test_a_message_is_not_sent_again_where_the_answer_to_it_is_lost(tmp_path: Path) -> None:
    def hanging_up(wire: Wire) -> None:
        one_message(wire)
        wire.expect("RSET", "250 ok")
        taken(wire)

    with Scripted(hanging_up) as server:
        with closing(SmtpMailer(relay_at(server.port, tmp_path, LONG_S))) as mailer:
            mailer.send(code_mail())
            with pytest.raises(MailUnavailable):
                mailer.send(code_mail())
        assert server.calls == 1
    assert said(server).count("DATA") == 2


def test_a_relay_that_restarts_between_two_messages(tmp_path: Path) -> None:
    mailbox = Mailbox(tmp_path)
    with running(mailbox) as settings, closing(SmtpMailer(relay_to(settings, LONG_S))) as mailer:
        mailer.send(code_mail())
        mailbox.stop()
        mailbox.start()
        mailer.send(code_mail())
    assert len(mailbox.messages()) == 2


def test_a_connection_that_is_not_needed_is_ended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(smtp, "IDLE_S", 0.0)
    ended = threading.Event()

    def heard(wire: Wire) -> None:
        until_goodbye(wire)
        ended.set()

    with (
        Scripted(heard) as server,
        closing(SmtpMailer(relay_at(server.port, tmp_path, LONG_S))) as mailer,
    ):
        mailer.send(code_mail())
        assert ended.wait(60)


def test_certificate_and_login_are_checked_again_after_a_while(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(smtp, "LIFE_S", 0.0)
    mailbox = FaultyMailbox(tmp_path)
    with running(mailbox) as settings, closing(SmtpMailer(relay_to(settings, LONG_S))) as mailer:
        mailer.send(code_mail())
        mailer.send(code_mail())
    assert mailbox.heard.count("AUTH") == 2


def test_a_message_that_meets_its_deadline_ends_no_other(tmp_path: Path) -> None:
    """One relay hangs in one connection; the messages of other threads go by theirs."""
    hangs = threading.Event()

    def hanging(wire: Wire) -> None:
        greeted(wire)
        taken(wire)
        hangs.set()
        with suppress(ConnectionError):
            wire.read_line()

    with (
        Scripted(in_turn(hanging, until_goodbye, until_goodbye)) as server,
        closing(SmtpMailer(relay_at(server.port, tmp_path, 3))) as mailer,
        ThreadPoolExecutor(1) as pool,
    ):
        late = pool.submit(mailer.send, code_mail())
        assert hangs.wait(60)
        mailer.send(code_mail())
        with pytest.raises(MailUnavailable, match="did not answer in time"):
            late.result()
        mailer.send(code_mail())


def test_connections_are_bounded(tmp_path: Path) -> None:
    connected, go_on = threading.Semaphore(0), threading.Event()

    def slow(wire: Wire) -> None:
        connected.release()
        go_on.wait(60)
        until_goodbye(wire)

    with (
        Scripted(slow) as server,
        closing(SmtpMailer(relay_at(server.port, tmp_path, LONG_S))) as mailer,
        ThreadPoolExecutor(3 * MOST) as pool,
    ):
        sent = [pool.submit(mailer.send, code_mail()) for _ in range(3 * MOST)]
        assert all(connected.acquire(timeout=60) for _ in range(MOST))
        go_on.set()
        for each in sent:
            each.result()
        assert server.calls == MOST


def test_waiting_for_a_connection_is_within_the_deadline(tmp_path: Path) -> None:
    def silent(wire: Wire) -> None:
        with suppress(ConnectionError):
            wire.read_line()

    with (
        Scripted(silent) as server,
        closing(SmtpMailer(relay_at(server.port, tmp_path, 1))) as mailer,
        ThreadPoolExecutor(MOST + 3) as pool,
    ):
        sent = [pool.submit(mailer.send, code_mail()) for _ in range(MOST + 3)]
        for each in sent:
            with pytest.raises(MailUnavailable, match="did not answer in time"):
                each.result()


def test_many_threads_share_few_connections(tmp_path: Path) -> None:
    mailbox = FaultyMailbox(tmp_path)
    people = [f"p{number}@trust.nhs.uk" for number in range(60)]
    with running(mailbox) as settings, closing(SmtpMailer(relay_to(settings, LONG_S))) as mailer:
        with ThreadPoolExecutor(24) as pool:
            list(pool.map(mailer.send, map(code_mail, people)))
        assert mailbox.heard.count("AUTH") <= MOST
    assert sorted(mail.to[0] for mail in mailbox.messages()) == sorted(people)


def test_mailer_ends_with_a_goodbye_and_leaves_no_thread(tmp_path: Path) -> None:
    before = set(threading.enumerate())
    with Scripted(until_goodbye) as server:
        mailer = SmtpMailer(relay_at(server.port, tmp_path, LONG_S))
        mailer.send(code_mail())
        mailer.close()
        mailer.close()
        assert not [each for each in set(threading.enumerate()) - before if each.name == "mail"]
        assert said(server)[-1] == "QUIT"
        with pytest.raises(MailUnavailable, match="this program ends"):
            mailer.send(code_mail())
        assert server.calls == 1


def test_mailer_ends_while_a_message_is_under_way(tmp_path: Path) -> None:
    hangs = threading.Event()

    def hanging(wire: Wire) -> None:
        greeted(wire)
        taken(wire)
        hangs.set()
        with suppress(ConnectionError):
            wire.read_line()

    with Scripted(hanging) as server, ThreadPoolExecutor(1) as pool:
        mailer = SmtpMailer(relay_at(server.port, tmp_path, LONG_S))
        sent = pool.submit(mailer.send, code_mail())
        assert hangs.wait(60)
        mailer.close()
        with pytest.raises(MailUnavailable, match="this program ends"):
            sent.result()


@pytest.mark.parametrize("whose", ["mail", "asyncio"])
def test_no_thread_for_a_conversation_is_a_relay_that_cannot_be_reached(
    tmp_path: Path, whose: str
) -> None:
    """One is of all connections, and one resolves the relay's name."""
    with (
        Scripted(until_goodbye) as server,
        closing(SmtpMailer(relay_at(server.port, tmp_path, LONG_S))) as mailer,
    ):
        with no_threads(whose), pytest.raises(MailUnavailable, match="thread"):
            mailer.send(code_mail())
        mailer.send(code_mail())


def test_what_was_never_used_ends_at_once() -> None:
    relay = smtp.relay_from(MailSettings(port=1), "x", {})
    SmtpMailer(relay).close()


def test_a_forked_process_has_connections_of_its_own(tmp_path: Path) -> None:
    with Scripted(until_goodbye) as server:
        with closing(SmtpMailer(relay_at(server.port, tmp_path, LONG_S))) as mailer:
            mailer.send(code_mail())
            child = os.fork()
            if child == 0:
                with suppress(BaseException):
                    mailer.send(code_mail())
                    mailer.close()
                    os._exit(0)
                os._exit(1)
            assert os.waitpid(child, 0)[1] == 0
            mailer.send(code_mail())
        assert server.calls == 2
    assert said(server).count("DATA") == 3
