"""The settings by section: frozen structs, with the kind and the help of each field."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any, ClassVar, Final, NamedTuple
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from kiosk.config.kinds import (
    Alternatives,
    Boolean,
    ByLanguage,
    InvalidValue,
    Kind,
    Number,
    OneOf,
    Text,
    Whole,
    Words,
)
from kiosk.contract.families import FAMILIES, ON_PCSC, SecretKind, secret_kind_names
from kiosk.contract.language import ENGLISH, TAG, Language, OwnText, text_in
from kiosk.contract.messages import LONGEST_STATION_NAME, Factor, Way
from kiosk.contract.policy import (
    FEWEST_CODE_DIGITS,
    MOST_CODE_DIGITS,
    MOST_SAVED_CODES,
    Genuine,
    Policy,
    SecondRoute,
)
from kiosk.contract.stops import STOP_WORDS, tidy_stop


class About(NamedTuple):
    """The properties of one setting; a ``hidden`` one is never repeated in a message."""

    name: str
    default: Any
    kind: Kind
    help: str
    hidden: bool


_declared: list[tuple[Any, Kind, str, bool]] = []
"""What ``setting`` was called with for the fields of the class that is being defined."""


def setting(default: Any, kind: Kind, text: str, *, hidden: bool = False) -> Any:
    _declared.append((default, kind, text, hidden))
    return default


class Section(Struct, frozen=True):
    """One table of the settings file; its class holds the defaults."""

    settings: ClassVar[tuple[About, ...]]
    """The properties of each setting, in their order."""

    def __init_subclass__(cls) -> None:
        each = zip(cls.__annotations__, _declared, strict=True)
        cls.settings = tuple(About(name, *properties) for name, properties in each)
        _declared.clear()

    def __repr__(self) -> str:
        shown = (each.name for each in self.settings if not each.hidden)
        values = ", ".join(f"{name}={getattr(self, name)!r}" for name in shown)
        return f"{type(self).__name__}({values})"

    def check(self) -> None:
        """Raise ``ValueError``, its text beginning with a setting's name, where two do not fit."""


def _short(longest: int, *, empty: bool = False) -> Text:
    """Return a text that fits the smallest display (60 by 20), or a table."""
    return Text(f"one line of at most {longest} characters", f".{{1,{longest}}}", empty=empty)


def _word(what: str, pattern: str) -> Callable[[str], str]:
    """Return what reads one word of a list, all of which ``pattern`` has to match."""

    def read(word: str) -> str:
        if not re.fullmatch(pattern, word):
            raise InvalidValue(f"{word!r} is no {what}", quotes=False)
        return word

    return read


_PORT = "([0-5]?[0-9]{1,4}|6[0-4][0-9]{3}|65[0-4][0-9]{2}|655[0-2][0-9]|6553[0-5])"
"""0 to 65535: of a larger number the C library takes the lowest 16 bits, which is another port."""

_HOST_AND_PORT = rf"(\[[0-9a-fA-F:]+\]|[A-Za-z0-9.-]+):{_PORT}"

_CREDENTIAL = Text("a path, or a name in $CREDENTIALS_DIRECTORY", empty=True)
_LISTEN = Text("host:port", _HOST_AND_PORT, empty=True)
_PATH = Text("an absolute path", "/.+", empty=True)
_TOKEN = Text("a token's label of at most 32 characters", ".{1,32}", empty=True)


_OWN_TEXTS = {"name": _short(28), "trust": Text(), "ra_contact": _short(80), "ra_hours": _short(40)}


