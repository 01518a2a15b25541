"""The checks of the authority's side: database, questions, keys, mail relay, outbox, clock."""

from __future__ import annotations

import shutil
import stat
import sys
from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager, suppress
from datetime import timedelta
from pathlib import Path
from typing import assert_never

from kiosk.authority.administration.key_copies import (
    how_to_copy,
    is_of,
    lacks_keys_of,
    last_copy,
    missing_keys,
    where_added,
)
from kiosk.authority.administration.keys import MasterKeys
from kiosk.authority.administration.proposals import (
    ADD_TWO_MANAGERS,
    NO_TWO_MANAGERS,
    two_could_agree,
)
from kiosk.authority.administration.resealing import secrets_by
from kiosk.authority.administration.standing import SEEN_FOR, BrokenSeals
from kiosk.authority.audit.events import AuditKind
from kiosk.authority.audit.siem import FEED, Collector, CollectorAway
from kiosk.authority.crypto import card_keys, keys
from kiosk.authority.crypto.keys import KeyPurpose, KeyRing
from kiosk.authority.errors import (
    KeyMissing,
    KeysUnavailable,
    MailError,
    MailNotTrusted,
    StoreError,
)
from kiosk.authority.key_names import knows_ring
from kiosk.authority.mail.bounces import MOST_AT_ONCE, ignored
from kiosk.authority.mail.compose import Mailer
from kiosk.authority.mail.times import is_slow, read_mail_time
from kiosk.authority.policy import policy_in_force
from kiosk.authority.records import AuditQuery, NamedKey
from kiosk.authority.retention import held_until
from kiosk.authority.roles import Action, Role, may
from kiosk.authority.store import grants
from kiosk.authority.store.database import SchemaFit, Store, UnitOfWork
from kiosk.authority.store.engine import DAMAGES, MOVED, REFUSED_LOGINS, place_of, unverified_host
from kiosk.authority.texts.senders import TextSender
from kiosk.authority.visit.stops import may_be_stopped
from kiosk.authority.wording import counted, local_time, numbered
from kiosk.config.loading import as_account
from kiosk.config.settings import PolicySettings
from kiosk.contract.errors import ConfigError
from kiosk.contract.families import FAMILIES, SecretKind
from kiosk.contract.findings import CLOCK, Finding, fail, ok, warn
from kiosk.contract.policy import Genuine, Policy
from kiosk.contract.ports import Clock
from kiosk.contract.stops import ROCA
from kiosk.system.machine_seal import SUFFIX

# Unblock secrets that did not open when they were needed, by the audit.

_LOOKED_BACK = 500
"""How many events are read, the newest ones."""


def broken_seals(uow: UnitOfWork, holder_ids: Iterable[str]) -> BrokenSeals:
    """Return which seals of these holders' cards are broken; at most 500 of them."""
    query = AuditQuery(holder_ids=tuple(holder_ids), kind=AuditKind.SECRET_BROKEN.value)
    found = uow.trail.newest(query, limit=_LOOKED_BACK)
    revisions = ((event.card_id, event.detail.get("revision")) for event in found)
    return frozenset(
        (card_id, revision)
        for card_id, revision in revisions
        if card_id is not None and isinstance(revision, int)
    )


def _page(name: str) -> str:
    """Return the path of a page of the documents: from the package, or in a checkout."""
    page, program = f"docs/{name}.md", Path(sys.prefix)  # as /usr/lib/unlock-kiosk-authority
    installed = program.parent.parent / "share" / "doc" / program.name / page
    return str(installed) if installed.exists() else page


_GIVEN_UP = (
    "put a copy of the key file there that has it; where none has, `kiosk import --replace-lost`, "
    "or setting each anew, puts others in their place"
)
_CLOSED = ("SQLITE_CANTOPEN", "SQLITE_READONLY")
_LITTLE_DISK = 200 * 1024 * 1024
_CLOCK_SLACK = timedelta(minutes=1)
_COLLECTED = timedelta(seconds=90)
"""An older row that was not sent shows that the collector is not reached."""
_SEEN_AT_STATIONS = timedelta(days=7)
"""Of how long the visits are looked at: a station that is not used says nothing."""

