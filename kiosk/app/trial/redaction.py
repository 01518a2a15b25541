"""Makes a transcript of what was recorded: no holder and no secret is in it.

What is kept is listed here; everything else is blanked, also what is not understood. Of a command
that carries PINs each known secret is replaced by its stand-in, and any other byte is not written.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from hashlib import sha256, sha384
from typing import Final

from hardware import tlv
from hardware.apdu import (
    CHAINING,
    CHANGE_REFERENCE_DATA,
    GENERAL_AUTHENTICATE,
    GENERATE_ASYMMETRIC_KEY_PAIR,
    GET_DATA,
    GET_DATA_SIMPLE,
    GET_RESPONSE,
    INTERNAL_AUTHENTICATE,
    MANAGE_SECURITY_ENVIRONMENT,
    PERFORM_SECURITY_OPERATION,
    RESET_RETRY_COUNTER,
    SELECT,
    VERIFY,
)
from hardware.card_access import BEFORE_VERIFY
from hardware.connection import RawExchange
from hardware.drivers import gids, openpgp, piv
from hardware.public_keys import to_sign
from kiosk.app.trial.recording import Names, RecordedCall
from kiosk.app.trial.stand_ins import Rewrite, StandIns, blank, keep, objects
from kiosk.app.trial.transcript import ANY, Call, Exchange
from kiosk.authority.crypto import card_keys
from kiosk.contract.families import with_parity
from kiosk.contract.messages import KeyKind
from kiosk.contract.sensitive import Sensitive

ADMIN_KEY: Final = Sensitive(with_parity(bytes(range(0x10, 0x28)).hex()))
"""Stands for the admin key of a GIDS card."""

TEMPORARY: Final = "temporary"
"""Begins the name of a value that is public: the product's own, which it gives a test card."""

_STATUS: Final = 2
_HEADER: Final = 5
_PINS: Final = frozenset({VERIFY, CHANGE_REFERENCE_DATA, RESET_RETRY_COUNTER})
_READING: Final = frozenset(
    {
        SELECT,
        GET_DATA,
        GET_DATA_SIMPLE,
        GET_RESPONSE,
        GENERATE_ASYMMETRIC_KEY_PAIR,
        MANAGE_SECURITY_ENVIRONMENT,
        piv.GET_METADATA,
        piv.ATTEST,
    }
)
"""Their bodies are the drivers' own, the same for each card."""

_APPLICATIONS: Final = {
    piv.NAME: piv.APPLICATION_IDS[-1],
    openpgp.NAME: openpgp.APPLICATION,
    gids.NAME: gids.APPLICATION_IDS[-1],
}
_TEMPLATE, _CHALLENGE, _RESPONSE = 0x7C, 0x81, 0x82
_TAG_LIST: Final = 0x5C
_FILLER: Final = 0xFF


def stand_in_for(name: str, value: Sensitive) -> Sensitive:
    """Return what stands for a secret: of its length, for one name always the same."""
    if name.startswith(TEMPORARY):
        return value
    if name == "admin key":
        return ADMIN_KEY
    digit = {"pin": "1", "secret": "2", "wrong pin": "3"}.get(name, "4")
    return Sensitive(digit * len(value))


@dataclass
class _Whole:
    """A command with its pieces, and the pieces of its answer."""

    raw: list[RawExchange] = field(default_factory=list, repr=False)

    @property
    def pieces(self) -> list[RawExchange]:
        """The exchanges that carried the body; the others fetched the answer."""
        return [each for each in self.raw if each.command[1] != GET_RESPONSE] or self.raw[:1]