class ServiceSettings(Section, frozen=True):
    """``[service]``: the names and contacts that holders see; the defaults are fictional."""

    name: str = setting("Smartcard self-service", _OWN_TEXTS["name"], "The name of the service.")
    trust: str = setting(
        "Wexbridge Hospitals Trust", _OWN_TEXTS["trust"], "The organisation that runs it."
    )
    ra_contact: str = setting(
        "Registration Authority, Level 1, West Wing, extension 4400",
        _OWN_TEXTS["ra_contact"],
        "Where the Registration Authority is and how to reach it, in one line.",
    )
    ra_hours: str = setting(
        "Monday to Friday, 8 am to 6 pm",
        _OWN_TEXTS["ra_hours"],
        "When the Registration Authority is open.",
    )
    language: Language = setting(
        ENGLISH,
        Text("a tag such as en", TAG),
        "The language of those who have chosen none; English where it is not installed.",
    )
    texts: Mapping[Language, Mapping[str, str]] = setting(
        {}, ByLanguage(_OWN_TEXTS), "Those of the first four settings that read otherwise in it."
    )
    ra_email: str = setting(
        "ra@wexbridge.example",
        Text("an email address", r"[^@\s]+@[^@\s]+"),
        "Where notices for Registration Authority staff go.",
    )
    accent: str = setting(
        "#0b5c8a",
        Text("a colour as #rrggbb", r"#[0-9a-fA-F]{6}"),
        "The one accent colour of screens and mail.",
    )

    def in_language(self, language: Language) -> ServiceSettings:
        """Return them with the texts in ``language``; what is missing there stays as it is."""
        return replace(self, **text_in(self.texts, language) or {})

    def own_text(self, name: str) -> OwnText:
        """Return one of these texts, as it reads in the language of the display."""
        others = {tag: texts[name] for tag, texts in self.texts.items() if name in texts}
        return OwnText(getattr(self, name), others)


class _TimeZone(Text):
    """The name of a time zone that this machine has."""

    def read(self, value: object) -> str:
        name = super().read(value)
        try:
            return ZoneInfo(name).key if name else ""
        except (ZoneInfoNotFoundError, ValueError, OSError):
            raise InvalidValue("is no time zone that this machine knows") from None


class StationSettings(Section, frozen=True):
    """``[station]``: one walk-up station and how its display behaves."""

    name: str = setting(
        "Main entrance",
        _short(LONGEST_STATION_NAME),
        "The name of this station in the audit and in mail; each station has its own.",
    )
    site: str = setting(
        "",
        _short(LONGEST_STATION_NAME, empty=True),
        "The site it stands at, for reports; may be empty.",
    )
    idle_s: float = setting(
        60, Number(10, 600), "Seconds without a key until it asks: are you still there?"
    )
    idle_answer_s: float = setting(
        20, Number(20, 120), "Seconds to answer that before the visit ends."
    )
    time_zone: str = setting(
        "",
        _TimeZone("a name such as Europe/London", empty=True),
        "The time zone of times shown to holders; empty is the machine's.",
    )
    touch: bool = setting(True, Boolean(), "Show the on-screen keypad and keyboard.")
    motion: bool = setting(True, Boolean(), "Move the picture on the first screen.")
    dark: bool = setting(False, Boolean(), "Begin with the dark high-contrast theme.")
    viewing_distance_cm: float = setting(
        60, Number(30, 200), "How far people's eyes are from the display; sets the size of text."
    )
    card_timeout_s: float = setting(
        10, Number(1, 60), "Seconds that a card may take to answer one command."
    )


class PeopleSettings(Section, frozen=True):
    """``[people]``: how holders are numbered."""

    number_digits: int = setting(
        12, Whole(0, 20), "Digits of a holder number; 0 takes any short text."
    )


class _DatabaseUrl(Text):
    """The address of a database; error messages do not repeat it."""

    def read(self, value: object) -> str:
        text = super().read(value)
        if text.startswith("postgres://"):
            raise InvalidValue("begins with postgres://; write postgresql:// instead", quotes=False)
        if text.startswith("postgresql") and not _OF_A_SERVER.fullmatch(text):
            reason = "has a port that is no number; @ in a password is written as %40"
            raise InvalidValue(reason, quotes=False)
        return text


_OF_A_SERVER = re.compile(
    r"[^:]+://([^:/@?]*(:[^@]*)?@)?(\[[^]/?]+\]|[^]@/:?[]*)(:[0-9]+)?([/?].*)?", re.DOTALL
)


_ADDRESS = _DatabaseUrl(
    "sqlite:////path/to/file or postgresql://user@host/name",
    r"(sqlite|postgres|postgresql(\+[a-z0-9]+)?)://.*",
    empty=True,
)


