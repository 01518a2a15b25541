"""Text messages through a real gateway, with TLS: what it gets, and what its answers mean."""

from __future__ import annotations

import logging
import socket
import traceback
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qs

import pytest
import trustme
from msgspec.structs import replace

from kiosk.authority.errors import (
    MailDenied,
    MailError,
    MailNotTrusted,
    MailRefused,
    MailUnavailable,
)
from kiosk.authority.texts.senders import TextSender, open_texts
from kiosk.config.settings import TextSettings
from kiosk.contract.errors import ConfigError
from tests.support.database import SetClock
from tests.support.gateway import KEY, SECRET, Gateway, gateway, refusal
from tests.support.smtp import Scripted

NUMBER, TEXT = "+447400123456", 'Code 7093 5218 "{to}" & ŵ'
CLOCK = SetClock()


@pytest.fixture
def at(tmp_path: Path) -> Iterator[Gateway]:
    with gateway(tmp_path / "gateway", lambda: CLOCK.now().timestamp()) as made:
        yield made


def sender(settings: TextSettings) -> TextSender:
    made = open_texts(settings, {}, CLOCK)
    assert made is not None
    return made


def test_without_a_service_there_is_no_sender() -> None:
    assert open_texts(TextSettings(), {}, CLOCK) is None


def test_notify_gets_number_template_and_text_by_a_token_that_it_knows(at: Gateway) -> None:
    sender(at.notify_settings()).send(NUMBER, TEXT)
    assert at.texts == [(NUMBER, TEXT)]
    assert SECRET not in str(at.requests[0].headers)


def test_notify_says_whether_it_would_send(at: Gateway) -> None:
    notify = sender(at.notify_settings())
    notify.check()
    assert [one.method for one in at.requests] == ["GET"]
    at.template["body"] = "Your code is ((code))"
    with pytest.raises(MailUnavailable, match=r"not one of a text message with \(\(text\)\)"):
        notify.check()
    at.template |= {"body": "((text))", "type": "email"}
    with pytest.raises(MailUnavailable, match="not one of a text message"):
        notify.check()
    at.now = lambda: CLOCK.now().timestamp() + 60
    with pytest.raises(MailUnavailable, match=r"403 \(AuthError\): .* or this clock is wrong"):
        notify.check()


@pytest.mark.parametrize(
    ("answer", "error", "sentence"),
    [
        (
            refusal(400, "ValidationError", "phone_number Not enough digits"),
            MailRefused,
            "Notify answered 400 (ValidationError)",
        ),
        (
            refusal(400, "ValidationError", "template_id is not a valid UUID"),
            MailDenied,
            "Notify answered 400 (ValidationError)",
        ),
        (
            refusal(400, "BadRequestError", "Can't send to this recipient using a team-only key"),
            MailDenied,
            "Notify answered 400 (BadRequestError)",
        ),
        (
            refusal(429, "TooManyRequestsError", "Exceeded send limits (50) for today"),
            MailUnavailable,
            "Notify answered 429 (TooManyRequestsError)",
        ),
        (refusal(500, "Exception", "Internal"), MailUnavailable, "Notify answered 500 (Exception)"),
        ((503, b"<html>"), MailUnavailable, "Notify answered 503"),
        ((200, {"errors": ["odd"]}), MailUnavailable, "Notify answered 200"),
        ((302, {}), MailUnavailable, "Notify answered 302"),
        (
            refusal(400, f"7093 5218 {NUMBER}", "its own words"),
            MailDenied,
            "Notify answered 400",
        ),
    ],
)
def test_answer_of_notify_is_one_for_good_or_for_later(
    at: Gateway, answer: tuple[int, object], error: type[MailError], sentence: str
) -> None:
    at.answers.append(answer)
    with pytest.raises(MailError) as caught:
        sender(at.notify_settings()).send(NUMBER, TEXT)
    assert (type(caught.value), str(caught.value)) == (error, sentence)
    assert len(at.requests) == 1  # a redirection is not followed


def test_notifys_key_is_one(at: Gateway) -> None:
    for wrong in ("", "secret", KEY[:-1], f"{KEY}\n{KEY}"):
        settings = replace(at.notify_settings(), credential=at.credential(wrong))
        with pytest.raises(ConfigError, match=r"^texts\.credential /.*: is no API key"):
            sender(settings)