class Redaction:
    """Rewrites what was recorded, in its order: keys are read before they sign."""

    def __init__(self, names: Names, stand_ins: StandIns | None = None) -> None:
        self.stand_ins = stand_ins or StandIns()
        self._names = names
        self._family = ""
        self._nonces: tuple[bytes, bytes] | None = None
        self._forms = _forms(BEFORE_VERIFY.message)

    def calls(self, recorded: Iterable[RecordedCall]) -> tuple[Call, ...]:
        return tuple(self._call(each) for each in recorded)

    def identifier(self, value: str) -> str:
        """Return what stands for the identifier of the card that was read."""
        if value.startswith(piv.KEY_NAME) and len(value) == len(piv.KEY_NAME) + 64:
            made = self.stand_ins.fingerprint(value.removeprefix(piv.KEY_NAME))
            return piv.KEY_NAME + (made or "0" * 64)
        if self._family == openpgp.NAME:  # the maker is kept
            return value[:4] + self.stand_ins.name(bytes.fromhex(value[4:])).hex()
        try:
            return self.stand_ins.name(bytes.fromhex(value)).hex()
        except ValueError:
            return self.stand_ins.name(value.encode()).hex()[: len(value)]

    def _call(self, call: RecordedCall) -> Call:
        if call.message:
            self._forms |= _forms(call.message)
        exchanges = self._exchanges(call.exchanges)
        inner = self.calls(call.inner)
        return Call(
            call.name, call.result, call.values, call.message.hex(), call.key, exchanges, inner
        )

    def _exchanges(self, raw: Sequence[RawExchange]) -> tuple[Exchange, ...]:
        made: list[Exchange] = []
        for whole in _wholes(raw):
            made += self._whole(whole)
        return tuple(made)

    def _whole(self, whole: _Whole) -> list[Exchange]:
        pieces = whole.pieces
        body = b"".join(_body(each.command) for each in pieces)
        answers = [each.answer[:-_STATUS] for each in whole.raw]
        header = pieces[-1].command[:4]
        data = b"".join(answers)
        if header[1] == SELECT and whole.raw[-1].answer[-_STATUS:] == b"\x90\x00":
            self._family = next(
                (name for name, aid in _APPLICATIONS.items() if body.startswith(aid)), ""
            )
        written = self._written(header, body)
        rewritten = self._answer(header, body, data)
        if len(rewritten) != len(data):
            rewritten = blank(data)
        made = []
        for each, answer in zip(whole.raw, answers, strict=True):
            size = len(_body(each.command))
            command = each.command.hex()
            if size:
                now, written = written[: 2 * size], written[2 * size :]
                end = 2 * (_HEADER + size)
                command = command[: 2 * _HEADER] + now + command[end:]
            part, rewritten = rewritten[: len(answer)], rewritten[len(answer) :]
            status = each.answer[-_STATUS:]
            ms = round(each.seconds * 1000, 1)
            made.append(Exchange(command, (part + status).hex(), ms, each.error))
        return made

    # Commands.

    def _written(self, header: bytes, body: bytes) -> str:
        """Return the body in hexadecimal; ``..`` for each byte that is not written."""
        instruction = header[1]
        if instruction in _PINS:
            return self._pins(body)
        if instruction in _READING:
            return body.hex()
        if instruction == GENERAL_AUTHENTICATE:
            return self._authenticate(body)
        if instruction in (INTERNAL_AUTHENTICATE, PERFORM_SECURITY_OPERATION):
            return body.hex() if self._is_known(body) else ANY * len(body)
        return ANY * len(body)

    def _pins(self, body: bytes) -> str:
        known = sorted(self._names.items(), key=lambda each: -len(each[1]))
        made, at = "", 0
        while at < len(body):
            for name, value in known:
                if len(value) and body.startswith(value.reveal().encode(), at):
                    made += stand_in_for(name, value).reveal().encode().hex()
                    at += len(value)
                    break
            else:
                made += f"{_FILLER:02x}" if body[at] == _FILLER else ANY
                at += 1
        return made

    def _authenticate(self, body: bytes) -> str:
        asked = tlv.find(body, _TEMPLATE) or b""
        challenge = tlv.find(asked, _CHALLENGE) or b""
        if self._is_known(challenge):
            return body.hex()
        given = challenge or tlv.find(asked, _RESPONSE) or b""
        if not given or not body.endswith(given):
            return ANY * len(body)
        return body[: -len(given)].hex() + ANY * len(given)

    def _is_known(self, data: bytes) -> bool:
        """Return whether this is a challenge of the trial, as it is signed."""
        if data in self._forms:
            return True
        padding, _, rest = data.partition(b"\xff\x00")
        is_padding = padding[:2] == b"\x00\x01" and set(padding[2:]) <= {_FILLER}
        return is_padding and rest in self._forms

    # Answers.

    def _answer(self, header: bytes, body: bytes, data: bytes) -> bytes:
        instruction, names = header[1], self.stand_ins.name
        if instruction in (INTERNAL_AUTHENTICATE, PERFORM_SECURITY_OPERATION):
            is_known = self._is_known(body)
            return self.stand_ins.signature(body, data) if is_known else blank(data)
        match self._family, instruction:
            case piv.NAME, _ if instruction == GET_DATA:
                return self._piv_object(tlv.find(body, _TAG_LIST) or b"")(data)
            case piv.NAME, piv.GET_METADATA:
                return self._metadata(data)
            case piv.NAME, piv.ATTEST:
                return self.stand_ins.certificate(data)
            case piv.NAME, _ if instruction == GENERAL_AUTHENTICATE:
                return self._signed(body, data)
            case openpgp.NAME, _ if instruction == GET_DATA_SIMPLE:
                return self._openpgp_object(int.from_bytes(header[2:4]))(data)
            case openpgp.NAME, _ if instruction == GENERATE_ASYMMETRIC_KEY_PAIR:
                return objects({0x7F49: self._template})(data)
            case gids.NAME, _ if instruction == GENERAL_AUTHENTICATE:
                return self._mutual(body, data)
            case gids.NAME, _ if instruction == GET_DATA:
                tries = {0x97: keep, 0x93: keep, 0x9F17: keep}
                template = {0x7F49: self._template, 0x84: keep}
                known: dict[int, Rewrite] = {gids.CARD_ID: names, gids.PIN_STATUS: objects(tries)}
                return objects({**known, **tries, **template, 0x70: objects(template)})(data)
            case _ if instruction == SELECT:
                return objects({})(data)
            case _:
                return blank(data)

    def _piv_object(self, tag: bytes) -> Rewrite:
        if tag == piv.CHUID:
            chuid = objects({0x34: self.stand_ins.name, 0x35: _day})
            return objects({0x53: chuid})
        if tag == piv.DISCOVERY:
            policy: dict[int, Rewrite] = {0x4F: keep, 0x5F2F: keep}
            return objects({0x7E: objects(policy), **policy})
        certificate = objects({0x70: self.stand_ins.certificate, 0x71: keep})
        return objects({0x53: certificate})

    def _metadata(self, data: bytes) -> bytes:
        kinds = {bytes((number,)): kind for kind, number in piv.ALGORITHMS.items()}
        kind = kinds.get(tlv.find(data, 0x01) or b"")
        kept: dict[int, Rewrite] = dict.fromkeys((0x01, 0x02, 0x03, 0x05, 0x06), keep)

        def key(value: bytes) -> bytes:
            if tlv.find(value, 0x7F49) is not None:
                return objects({0x7F49: key})(value)
            if tlv.find(value, 0x86) is not None and kind is not None:
                return objects({0x86: lambda point: self.stand_ins.point(kind, point)})(value)
            return self.stand_ins.rsa_template(value)

        return objects({**kept, 0x04: key})(data)

    def _template(self, value: bytes) -> bytes:
        """Rewrite a public key template; the kind of a point follows from its length."""
        point = tlv.find(value, 0x86)
        if point is None:
            return self.stand_ins.rsa_template(value)
        kind = {65: KeyKind.P_256, 97: KeyKind.P_384}.get(len(point), KeyKind.ED25519)
        return objects({0x86: lambda each: self.stand_ins.point(kind, each)})(value)

    def _signed(self, body: bytes, data: bytes) -> bytes:
        challenge = tlv.find(tlv.find(body, _TEMPLATE) or b"", _CHALLENGE) or b""

        def signature(value: bytes) -> bytes:
            is_known = self._is_known(challenge)
            return self.stand_ins.signature(challenge, value) if is_known else blank(value)

        return objects({_TEMPLATE: objects({_RESPONSE: signature})})(data)

    def _openpgp_object(self, tag: int) -> Rewrite:
        if tag == openpgp.AID:
            return lambda data: (
                objects({openpgp.AID: self._aid})(data)
                if tlv.find(data, openpgp.AID)
                else self._aid(data)
            )
        if tag == openpgp.PASSWORD_STATUS:
            return keep
        if tag == openpgp.KDF:
            derivation: dict[int, Rewrite] = {
                **dict.fromkeys((0x81, 0x82, 0x83), keep),
                **dict.fromkeys((0x84, 0x85, 0x86), self.stand_ins.name),
            }
            return objects({openpgp.KDF: objects(derivation), **derivation})
        if tag == openpgp.CERTIFICATE:
            return self.stand_ins.certificate
        if tag == openpgp.RELATED:
            inner = objects(dict.fromkeys((0xC0, 0xC1, 0xC2, 0xC3, 0xC4), keep))
            related: dict[int, Rewrite] = {openpgp.AID: self._aid, 0x73: inner}
            return objects({openpgp.RELATED: objects(related), **related})
        return blank

    def _aid(self, value: bytes) -> bytes:
        """Keep application, version and maker; the serial number is in bytes 11 to 14 (4.2.1)."""
        if len(value) < 14:
            return blank(value)
        return value[:10] + self.stand_ins.name(value[10:14]) + blank(value[14:])

    def _mutual(self, body: bytes, data: bytes) -> bytes:
        """Rewrite the nonce and the cryptogram of a card with an admin key."""
        ours = tlv.find(tlv.find(body, _TEMPLATE) or b"", _CHALLENGE)
        if ours is not None:
            answered = tlv.find(tlv.find(data, _TEMPLATE) or b"", _CHALLENGE) or b""
            self._nonces = (ours, answered)
            return objects({_TEMPLATE: objects({_CHALLENGE: self.stand_ins.name})})(data)
        return objects({_TEMPLATE: objects({_RESPONSE: self._cryptogram})})(data)

    def _cryptogram(self, value: bytes) -> bytes:
        key = dict(self._names.items()).get("admin key")
        if key is None or self._nonces is None:
            return blank(value)
        ours, cards = self._nonces
        if not card_keys.is_right(value, card_keys.awaited(key, ours, cards)):
            return blank(value)
        return card_keys.cryptogram(ADMIN_KEY, self.stand_ins.name(cards), ours)


def _forms(message: bytes) -> set[bytes]:
    """Return a challenge in each form in which a card is asked to sign it."""
    return {
        message,
        sha256(message).digest(),
        sha384(message).digest(),
        *(to_sign(kind, message) for kind in KeyKind),
    }


def _body(command: bytes) -> bytes:
    """Return the body of a short command; a header with an Le alone has none."""
    return command[_HEADER : _HEADER + command[4]] if len(command) > _HEADER else b""


def _wholes(raw: Sequence[RawExchange]) -> Iterable[_Whole]:
    """Join the pieces of commands and of answers."""
    whole = _Whole()
    for each in raw:
        goes_on = each.command[1] == GET_RESPONSE or (
            whole.raw
            and whole.raw[-1].command[0] & CHAINING
            and whole.raw[-1].answer == b"\x90\x00"
        )
        if whole.raw and not goes_on:
            yield whole
            whole = _Whole()
        whole.raw.append(each)
    if whole.raw:
        yield whole


def _day(value: bytes) -> bytes:
    return b"20361231" if len(value) == 8 and value.isdigit() else blank(value)