class StoreSettings(Section, frozen=True):
    """``[store]``: the database. An address may hold a password: messages leave it out."""

    url: str = setting(
        "",
        _ADDRESS,
        "The database; empty is the file kiosk.db in the state directory.",
        hidden=True,
    )
    staff_url: str = setting(
        "",
        _ADDRESS,
        "The same database by the account for the RA application and staff's commands, where "
        "PostgreSQL has roles; empty is `url`.",
        hidden=True,
    )
    busy_timeout_s: float = setting(5, Number(0.1, 60), "Seconds to wait for another writer.")


class RetentionSettings(Section, frozen=True):
    """``[retention]``: how long rows are kept after their end."""

    codes_days: int = setting(
        2,
        Whole(2, 30),
        "Days until codes, attempts and registrations that were not finished are deleted; "
        "all of them are dead within the hour.",
    )
    outbox_days: int = setting(
        30,
        Whole(1, 365),
        "Days until notices that were sent or given up, decided proposals, and both addresses of "
        "a change that has ended, are deleted.",
    )
    visits_months: int = setting(
        12,
        Whole(6, 24),
        "Months until visits and closed entries of the unblock journal are deleted.",
    )
    audit_months: int = setting(
        24,
        Whole(6, 240),
        "Months that the audit is kept; `kiosk purge` deletes what is older and was exported.",
    )


class KeySettings(Section, frozen=True):
    """``[keys]``: where the keys are; they are never in the database."""

    file: str = setting(
        "",
        Text(empty=True),
        "The key file: a path, or a name in $CREDENTIALS_DIRECTORY; "
        "empty is keys.json in the state directory.",
    )


class PcscSettings(Section, frozen=True):
    """``[pcsc]``: the smartcard readers."""

    reader: str = setting(
        "", Text(empty=True), "Part of the name of the reader to use; empty uses every reader."
    )
    pin_pad: str = setting(
        "used",
        OneOf("used", "ignored"),
        "PINs on the reader's own keys, where it has some: used, or typed at the station.",
    )
    trace: bool = setting(
        False, Boolean(), "Log the commands sent to cards; secrets are always left out."
    )


class AdminSettings(Section, frozen=True):
    """``[admin]``: staff have no file transfer; the machine's administrator moves files."""

    idle_s: float = setting(
        600, Number(60, 3600), "Seconds without a key until a session of staff closes."
    )
    login_keys: str = setting(
        "any",
        OneOf("any", "verified"),
        "The SSH keys that staff log in with: any, or only those in a security key (FIDO2) that "
        "asks for its PIN or a fingerprint at each login.",
    )
    imports: str = setting(
        "",
        Text(empty=True),
        "Folder of files that staff may import; empty is imports in the state directory.",
    )
    exports: str = setting(
        "",
        Text(empty=True),
        "Folder that exports are written to; empty is exports in the state directory.",
    )

    @property
    def verified_logins(self) -> bool:
        return self.login_keys == "verified"


class CardSettings(Section, frozen=True):
    """``[cards]``: the first family in the list serves a card with several applications.

    A card is recorded with the family by which it was read: change the order only before cards are
    recorded.
    """

    families: tuple[str, ...] = setting(
        ON_PCSC,
        Words(f"some of {', '.join(ON_PCSC)}", _word("family of cards", "|".join(ON_PCSC))),
        "The families of cards that are served, in the order in which a card is asked.",
    )
    openpgp_secret: str = setting(
        "resetting-code",
        OneOf(*secret_kind_names("openpgp")),
        "What the unblock secrets of OpenPGP cards are.",
    )
    issuers: str = setting(
        "",
        Text("the path of a PEM file", empty=True),
        "Certificates of those who issue cards: then a card that has to prove itself shows one "
        "of theirs that names its GUID; empty trusts the recorded keys alone.",
    )
    revoked: tuple[str, ...] = setting(
        (),
        Words("paths of files in DER or PEM", str),
        "Lists of certificates that these issuers revoked (CRLs), which are read again when they "
        "change: a card that shows one of those certificates is refused.",
    )
    crl_past: str = setting(
        "warn",
        OneOf("warn", "refuse"),
        "What becomes of cards whose issuer has no current list in `revoked`: served with an alarm "
        "of staff, or refused.",
    )
    attestation_roots: str = setting(
        "",
        Text("the path of a PEM file", empty=True),
        "Certificates of makers that issued those of their cards' attestation keys (YubiKey: slot "
        "F9): then a card may show that its key needs the PIN; empty trusts imports alone.",
    )

    def check(self) -> None:
        if self.revoked and not self.issuers:
            raise ValueError("revoked: lists are signed by the `issuers`: name these as well")