def test_gateway_gets_its_body_as_json(at: Gateway) -> None:
    body = '{"messages": [{"to": "{to}", "text": "For {to}: {text}"}], "urgent": true}'
    sender(at.gateway_settings(body=body)).send(NUMBER, TEXT)
    [request] = at.requests
    assert request.path == "/send"
    assert request.headers["Content-Type"] == "application/json"
    assert "Authorization" not in request.headers
    filled = {"to": NUMBER, "text": f"For {NUMBER}: {TEXT}"}
    assert request.json == {"messages": [filled], "urgent": True}


def test_gateway_gets_its_body_as_a_form(at: Gateway) -> None:
    body = '{"To": "{to}", "From": "Cards & co", "Body": "{text}"}'
    settings = at.gateway_settings(
        body=body, encoding="form", login="basic", credential=at.credential("jo:secret")
    )
    sender(settings).send(NUMBER, TEXT)
    [request] = at.requests
    assert request.headers["Content-Type"] == "application/x-www-form-urlencoded"
    assert request.headers["Authorization"] == "Basic am86c2VjcmV0"
    sent = parse_qs(request.body.decode())
    assert sent == {"To": [NUMBER], "From": ["Cards & co"], "Body": [TEXT]}


def test_gateway_gets_a_token(at: Gateway) -> None:
    settings = at.gateway_settings(login="bearer", credential=at.credential("t0ken"))
    sender(settings).send(NUMBER, TEXT)
    assert at.requests[0].headers["Authorization"] == "Bearer t0ken"


@pytest.mark.parametrize(("login", "wrong"), [("basic", "jo"), ("basic", ":x"), ("bearer", "")])
def test_login_that_is_none_is_named(at: Gateway, login: str, wrong: str) -> None:
    settings = at.gateway_settings(login=login, credential=at.credential(wrong))
    with pytest.raises(ConfigError, match=r"^texts\.credential /"):
        sender(settings)


@pytest.mark.parametrize(
    ("answer", "error", "sentence"),
    [
        ((400, {}), MailDenied, "the gateway answered 400"),
        ((422, {}), MailDenied, "the gateway answered 422"),
        ((401, {}), MailUnavailable, "the gateway answered 401"),
        ((429, {}), MailUnavailable, "the gateway answered 429"),
        ((500, {}), MailUnavailable, "the gateway answered 500"),
        ((302, {}), MailUnavailable, "the gateway answered 302"),
        (
            (200, {"messages": [{"status": "4"}]}),
            MailDenied,
            "the gateway's answer has no messages.0.status of 0",
        ),
        ((200, {"messages": []}), MailDenied, "the gateway's answer has no messages.0.status of 0"),
        ((200, b"OK"), MailDenied, "the gateway's answer has no messages.0.status of 0"),
    ],
)
def test_answer_of_a_gateway_is_read(
    at: Gateway, answer: tuple[int, object], error: type[MailError], sentence: str
) -> None:
    made = sender(at.gateway_settings(sent_when="messages.0.status=0"))
    made.send(NUMBER, TEXT)
    at.answers.append(answer)
    with pytest.raises(MailError) as caught:
        made.send(NUMBER, TEXT)
    assert (type(caught.value), str(caught.value)) == (error, sentence)
    assert len(at.requests) == 2


def test_gateway_of_another_certificate_gets_nothing(at: Gateway, tmp_path: Path) -> None:
    other = tmp_path / "other.pem"
    trustme.CA().cert_pem.write_to_path(other)
    for settings in (at.notify_settings(), at.gateway_settings()):
        for wrong in (
            replace(settings, ca_file=str(other)),
            replace(settings, url=settings.url.replace("localhost", "127.0.0.1")),
        ):
            made = sender(wrong)
            with pytest.raises(MailNotTrusted, match="the gateway's certificate: "):
                made.send(NUMBER, TEXT)
            with pytest.raises(MailNotTrusted, match="the gateway's certificate: "):
                made.check()
    assert at.requests == []


def test_gateway_without_tls_gets_nothing() -> None:
    with Scripted(lambda wire: wire.write_lines("HTTP/1.1 200 OK", "")) as plain:
        url = f"https://localhost:{plain.port}/send"
        made = sender(TextSettings(service="gateway", url=url))
        for call in (made.check, lambda: made.send(NUMBER, TEXT)):
            with pytest.raises(MailNotTrusted, match="TLS with the gateway failed: "):
                call()
    assert plain.received == []