# The parts of an installation, as findings name them.

ADDRESSES = "addresses"

DATABASE, QUESTIONS, KEYS, KEY_COPY, MASTER, MAIL, OUTBOX = (
    "database", "questions", "keys", "key copy", "master key", "mail relay", "outbox",
)  # fmt: skip
MAIL_TIME, BOUNCES = "codes by mail", "bounces"
STATIONS = "stations"
COLLECTOR, FOUR_EYES, CREDENTIALS = "collector", "four eyes", "credentials"
REVOKED, WEAK_KEYS = "revoked", "weak keys"
CARD_KEYS, RELEASED, STAFF = "card keys", "released secrets", "staff"
LOGIN_KEYS = "login keys"
TEXTS = "text messages"

_UNRECORDED = (
    "a command that was ended while it made a key leaves that; else see who can log in to the token"
)
_GRANT = "make it a member of its role, and run `kiosk store roles --apply` as the owner"


_ANEW = "if there never was one, `kiosk setup authority --new-database`"


def how_to_bring_it_back(store: Store) -> str:
    """Return what to do where there are keys and no database."""
    if store.file is not None:
        return f"restore your backup: `kiosk restore FILE`; {_ANEW}"
    return (
        "bring a service from its database file: let `url` in [store] name the file, and "
        "`kiosk store copy`; or restore a server's backup by the server's own tools; " + _ANEW
    )


def check_database(store: Store, folder: Path | None, url: str, *, has_keys: bool) -> Finding:
    """Check that it answers with our schema, that a server is verified, and that a file has room.

    ``folder`` is None where it is no file. ``has_keys``: the key file exists, so that a missing
    database is lost.
    """
    try:
        if has_keys and not store.is_made():
            gone = "it is not there, and its keys are"
            found = gone if store.file else "it has no tables, and the keys of a service are here"
            return fail(DATABASE, found, how_to_bring_it_back(store))
        fit, revision = store.schema()
        if not fit.serves:
            if problem := store.out_of_service():
                return fail(DATABASE, problem, f"see `url` in [store], and {_page('estate')}")
            return _of_schema(fit, revision)
    except StoreError as error:
        advice = "see `url` in [store]"
        if error.code == MOVED:
            advice = f"see {_page('estate')}"
        elif error.code in REFUSED_LOGINS:
            advice += f", and {_page('database')}"
        elif error.code.startswith(_CLOSED) and store.file and store.file.exists():
            advice = as_account(store.file)
        elif error.is_of_disk:
            advice = "make room on the disk, or see whether it fails"
        elif error.code.startswith(DAMAGES):
            advice += f", or restore your backup: {_page('estate')}"
        return fail(DATABASE, str(error), advice)
    if store.lacking(grants.AUTHORITY):
        return fail(DATABASE, "the role of `url` may not do what visits need", _GRANT)
    if host := unverified_host(url):
        return _unverified(DATABASE, host, "url")
    if folder and (free := shutil.disk_usage(folder).free) < _LITTLE_DISK:
        return warn(DATABASE, f"only {free // 2**20} MB free in {folder}", "make room on the disk")
    return _of_schema(fit, revision)


def _of_schema(fit: SchemaFit, revision: str) -> Finding:
    match fit:
        case SchemaFit.MISSING:
            advice = (
                "`kiosk setup authority` makes them for a new service; `kiosk store copy` brings a "
                "service from its database file"
            )
            return fail(DATABASE, "it answers, and has no tables yet", advice)
        case SchemaFit.OLDER:
            return fail(
                DATABASE,
                f"its schema {revision} is older than this program",
                "run `kiosk setup authority` of this version, as the owner of the tables",
            )
        case SchemaFit.CURRENT:
            return ok(DATABASE, f"answers, schema {revision} is current")
        case SchemaFit.SHARED:
            return warn(
                DATABASE,
                f"answers, schema {revision} is current; programs of the version before may serve",
                "once none does: `kiosk store finish-upgrade`, as the owner of the tables",
            )
        case SchemaFit.NEWER:
            return ok(DATABASE, f"answers, its schema {revision} is newer and serves this program")
        case SchemaFit.TOO_NEW:
            return fail(
                DATABASE,
                f"its schema {revision} serves no program as old as this one",
                "install the version that the other machines run",
            )
        case _:
            assert_never(fit)