ADDRESS = r"[^@\s<>]+@[^@\s<>]+"


class MailSettings(Section, frozen=True):
    """``[mail]``: the relay that takes codes and notices; no setting sends without verified TLS."""

    host: str = setting(
        "localhost",
        Text("a host name", r"[A-Za-z0-9.:_-]+"),
        "The relay's name, as its certificate has it.",
    )
    port: int = setting(587, Whole(1, 65535), "The relay's port: 587 or 465 as a rule.")
    security: str = setting(
        "starttls",
        OneOf("starttls", "tls"),
        "STARTTLS is required; tls speaks TLS from the first byte.",
    )
    ca_file: str = setting(
        "", Text(empty=True), "Certificates (PEM) to trust; empty trusts what this machine trusts."
    )
    sender: str = setting(
        "no-reply@wexbridge.example",
        Text("an email address without a name", ADDRESS),
        "The address that mail comes from.",
    )
    reply_to: str = setting(
        "",
        Text("an email address without a name, or empty", ADDRESS, empty=True),
        "Where answers go; empty for none.",
    )
    bounces: str = setting(
        "",
        Text("an email address without a name, or empty", ADDRESS, empty=True),
        "Where mail that cannot be delivered comes back to: bounces@... takes it as "
        "bounces+TAG@..., a tag for each mail; empty: to `sender`, and nobody reads it.",
    )
    bounces_folder: str = setting(
        "",
        Text(empty=True),
        "A maildir to which the relay delivers those; empty where it runs `kiosk mail bounced`.",
    )
    credential: str = setting(
        "",
        Text(empty=True),
        "A file with one line user:password; a path, or a name in $CREDENTIALS_DIRECTORY; "
        "empty does not log in.",
    )
    deadline_s: float = setting(
        8, Number(1, 60), "Seconds for the whole conversation with the relay."
    )
    qr_codes: bool = setting(
        True, Boolean(), "Show the code of a mail as a QR code, too, for stations with a scanner."
    )


class TextSettings(Section, frozen=True):
    """``[texts]``: who sends text messages; there are none without it."""

    service: str = setting(
        "none",
        OneOf("none", "notify", "gateway", "command"),
        "Who sends text messages: nobody, GOV.UK Notify, a gateway by HTTPS, or a command.",
    )
    regions: tuple[str, ...] = setting(
        ("GB",),
        Words("a list of countries such as GB (ISO 3166-1)", _word("country", "[A-Z]{2}")),
        "Countries whose mobile numbers are taken; a number without a prefix is of the first. "
        "Guernsey, Jersey and the Isle of Man are GG, JE and IM.",
    )
    credential: str = setting(
        "",
        _CREDENTIAL,
        "The file with Notify's API key, or with what `login` asks for: user:password, or a token.",
    )
    template: str = setting(
        "",
        Text("an identifier", "[0-9a-f-]{36}", empty=True),
        "Notify's template of a text message, whose text is ((text)).",
    )
    url: str = setting(
        "",
        Text("an address that begins with https://", r"https://[^\s@?#]+(\?[^\s@#]*)?", empty=True),
        "Where the gateway takes messages; empty is Notify's own address.",
    )
    login: str = setting(
        "none", OneOf("none", "basic", "bearer"), "How the gateway knows this service."
    )
    encoding: str = setting("json", OneOf("json", "form"), "How `body` is sent to the gateway.")
    body: str = setting(
        '{"to": "{to}", "text": "{text}"}',
        Text("an object in JSON with {to} and {text}"),
        "What the gateway is sent, with the number (such as +447400123456) and the message in it.",
    )
    sent_when: str = setting(
        "",
        Text("a field and its value", "[^=]+=.+", empty=True),
        "What the gateway's answer has where it took the message, such as messages.0.status=0; "
        "empty: its HTTP status says so.",
    )
    command: str = setting(
        "",
        _PATH,
        "The command, which gets the number as its argument and the message as its input; it ends "
        "with 0 where it was sent, with 65 or 67 where it never will be.",
    )
    ca_file: str = setting(
        "", Text(empty=True), "Certificates (PEM) to trust; empty trusts what this machine trusts."
    )
    deadline_s: float = setting(8, Number(1, 10), "Seconds for one message.")

    def check(self) -> None:
        needed: dict[str, tuple[str, ...]] = {
            "notify": ("credential", "template"),
            "gateway": ("url", *(("credential",) if self.login != "none" else ())),
            "command": ("command",),
        }
        for name in needed.get(self.service, ()):
            if not getattr(self, name):
                raise ValueError(f"{name}: has to be given for this service")
        if not self.regions:
            raise ValueError("regions: has to name one at least")
        try:
            body = msgspec.json.decode(self.body)
        except msgspec.DecodeError:
            raise ValueError("body: is not JSON") from None
        if not isinstance(body, dict) or not all(f"{{{one}}}" in self.body for one in _IN_BODY):
            raise ValueError("body: has to be an object with {to} and {text}")
        if self.encoding == "form" and not all(isinstance(each, str) for each in body.values()):
            raise ValueError("body: a form has texts alone")

    @property
    def taken_regions(self) -> tuple[str, ...]:
        """The countries whose numbers are taken; none where nobody sends."""
        return self.regions if self.service != "none" else ()