def test_gateway_that_says_nothing_is_given_up(at: Gateway) -> None:
    at.silent.set()
    with pytest.raises(MailUnavailable, match=r"^the gateway did not answer in time$"):
        sender(at.gateway_settings(deadline_s=1)).send(NUMBER, TEXT)

    with socket.create_server(("127.0.0.1", 0)) as mute:  # the kernel connects, and nobody reads
        url = f"https://localhost:{mute.getsockname()[1]}/"
        settings = TextSettings(service="gateway", url=url, deadline_s=1)
        with pytest.raises(MailUnavailable, match=r"^the gateway did not answer in time$"):
            sender(settings).check()


def test_gateway_that_is_away_is_said_so(tmp_path: Path) -> None:
    with gateway(tmp_path / "gone", float) as gone:
        settings = gone.gateway_settings()
    for call in (sender(settings).check, lambda: sender(settings).send(NUMBER, TEXT)):
        with pytest.raises(MailUnavailable, match=r"cannot be reached \(Connection refused\)"):
            call()


def test_gateway_that_answers_is_there(at: Gateway) -> None:
    sender(at.gateway_settings()).check()
    assert at.requests == []


def test_ca_file_that_cannot_be_used_is_named(at: Gateway, tmp_path: Path) -> None:
    (tmp_path / "empty.pem").write_text("no certificate")
    for name in ("none.pem", "empty.pem"):
        settings = replace(at.gateway_settings(), ca_file=str(tmp_path / name))
        with pytest.raises(ConfigError, match=f"texts.ca_file .*{name}"):
            sender(settings)


def test_neither_message_nor_login_is_in_log_or_traceback(
    at: Gateway, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    at.answers += [refusal(400, "BadRequestError", f"{NUMBER} {TEXT}"), (500, {"said": TEXT})]
    settings = at.gateway_settings(login="bearer", credential=at.credential("t0ken"))
    found = []
    for made in (sender(at.notify_settings()), sender(settings)):
        try:
            made.send(NUMBER, TEXT)
        except MailError as error:
            whole = traceback.TracebackException.from_exception(error, capture_locals=False)
            found.append("".join(whole.format()))
    assert len(found) == 2
    for secret in (NUMBER, "7093", SECRET, "t0ken"):
        assert secret not in caplog.text
        assert not any(secret in text for text in found)


# A command.


def script(folder: Path, *lines: str) -> TextSettings:
    file = folder / "send-text"
    file.write_text("\n".join(("#!/bin/sh", *lines, "")))
    file.chmod(0o755)
    return TextSettings(service="command", command=str(file))


def test_command_gets_number_and_text(tmp_path: Path) -> None:
    made = sender(script(tmp_path, f'echo "$# $1" > {tmp_path}/args', f"cat > {tmp_path}/text"))
    made.check()
    made.send(NUMBER, TEXT)
    assert (tmp_path / "args").read_text() == f"1 {NUMBER}\n"
    assert (tmp_path / "text").read_text() == TEXT


@pytest.mark.parametrize(
    ("code", "error"),
    [(67, MailRefused), (65, MailRefused), (75, MailUnavailable), (1, MailUnavailable)],
)
def test_exit_code_of_a_command_is_read(tmp_path: Path, code: int, error: type[MailError]) -> None:
    settings = script(tmp_path, f'echo "$1" >&2; cat >&2; exit {code}')
    with pytest.raises(MailError) as caught:
        sender(settings).send(NUMBER, TEXT)
    said = f"{settings.command} ended with {code}"
    assert (type(caught.value), str(caught.value)) == (error, said)


def test_command_that_cannot_be_run_or_does_not_end_is_named(tmp_path: Path) -> None:
    settings = replace(script(tmp_path, "exec sleep 60"), deadline_s=1)
    with pytest.raises(MailUnavailable, match=r"send-text cannot be run \(no end within 1 sec"):
        sender(settings).send(NUMBER, TEXT)
    Path(settings.command).chmod(0o644)
    for call in (sender(settings).check, lambda: sender(settings).send(NUMBER, TEXT)):
        with pytest.raises(MailUnavailable, match="send-text cannot be run"):
            call()