def _unverified(part: str, host: str, setting: str) -> Finding:
    advice = f"add sslmode=verify-full to `{setting}` in [store]; see {_page('database')}"
    return warn(part, f"answers; nothing shows that it is {host} which answers", advice)


def check_staff(store: Store, url: str, staff_url: str) -> Finding:
    """Check the account that the RA application and its commands use.

    ``staff_url`` is empty where that is the service's own.
    """
    if staff_url and (theirs := place_of(staff_url)) != (ours := place_of(url)):
        found = f"`staff_url` names {theirs} and `url` {ours}: no station sees what staff do"
        return fail(STAFF, found, "name the same server, port and database in both, in [store]")
    try:
        lacking = store.lacking(grants.STAFF)
    except StoreError as error:
        return fail(STAFF, str(error), f"see `staff_url` in [store], and {_page('database')}")
    if lacking and staff_url:
        return fail(STAFF, "the role of `staff_url` may not do the work of staff", _GRANT)
    if lacking:
        found = "the role of `url` may not do the work of staff: they can look, and change nothing"
        advice = f"name an account of theirs as `staff_url` in [store]; see {_page('database')}"
        return warn(STAFF, found, advice)
    if staff_url and (host := unverified_host(staff_url)):
        return _unverified(STAFF, host, "staff_url")
    return ok(STAFF, "its role in the database may do the work of staff")


def read_policy(store: Store, file: PolicySettings, load: Callable[[], KeyRing]) -> Policy:
    """Return the policy in force; raises ``StoreError`` or ``RowAltered``.

    Raises ``ConfigError`` or ``KeyMissing`` for other keys, with which all of it looks altered.
    """
    knows_ring(store, load())
    with store.read() as uow:
        return policy_in_force(file, uow.policy_changes.every()).settings.policy()


def check_addresses(store: Store, policy_now: Callable[[], Policy]) -> Finding:
    """Count the people with an address with which they could not register."""
    domains = policy_now().email_domains
    with store.read() as uow:
        outside = uow.addresses.outside(domains) if domains else 0
    if outside:
        whose = "1 person has one" if outside == 1 else f"{outside} people have one"
        text = f"{whose} outside {', '.join(domains)}, and cannot register with it"
        return warn(ADDRESSES, text, "see `email_domains` in [policy], or correct the addresses")
    return ok(ADDRESSES, "all are of approved domains")


def check_questions(store: Store, policy_now: Callable[[], Policy]) -> Finding:
    policy = policy_now()
    with store.read() as uow:
        offered = len(uow.questions.current())
    if not policy.asks_questions:
        return ok(QUESTIONS, f"{offered} in the list; the policy asks none")
    if offered < policy.questions_registered:
        needed = policy.questions_registered
        return fail(
            QUESTIONS, f"{offered} in the list, {needed} needed", "run `kiosk setup authority`"
        )
    return ok(QUESTIONS, f"{offered} in the list")


def check_four_eyes(store: Store, policy_now: Callable[[], Policy], *, verified: bool) -> Finding:
    """Check that two managers could agree, where the policy requires two."""
    if not policy_now().four_eyes:
        return ok(FOUR_EYES, "one person is enough, by the policy")
    with store.read() as uow:
        if two_could_agree(uow, Action.CHANGE_POLICY, verified=verified):
            return ok(FOUR_EYES, "there are managers who could agree with each other")
    return warn(FOUR_EYES, f"the policy asks for two, and {NO_TWO_MANAGERS}", ADD_TWO_MANAGERS)