_IN_BODY: Final = ("to", "text")


RA = "ra"
"""Stands for the Registration Authority's address, so that it is set only once."""


def _recipients(of: str) -> tuple[str, ...]:
    allowed = 'email addresses; "ra" is ra_email of [service]; an empty list: nobody'
    kind = Words(allowed, _word("email address", f"{RA}|{ADDRESS}"))
    recipients: tuple[str, ...] = setting((RA,), kind, f"Who is told {of}.")
    return recipients


class NoticeSettings(Section, frozen=True):
    """``[notices]``: a list of addresses for each kind of alarm, and the thresholds."""

    registration_blocked: tuple[str, ...] = _recipients("that self-service was blocked")
    card_not_genuine: tuple[str, ...] = _recipients("of a card that failed its proof")
    many_failures: tuple[str, ...] = _recipients(
        "of many failures at one station, or of one person"
    )
    station_silent: tuple[str, ...] = _recipients("that a station is silent")
    mail_held_up: tuple[str, ...] = _recipients("that mail did not move, once it does again")
    row_altered: tuple[str, ...] = _recipients("that a record was altered outside of the service")
    audit_broken: tuple[str, ...] = _recipients("that the audit does not fit")
    clocks_differ: tuple[str, ...] = _recipients("that database and machine differ about the time")
    list_not_current: tuple[str, ...] = _recipients(
        "that a list of revoked certificates is not current"
    )
    failures_at_station: int = setting(
        20, Whole(2, 1000), "Failures at one station in an hour that are many."
    )
    failures_of_person: int = setting(
        6, Whole(2, 100), "Failures of one person in an hour that are many."
    )
    mail_minutes: float = setting(
        15, Number(1, 1440), "Minutes that a notice may wait before mail counts as held up."
    )


def addresses(recipients: tuple[str, ...], ra_email: str) -> tuple[str, ...]:
    """Return the addresses behind a list of ``[notices]``, each once."""
    return tuple(dict.fromkeys(ra_email if word == RA else word for word in recipients))


class Pkcs11Settings(Section, frozen=True):
    """``[pkcs11]``: the authority reads the style alone, a station nothing without a module.

    The style is never guessed: with the wrong one a module may spend tries of the PIN.
    """

    module: str = setting(
        "", _PATH, "The maker's PKCS#11 module, for cards of no other family; empty is none."
    )
    style: str = setting(
        "init-pin",
        OneOf(*secret_kind_names("pkcs11")),
        "How it sets a PIN again: C_InitPIN as security officer, or C_SetPIN with the PUK.",
    )
    token: str = setting(
        "", _TOKEN, "The label of the token to use, where the module shows several in one reader."
    )
    timeout_s: float = setting(
        15, Number(2, 60), "Seconds that the module may take for one answer before it is ended."
    )


def host_and_port(address: str) -> tuple[str, int]:
    """Return both parts of ``host:port``; an IPv6 address without its brackets."""
    host, _, port = address.rpartition(":")
    return host.strip("[]"), int(port)


def host_of(address: str) -> str:
    return host_and_port(address)[0]


class AuthoritySettings(Section, frozen=True):
    """``[authority]``: read by `kiosk authority` and by `kiosk station`."""

    socket: str = setting(
        "/run/kiosk/authority.sock",
        _PATH,
        "The socket between the authority and the station of the same machine; empty is none.",
    )
    station_user: str = setting(
        "kiosk-station",
        Text("the name of an account", "[a-z_][a-z0-9_-]*"),
        "The account that the station of this machine runs as: the socket serves no other.",
    )
    listen: str = setting(
        "",
        _LISTEN,
        "Where the authority serves stations in the network, such as 0.0.0.0:8443; empty: nowhere.",
    )
    enrol_listen: str = setting(
        "",
        _LISTEN,
        "Where the authority lets new stations in by a line of `kiosk stations enrol`, such as "
        "0.0.0.0:8444; empty: nowhere.",
    )
    addresses: tuple[str, ...] = setting(
        (),
        Words("a list of host:port", _word("host:port", _HOST_AND_PORT)),
        "Where stations find the authority in the network, by names that its certificate has; an "
        "empty list: at the socket.",
    )
    certificate: str = setting(
        "",
        _CREDENTIAL,
        "The certificate (PEM) of this process; empty: `kiosk authority` makes its own, and "
        "`kiosk enrol` fetches a station's.",
    )
    key: str = setting(
        "", _CREDENTIAL, "The private key (PEM) of that certificate; empty: it is in the same file."
    )
    ca: str = setting(
        "",
        _CREDENTIAL,
        "A CA of yours (PEM): the authority takes stations' certificates of it beside its own, "
        "and a station believes it.",
    )
    certificate_days: float = setting(
        90, Number(1, 825), "Days that a certificate lives which the authority issues."
    )

    def check(self) -> None:
        if self.listen and not (self.certificate or self.addresses):
            raise ValueError("addresses: listen needs it, unless certificate names one of yours")
        if self.enrol_listen and not (self.listen and self.addresses):
            raise ValueError("enrol_listen: needs listen and addresses, too")
        for name in ("key", "ca"):
            if getattr(self, name) and not (self.certificate or self.listen):
                raise ValueError(f"{name}: needs certificate or listen, too")
        if not (self.socket or self.listen or self.addresses):
            raise ValueError("socket: has to be given where neither listen nor addresses is")

    @property
    def enrol_addresses(self) -> tuple[str, ...]:
        """The hosts of ``addresses`` at the port of ``enrol_listen``; empty: nobody can enrol."""
        port = self.enrol_listen.rpartition(":")[2]
        hosts = dict.fromkeys(host_of(each) for each in self.addresses if port)
        return tuple(f"[{host}]:{port}" if ":" in host else f"{host}:{port}" for host in hosts)


class MonitoringSettings(Section, frozen=True):
    """``[monitoring]``: `kiosk authority` answers /healthz, /readyz and /metrics."""

    listen: str = setting(
        "",
        Text("host:port or an absolute path", rf"{_HOST_AND_PORT}|/.+", empty=True),
        "Where the authority answers /healthz, /readyz and /metrics to anybody, such as "
        "127.0.0.1:9464; empty is the socket monitoring.sock beside that of [authority].",
    )
    drain_s: float = setting(
        0,
        Number(0, 25),
        "Seconds in which /readyz says no before it takes no more calls, so that a load balancer "
        "sends none.",
    )

    def place(self, authority_socket: str) -> str:
        """Return its address; empty for none."""
        if self.listen or not authority_socket:
            return self.listen
        return str(Path(authority_socket).with_name("monitoring.sock"))