def check_login_keys(store: Store) -> Finding:
    """Check who can log in where that takes a key in a security key."""
    with store.read() as uow:
        able = {each.id for each, _ in uow.staff.logins(verified=True)}
        present = [each for each in uow.staff.every() if each.removed_at is None]
    unable = [each for each in present if each.id not in able and may(each.role, Action.SEE_TODAY)]
    if not unable:
        return ok(LOGIN_KEYS, "each member of staff who logs in has one in a security key")
    names = ", ".join(each.name for each in unable)
    found = f"none in a security key, as `login_keys` in [admin] asks: {names} cannot log in"
    manager_is_able = any(each.role is Role.MANAGER and each.id in able for each in present)
    return (warn if manager_is_able else fail)(LOGIN_KEYS, found, "`kiosk staff add-key` adds one")


def check_card_keys(store: Store, policy_now: Callable[[], Policy], *, certified: bool) -> Finding:
    """Check that cards can prove themselves, where the policy requires each of them to.

    ``certified``: the settings name issuers, whose certificates do in place of a recorded key.
    """
    if policy_now().genuine is not Genuine.ALWAYS:
        return ok(CARD_KEYS, "the policy does not ask every card to prove itself")
    if certified:
        return ok(CARD_KEYS, "cards show certificates of the issuers in [cards]")
    with store.read() as uow:
        cards, with_key = uow.cards.count_keys(card_keys.NAMED_BY_KEY)
    if cards and not with_key:
        whose = "the one card" if cards == 1 else f"any of {cards:,} cards"
        text = f"`genuine` is always, and no key of {whose} is recorded: no station unlocks one"
        return warn(CARD_KEYS, text, "import `auth_key`, or name `issuers` in [cards]")
    return ok(CARD_KEYS, f"recorded for {with_key:,} of {numbered(cards, 'card')}")