class SiemSettings(Section, frozen=True):
    """``[siem]``: the audit, and with it the alarms, goes to a collector by syslog over TLS."""

    collector: str = setting(
        "",
        _LISTEN,
        "The collector that the audit is sent to by syslog over TLS, such as siem.example:6514; "
        "empty sends nothing.",
    )
    format: str = setting("json", OneOf("json", "cef"), "What each message holds.")
    ca: str = setting(
        "",
        _CREDENTIAL,
        "Certificates (PEM) that the collector's is verified by; empty trusts what this machine "
        "trusts.",
    )
    certificate: str = setting(
        "", _CREDENTIAL, "The certificate (PEM) that the collector is shown, where it asks for one."
    )
    key: str = setting("", _CREDENTIAL, "The private key (PEM) of that certificate.")
    confirmed_by: str = setting(
        "close-notify",
        OneOf("close-notify", "end-of-stream"),
        "How the collector shows that it has read all: by TLS close_notify as in RFC 5425, or "
        "merely by ending the stream, as rsyslog does with its driver gtls.",
    )

    def check(self) -> None:
        if bool(self.certificate) != bool(self.key):
            raise ValueError("certificate: has to be given together with key")


_LABEL = "[a-z0-9]([a-z0-9-]*[a-z0-9])?"
_DOMAIN = rf"({_LABEL}\.)*{_LABEL}"


*_BUT_ONE, _LAST = (f'"{factor.value}"' for factor in Factor)
_FACTORS = f"{', '.join(_BUT_ONE)} and {_LAST}"


def _factor(word: str) -> Factor:
    if word == "witness":
        raise InvalidValue('"witness" is not available in this version', quotes=False)
    try:
        return Factor(word)
    except ValueError:
        raise InvalidValue("is not allowed here") from None


def _stop(rule: str) -> str:
    try:
        return tidy_stop(rule)
    except ValueError as unfit:
        raise InvalidValue(str(unfit), quotes=False) from None


def _domain(word: str) -> str:
    if not re.fullmatch(_DOMAIN, word.lower()):
        raise InvalidValue(f"{word.lower()!r} is not a domain", quotes=False)
    return word.lower()


class PolicySettings(Section, frozen=True):
    """``[policy]``: what ``Policy`` is made of; durations carry their unit in their name."""

    verification: tuple[Way, ...] = setting(
        ((Factor.QUESTIONS, Factor.EMAIL_CODE),),
        Alternatives(Words(f"a list of {_FACTORS}", _factor)),
        "What a holder has to pass, in this order; with several lists all of one of them.",
    )
    questions_registered: int = setting(4, Whole(2, 8), "Questions a holder registers.")
    questions_asked: int = setting(3, Whole(2, 4), "Questions asked in one attempt.")
    max_failures: int = setting(3, Whole(1, 10), "Failed attempts that block.")
    code_digits: int = setting(
        8, Whole(FEWEST_CODE_DIGITS, MOST_CODE_DIGITS), "Digits of an emailed code."
    )
    code_life_minutes: float = setting(15, Number(1, 60), "Minutes that a code lives.")
    code_tries: int = setting(5, Whole(1, 10), "Wrong entries that spend a code.")
    codes_an_hour: int = setting(
        3, Whole(1, 20), "Codes mailed for one card in an hour; staff may give as many again."
    )
    code_gap_s: float = setting(60, Number(0, 600), "Seconds between two codes.")
    pin_min_length: int = setting(6, Whole(4, 8), "Fewest digits of a new PIN.")
    pin_max_length: int = setting(8, Whole(4, 8), "Most digits of a new PIN.")
    email_domains: tuple[str, ...] = setting(
        ("nhs.net", "nhs.uk", "gov.uk", "mod.uk"),
        Words('a list of domains such as "nhs.net"', _domain, "any domain"),
        "Domains, with those below them, that codes go to; an empty list is any.",
    )

    four_eyes: bool = setting(
        False,
        Boolean(),
        "A second member of staff has to agree to what could help to open somebody else's card: "
        "addresses, cards, secrets, blocks, registrations, codes, staff, the policy.",
    )

    genuine: str = setting(
        Genuine.WHEN_IT_CAN.value,
        OneOf(*(when.value for when in Genuine)),
        "When a card has to prove that it is the one that was issued; "
        "one whose key is recorded can.",
    )

    rotate_secret: bool = setting(
        True,
        Boolean(),
        "Change the unblock secret of a card after each use, where the card allows it.",
    )

    address_cooling_off_hours: float = setting(
        24,
        Number(0, 336),
        "Hours in which the old address can stop a change that a card did not prove; 0: none.",
    )

    visits_a_minute: int = setting(
        30, Whole(5, 1000), "Visits that one station may begin within a minute."
    )
    saved_codes: int = setting(
        0,
        Whole(0, MOST_SAVED_CODES),
        "Codes that a holder can have made at a station and write down; 0: none. Each works once, "
        "as the step saved-code of verification.",
    )

    stop_cards: tuple[str, ...] = setting(
        (),
        Words(f"a list of rules: {STOP_WORDS}", _stop),
        "Cards that no station serves: of a batch, of an issuer, or with a weak key.",
    )

    remind_before_days: int = setting(
        30,
        Whole(0, 366),
        "Days before the end of a card in which its holder is reminded of it; 0: never.",
    )

    second_route: str = setting(
        SecondRoute.OFF.value,
        OneOf(*(route.value for route in SecondRoute)),
        "Whether a registered holder can add a further address for codes at a station.",
    )

    def check(self) -> None:
        self.policy()

    def policy(self) -> Policy:
        converted: dict[str, Any] = {
            "code_life": timedelta(minutes=self.code_life_minutes),
            "code_gap": timedelta(seconds=self.code_gap_s),
            "genuine": Genuine(self.genuine),
            "second_route": SecondRoute(self.second_route),
            "address_cooling_off": timedelta(hours=self.address_cooling_off_hours),
            "remind_before": timedelta(days=self.remind_before_days),
        }
        same = set(Policy.__struct_fields__) - set(converted)
        return Policy(**converted, **{name: getattr(self, name) for name in same})


class SecretSettings(Section, frozen=True):
    """``[secrets]``: stored secrets stay as they are until their card takes another one."""

    source: str = setting(
        "following",
        OneOf("following", "derived"),
        "New unblock secrets: made from the one before and sealed, or derived from a master key "
        "and never stored.",
    )
    module: str = setting(
        "",
        _PATH,
        "The PKCS#11 module of the token that keeps the master keys; empty is the key file.",
    )
    token: str = setting("", _TOKEN, "The label of that token.")
    pin_file: str = setting("", _CREDENTIAL, "The file with the PIN of the token's user.")
    timeout_s: float = setting(
        3,
        Number(1, 30),
        "Seconds that the token may take for one answer before it is ended: with a database file "
        "less than busy_timeout_s of [store].",
    )

    def check(self) -> None:
        if self.module and not self.token:
            raise ValueError("token: has to be given where module is")
        if self.module and not self.pin_file:
            raise ValueError("pin_file: has to be given where module is")
        # Otherwise master keys would be looked for, and made, in the key file.
        if not self.module and (self.token or self.pin_file):
            raise ValueError("module: has to be given where token or pin_file is")


class Settings(Struct, frozen=True):
    """All settings. Those of a service come from ``load_settings``, which reads and checks them."""

    service: ServiceSettings = ServiceSettings()
    station: StationSettings = StationSettings()
    authority: AuthoritySettings = AuthoritySettings()
    monitoring: MonitoringSettings = MonitoringSettings()
    siem: SiemSettings = SiemSettings()
    policy: PolicySettings = PolicySettings()
    people: PeopleSettings = PeopleSettings()
    store: StoreSettings = StoreSettings()
    retention: RetentionSettings = RetentionSettings()
    keys: KeySettings = KeySettings()
    secrets: SecretSettings = SecretSettings()
    mail: MailSettings = MailSettings()
    texts: TextSettings = TextSettings()
    notices: NoticeSettings = NoticeSettings()
    pcsc: PcscSettings = PcscSettings()
    cards: CardSettings = CardSettings()
    pkcs11: Pkcs11Settings = Pkcs11Settings()
    admin: AdminSettings = AdminSettings()


def stored_secrets(settings: Settings) -> dict[str, SecretKind]:
    stored = {}
    for name, family in FAMILIES.items():
        stored[name] = family.secret_kinds[0]
        if family.secret_setting is not None:
            section, setting_name = family.secret_setting
            chosen = getattr(getattr(settings, section), setting_name)
            stored[name] = next(kind for kind in family.secret_kinds if kind.name == chosen)
    return stored


DEFAULTS: Final = Settings()

SECTIONS: Final[dict[str, Section]] = {
    name: getattr(DEFAULTS, name) for name in Settings.__struct_fields__
}
"""The sections by their names, in the order of the file, each with its defaults."""