def check_revoked(load: Callable[[], card_keys.Issuers | None], clock: Clock) -> Finding:
    """Check the lists of revoked certificates: their age, what is in them, and their end."""
    try:
        issuers = load()
    except ConfigError as error:
        advice = "an authority that starts ends with this; one that runs keeps the list it has"
        return fail(REVOKED, str(error), advice)
    lists = issuers.lists if issuers is not None else None
    if lists is None:
        return ok(REVOKED, "no list of revoked certificates is asked for")
    now, past, said = clock.now(), False, []
    for each in lists.known():
        past |= each.is_past(now)
        until = "names no next one"
        if each.next_at is not None:
            until = f"the next was due {each.next_at:%d %B %Y %H:%M} UTC"
            until = until if each.is_past(now) else until.replace("was due", "is due by")
        hours = max(0, (now - each.issued_at) // timedelta(hours=1))
        age = numbered(hours, "hour") if hours < 48 else numbered(hours // 24, "day")
        entries = numbered(each.entries, "entry", "entries")
        said.append(f"{each.issuer}: {age} old, {entries}, {until}")
    text = "; ".join(said)
    advice = "see why the file is not renewed (`revoked` in [cards])"
    return warn(REVOKED, text, advice) if past else ok(REVOKED, text)


def check_weak_keys(store: Store) -> Finding:
    """Count the recorded keys that can be factored (ROCA), whatever the policy stops."""
    with store.read() as uow:
        weak = sum(may_be_stopped((ROCA,), card) for card in uow.cards.keys_in_use())
    if not weak:
        return ok(WEAK_KEYS, "no recorded key of a card is one that ROCA breaks")
    text = f"{numbered(weak, 'card has', 'cards have')} a key that ROCA breaks (CVE-2017-15361)"
    return warn(WEAK_KEYS, text, "replace them; `stop_cards` of the policy stops them: roca")


def check_keys(load: Callable[[], KeyRing], store: Store) -> Finding:
    """Check that the key file loads, and holds every key that sealed a secret."""
    try:
        ring = load()
        knows_ring(store, ring)
    except ConfigError as error:
        return fail(KEYS, str(error), "see `file` in [keys]")
    except KeyMissing as error:
        return fail(KEYS, str(error), f"where there is none, see {_page('estate')}")
    with store.read() as uow:
        sealed = secrets_by(uow, NamedKey.SEAL)
    held, current = ring.ids(KeyPurpose.SEAL), ring.current(KeyPurpose.SEAL).id
    missing = missing_keys(ring, store)
    advice = f"see `kiosk keys recover`; {where_added(missing)}" if missing else ""
    if lost := sorted(set(sealed) - set(held)):
        many = sum(sealed[key] for key in lost)
        needs = f"{numbered(many, 'secret')} cannot be opened without {', '.join(lost)}"
        return fail(KEYS, needs, advice or _GIVEN_UP)
    if missing:
        names = ", ".join(each.id for each in missing)
        return warn(KEYS, f"the key file is an older copy, without {names}", advice)
    if older := sum(sealed.values()) - sealed.get(current, 0):
        text = f"{numbered(older, 'secret')} under an older key"
        return warn(KEYS, text, "run `kiosk keys rotate`")
    return ok(KEYS, f"all there; {numbered(sum(sealed.values()), 'secret')} under {current}")


def check_key_copy(load: Callable[[], KeyRing], path: Path, store: Store) -> Finding:
    """Check that there is a copy of the present key file, and none where it should not be."""
    try:
        ring = load()
    except ConfigError:
        return fail(KEY_COPY, "the key file cannot be read", "see the line on keys")
    if left := keys.leftovers(path):
        named = ", ".join(map(str, left))
        return warn(KEY_COPY, f"a rotation that was interrupted left keys in {named}", "delete it")
    plain = path.with_suffix(".json")
    if path.suffix == SUFFIX and plain.exists():
        found = f"{plain} holds keys in clear beside the sealed key file"
        return warn(KEY_COPY, found, "delete it, once a copy in a safe place is declared")
    copy, advice = last_copy(store), how_to_copy(path)
    if copy is None:
        return warn(KEY_COPY, "no copy of the key file was ever declared", advice)
    made = f"{copy.at.astimezone():%Y-%m-%d}"
    if not is_of(copy, ring) and lacks_keys_of(copy, ring, store):
        found = f"this key file lacks keys that the declared copy of {made} has"
        return warn(KEY_COPY, found, "run `kiosk keys recover --from` that copy")
    if not is_of(copy, ring):
        return warn(KEY_COPY, f"keys were added since the copy of {made}, which lacks them", advice)
    return ok(KEY_COPY, f"a copy of the key file was declared on {made}")


def check_master_keys(masters: MasterKeys, *, derives: bool) -> Finding:
    """Check that the token and every master key are there; ``derives``: new secrets need one."""
    try:
        lines = masters.lines()
    except KeysUnavailable as error:
        return fail(MASTER, str(error), "see [secrets]; no card can be unlocked without it")
    if lost := [line for line in lines if not line.there]:
        many, names = sum(line.secrets for line in lost), ", ".join(line.id for line in lost)
        return fail(MASTER, f"{many} secrets derive from {names}", "restore that key")
    current = next((line for line in lines if line.current), None)
    if current is None and derives:
        return fail(MASTER, "there is none yet", "run `kiosk keys rotate --purpose derive`")
    found, advice = list[str](), list[str]()
    unused = current if current and current.in_token and not current.secrets else None
    if unused and not masters.may_be_recorded(unused.id):
        found.append(f"the audit does not say who made {unused.id} in the token")
        advice.append(_UNRECORDED)
    if older := sum(line.secrets for line in lines if not line.current):
        found.append(f"{older} secrets derive from an older key")
        advice.append("run `kiosk keys rotate --purpose derive`")
    if found:
        return warn(MASTER, "; ".join(found), "; then ".join(advice))
    if current is None or not (derives or current.secrets):
        return ok(MASTER, "not in use: each unblock secret follows from the one before")
    return ok(MASTER, f"there; {current.secrets} secrets derive from {current.id}")


def check_mail(load: Callable[[], AbstractContextManager[Mailer]], address: str) -> Finding:
    """Connect, verify and log in, and send nothing; ``address`` is the relay's."""
    try:
        with load() as mailer:
            mailer.check()
    except ConfigError as error:
        return fail(MAIL, str(error), "see [mail]")
    except MailNotTrusted as error:
        return fail(MAIL, f"{address}: {error}", "see `host`, `ca_file` and `security` in [mail]")
    except MailError as error:
        return fail(MAIL, f"{address}: {error}", "see `host`, `port` and `credential` in [mail]")
    return ok(MAIL, f"{address} is verified and lets us in")


def check_texts(load: Callable[[], TextSender | None]) -> Finding:
    """Look whether text messages can be sent, and send none."""
    try:
        sender = load()
        if sender is not None:
            sender.check()
    except ConfigError as error:
        return fail(TEXTS, str(error), "see [texts]")
    except MailNotTrusted as error:
        return fail(TEXTS, str(error), "see `url` and `ca_file` in [texts]")
    except MailError as error:
        return fail(TEXTS, str(error), "see `service` and what it needs in [texts]")
    return ok(TEXTS, "the gateway can be reached")


def check_credentials(files: Iterable[Path]) -> Finding:
    """Check that not everybody may read them; one that is sealed, or missing, passes."""
    found = []
    for file in files:
        with suppress(OSError):
            if file.suffix != SUFFIX and file.stat().st_mode & stat.S_IROTH:
                found.append(str(file))
    if found:
        named, several = ", ".join(found), " ".join(found)
        text = f"everybody on this machine may read {named}"
        return warn(CREDENTIALS, text, f"`chmod 0600 {several}`")
    return ok(CREDENTIALS, "none can be read by everybody")


def check_mail_time(store: Store) -> Finding:
    """Check that codes by mail are entered soon after the relay took them."""
    with store.read() as uow:
        median = read_mail_time(uow)
    if median is None:
        return ok(
            MAIL_TIME, "too few codes were mailed in the last hours to say how long they take"
        )
    minutes, seconds = divmod(round(median.total_seconds()), 60)
    text = f"a code by mail is entered {minutes} min {seconds:02} s after the relay took it"
    if not is_slow(median):
        return ok(MAIL_TIME, text)
    advice = "stations say so to holders; see the queue of the relay, and whether mail is delayed"
    return warn(MAIL_TIME, f"mail is slow: {text}", f"{advice} on its way")


def check_bounces(store: Store, address: str, folder: str) -> Finding:
    """Check what came back, and that the maildir that is named can be read."""
    if not address:
        return ok(BOUNCES, "`bounces` in [mail] is empty: nobody learns of mail that comes back")
    with store.read() as uow:
        failing, not_ours = uow.addresses.count_failing(), ignored(uow)
    try:
        waiting = sum(1 for _ in Path(folder, "new").iterdir()) if folder else 0
    except OSError as error:
        advice = "see `bounces_folder` in [mail], and let the relay make the maildir"
        return fail(BOUNCES, f"{folder}/new: {error.strerror}", advice)
    text = f"mail came back from {numbered(failing, 'person', 'people')}; "
    text += f"{numbered(not_ours, 'message')} without our tag ignored"
    if waiting > MOST_AT_ONCE:
        advice = "see whether `kiosk authority` or `kiosk caretaker` runs"
        return warn(BOUNCES, f"{text}; {waiting} wait in {folder}", advice)
    if failing:
        return warn(BOUNCES, text, "`kiosk people list --standing mail-fails` names them")
    return ok(BOUNCES, text)


def check_outbox(store: Store) -> Finding:
    with store.read() as uow:
        waiting, next_at, now = uow.outbox.waiting(), uow.outbox.next_try(), uow.now
    if next_at is None:
        return ok(OUTBOX, "nothing waits")
    wait, go = ("waits", "it goes") if waiting == 1 else ("wait", "they go")
    due = "a try is due, if `kiosk authority` runs"
    when = due if next_at <= now else f"the next try is at {local_time(next_at)}"
    advice = f"{go} out when the mail relay answers; {when}"
    return warn(OUTBOX, f"{numbered(waiting, 'notice')} {wait}", advice)


def check_collector(store: Store, load: Callable[[], Collector], address: str) -> Finding:
    """Connect, verify, and send nothing; check that no row waits for it for long."""
    with store.read() as uow:
        sent = uow.feeds.reached(FEED)
        waiting, since = uow.monitored.beyond(sent or {}, uow.audit.gaps())
    waits = f"{numbered(waiting, 'row')} of the audit {'waits' if waiting == 1 else 'wait'} for it"
    try:
        load().check()
    except ConfigError as error:
        return fail(COLLECTOR, f"{error}; {waits}", "see [siem]")
    except CollectorAway as error:
        text = f"{address}: {error}; {waits}, and none is lost"
        return fail(COLLECTOR, text, "see `collector`, `ca` and `confirmed_by` in [siem]")
    found = f"{address} takes a connection; {waits}"
    if sent is None:
        text = f"{found}, and it was sent nothing yet"
        return warn(COLLECTOR, text, "start `kiosk authority`, and see its log")
    if since is not None and uow.now - since > _COLLECTED:
        text = f"{found}, since {local_time(since)}"
        return warn(COLLECTOR, text, "see the log of `kiosk authority`")
    return ok(COLLECTOR, found)


def check_seen_secrets(store: Store, clock: Clock) -> Finding:
    """Check that every unblock secret that a station got was changed after a while."""
    with store.read() as uow:
        seen = uow.cards.count_seen(clock.now() - SEEN_FOR)
    if not seen:
        return ok(RELEASED, "each that was released was changed")
    return warn(
        RELEASED,
        f"{counted(seen, 'card')} with a secret that was released and not changed since",
        "the next unlock changes it; staff see whose cards they are on the persons' pages",
    )


def check_stations(store: Store, stored: Mapping[str, SecretKind]) -> Finding:
    """Check that stations would present the kind of secret that is ``stored``, by family.

    Each reports it when a card goes in: its last one of a family counts.
    """
    with store.read() as uow:
        presented, retired = uow.visits.other_kinds(_SEEN_AT_STATIONS), uow.stations.retired()
    found: list[str] = []
    for (station, family), kind in sorted(presented.items(), key=lambda one: one[0]):
        row = FAMILIES.get(family)
        if kind is None or row is None or row.secret_setting is None or station in retired:
            continue
        (section, name), here = row.secret_setting, stored[family].name
        if kind != here:
            theirs = f"`{name}` in [{section}] is {kind} at {station}"
            found.append(f"{theirs}, and {here} here: no {family} card is unlocked there")
    if found:
        return warn(
            STATIONS, "; ".join(found), "set the same on both, and restart what you changed"
        )
    return ok(STATIONS, "no card was put in where another kind of secret would be presented")


def check_clock(store: Store, clock: Clock, synchronised: Callable[[], bool | None]) -> Finding:
    """Check that the clock is synchronised, not behind the audit's last event, and not just set."""
    now, by_network = clock.now(), synchronised()
    with store.read() as uow:
        latest = uow.trail.newest(AuditQuery(), limit=1)
        theirs, held = uow.now, held_until(uow)
    shown = local_time(now, seconds=True)
    if abs(now - theirs) > _CLOCK_SLACK:
        other = local_time(theirs, seconds=True)
        text = f"{shown} is not the time of the database server, {other}"
        served = "; until then no station is served" if store.clocks_apart else ""
        return fail(CLOCK, text, f"set the one that is wrong{served}")
    if latest and latest[0].at > now + _CLOCK_SLACK:
        last = f"the last event of the audit, {local_time(latest[0].at, seconds=True)}"
        if not by_network:
            return fail(CLOCK, f"{shown} is before {last}", "set it")
        text = f"{shown}, set by the network, is before {last}, which is of a clock that was ahead"
        return warn(CLOCK, text, "that passes once the time comes")
    if held is not None:
        text = f"{shown}: the service was off, or the clock was set, and nothing that is past is "
        text += f"deleted before {local_time(held)}"
        return warn(
            CLOCK, text, "see that it is right; `kiosk purge --clock-is-right` deletes at once"
        )
    match by_network:
        case True:
            return ok(CLOCK, f"{shown}, set by the network")
        case False:
            return warn(CLOCK, f"{shown}, not set by the network", "turn time synchronisation on")
        case _:
            return warn(CLOCK, f"{shown}; nobody says whether the network sets it", "see to it")
