"""The doctor's checks, each on a part that is well and on one that is not."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from functools import partial
from pathlib import Path

import pytest
import trustme
from cryptography.hazmat.primitives.serialization import Encoding
from msgspec.structs import replace as replace_setting

from kiosk.app.demo.mailbox import Mailbox
from kiosk.app.setup.authority import load_questions
from kiosk.authority.administration import checks
from kiosk.authority.administration.import_people import PeopleImport
from kiosk.authority.administration.key_copies import declare_copy
from kiosk.authority.administration.keys import add_key
from kiosk.authority.audit.siem import FEED, Collector, collector_context
from kiosk.authority.crypto.card_keys import Issuers
from kiosk.authority.crypto.keys import KeyPurpose, KeyRing
from kiosk.authority.crypto.revocation import RevocationLists
from kiosk.authority.crypto.sealing import Sealer
from kiosk.authority.errors import StoreError
from kiosk.authority.mail.smtp import SmtpMailer
from kiosk.authority.records import (
    Card,
    Cardholder,
    OutboxMessage,
    Station,
    Visit,
    new_id,
)
from kiosk.authority.retention import DAILY
from kiosk.authority.store.database import Store
from kiosk.authority.texts.senders import open_texts
from kiosk.config.loading import as_account
from kiosk.config.settings import CardSettings, Settings, stored_secrets
from kiosk.contract.errors import ConfigError
from kiosk.contract.families import FAMILIES
from kiosk.contract.findings import Condition, Finding, examine, fail, ok
from kiosk.contract.messages import Factor
from kiosk.contract.policy import Genuine, Policy
from tests.authority.card_in_reader import Authorities, revocation_list
from tests.authority.weak_keys import weak_key
from tests.support.database import MACS, SetClock, TestDatabase
from tests.support.gateway import gateway
from tests.support.rsyslog import Rsyslog
from tests.support.smtp import relay_to, running

OK, WARN, FAIL = Condition.OK, Condition.WARN, Condition.FAIL


@pytest.fixture
def rsyslog(tmp_path: Path) -> Iterator[Rsyslog]:
    made = Rsyslog(tmp_path / "rsyslog")
    yield made
    made.stop()


def raising(error: Exception) -> Callable[[], KeyRing]:
    def load() -> KeyRing:
        raise error

    return load


def said(finding: Finding) -> tuple[Condition, str]:
    assert bool(finding.advice) == (finding.condition is not OK)
    return finding.condition, f"{finding.found}; {finding.advice}"


def imported(store: Store, ring: KeyRing, folder: Path) -> None:
    path = folder / "people.csv"
    path.write_text(
        "holder_number,name,email,card_id,unblock_secret\n"
        f"900000000000,Jo,jo@nhs.net,{1:032x},48271593\n"
    )
    PeopleImport(store, Sealer(ring), 12).run(path, "test")


def test_database(store: Store, tmp_path: Path) -> None:
    assert checks.check_database(store, tmp_path, "sqlite:///x", has_keys=False).condition is OK
    nowhere = Store(f"sqlite:///{tmp_path}/none.db", SetClock(), MACS)
    condition, text = said(checks.check_database(nowhere, None, "sqlite:///x", has_keys=False))
    assert condition is FAIL
    assert "kiosk setup" in text


@pytest.mark.parametrize("left", ["nothing", "an empty file"])
def test_a_database_whose_keys_are_there_is_to_be_restored(tmp_path: Path, left: str) -> None:
    if left == "an empty file":
        (tmp_path / "none.db").touch(mode=0o600)
    gone = Store(f"sqlite:///{tmp_path}/none.db", SetClock(), MACS)
    found = said(checks.check_database(gone, None, "sqlite:///x", has_keys=True))
    gone.close()
    assert found[0] is FAIL
    assert "restore your backup: `kiosk restore FILE`" in found[1]


def test_a_database_file_that_may_not_be_opened_is_not_the_settings_fault(tmp_path: Path) -> None:
    """Before: to see `url` in [store], where the file belonged to root."""
    file = tmp_path / "closed.db"
    file.mkdir()  # root may open every file
    closed = Store(f"sqlite:///{file}", SetClock(), MACS)
    condition, text = said(checks.check_database(closed, tmp_path, "sqlite:///x", has_keys=False))
    closed.close()
    assert condition is FAIL
    assert text.endswith(f"; {as_account(file)}")


def test_a_database_without_a_schema(tmp_path: Path) -> None:
    (tmp_path / "empty.db").touch(mode=0o600)
    empty = Store(f"sqlite:///{tmp_path}/empty.db", SetClock(), MACS)
    condition, text = said(checks.check_database(empty, tmp_path, "sqlite:///x", has_keys=False))
    assert (condition, "has no tables yet" in text) == (FAIL, True)
    empty.close()


def test_the_collector_of_the_audit(
    database: TestDatabase, rsyslog: Rsyslog, tmp_path: Path
) -> None:
    """It was not called: a collector where nobody listens passed."""

    def row() -> None:
        with store.begin() as uow:
            uow.audit.append(kind="step", reference="")
            uow.commit()

    def look(ca: Path = rsyslog.ca) -> tuple[Condition, str]:
        context = collector_context(ca, None, None)
        collector = Collector("localhost", rsyslog.port, context)
        return said(checks.check_collector(store, lambda: collector, "localhost:6514"))

    store = database.store()
    row()
    away = "localhost:6514: Connection refused; 1 row of the audit waits for it, and none is lost; "
    rsyslog.start()  # which finds a port
    rsyslog.stop()
    assert look() == (FAIL, f"{away}see `collector`, `ca` and `confirmed_by` in [siem]")
    rsyslog.start()
    other = tmp_path / "other.pem"
    trustme.CA().cert_pem.write_to_path(other)
    condition, text = look(other)
    assert (condition, "its certificate is not good" in text) == (FAIL, True)
    condition, text = look()
    assert condition is WARN
    found = "localhost:6514 takes a connection; 1 row of the audit waits for it"
    assert f"{found}, and it was sent nothing yet" in text
    with store.begin() as uow:
        assert uow.feeds.claim(FEED, "sender", timedelta(minutes=1)) == {}
        assert uow.feeds.move(FEED, "sender", {1: 1})
        uow.commit()
    none = "localhost:6514 takes a connection; 0 rows of the audit wait for it; "
    assert look() == (OK, none)
    row()
    assert look() == (OK, f"{found}; ")
    since = database.clock.now()
    database.clock.forward(seconds=91)
    condition, text = look()
    assert condition is WARN
    assert f"{found}, since {since:%Y-%m-%d %H:%M} UTC" in text
    assert rsyslog.received == []


def test_cards_that_have_to_prove_themselves_and_have_no_key(
    store: Store, ring: KeyRing, tmp_path: Path
) -> None:
    """Nothing said that `genuine = "always"` without a single key refuses every card."""

    def look(genuine: Genuine, *, certified: bool = False) -> tuple[Condition, str]:
        policy = Policy(genuine=genuine)
        return said(checks.check_card_keys(store, lambda: policy, certified=certified))

    assert look(Genuine.ALWAYS) == (OK, "recorded for 0 of 0 cards; ")
    imported(store, ring, tmp_path)
    assert look(Genuine.WHEN_IT_CAN)[0] is OK
    assert look(Genuine.ALWAYS, certified=True)[0] is OK
    found = "`genuine` is always, and no key of the one card is recorded: no station unlocks one"
    advice = "import `auth_key`, or name `issuers` in [cards]"
    assert look(Genuine.ALWAYS) == (WARN, f"{found}; {advice}")
    with store.begin() as uow:
        (holder,) = uow.holders.by_numbers(["900000000000"]).values()
        (card,) = uow.cards.of_holders([holder.id])
        uow.cards.put([replace(card, auth_key=b"key")])
        uow.commit()
    assert look(Genuine.ALWAYS) == (OK, "recorded for 1 of 1 card; ")


def test_lists_of_revoked_certificates_with_their_age(clock: SetClock, tmp_path: Path) -> None:
    issuer, file, now = Authorities(), tmp_path / "cards.crl", clock.now()

    def look() -> tuple[Condition, str]:
        def load() -> Issuers:
            return Issuers((issuer.own,), RevocationLists.load([file], [issuer.own]))

        return said(checks.check_revoked(load, clock))

    assert look()[0] is Condition.FAIL
    made = revocation_list(issuer, (1, 2), now - timedelta(hours=5))
    file.write_bytes(made.public_bytes(Encoding.DER))
    due = f"{now + timedelta(days=7, hours=-5):%d %B %Y %H:%M} UTC"
    assert look() == (OK, f"CN=Issuer: 5 hours old, 2 entries, the next is due by {due}; ")
    clock.forward(days=8)
    advice = "see why the file is not renewed (`revoked` in [cards])"
    assert look() == (
        WARN,
        f"CN=Issuer: 8 days old, 2 entries, the next was due {due}; {advice}",
    )
    assert checks.check_revoked(lambda: Issuers((issuer.own,)), clock).condition is OK


def test_weak_keys_are_counted_whatever_the_policy_stops(
    store: Store, ring: KeyRing, tmp_path: Path
) -> None:
    assert said(checks.check_weak_keys(store))[0] is OK
    imported(store, ring, tmp_path)
    with store.begin() as uow:
        (holder,) = uow.holders.by_numbers(["900000000000"]).values()
        (card,) = uow.cards.of_holders([holder.id])
        uow.cards.put([replace(card, pin_key=weak_key())])
        uow.commit()
    found = "1 card has a key that ROCA breaks (CVE-2017-15361)"
    advice = "replace them; `stop_cards` of the policy stops them: roca"
    assert said(checks.check_weak_keys(store)) == (WARN, f"{found}; {advice}")


def test_credentials_that_everybody_may_read(tmp_path: Path) -> None:
    """It said nothing of a relay's login of mode 0644."""
    login, pin, sealed = (tmp_path / name for name in ("relay-login", "pin", "pin.cred"))
    for each, mode in ((login, 0o600), (pin, 0o640), (sealed, 0o644)):
        each.touch(mode=mode)
        each.chmod(mode)
    files = login, pin, sealed, tmp_path / "none"
    assert checks.check_credentials(files).condition is OK
    login.chmod(0o644)
    assert said(checks.check_credentials(files)) == (
        WARN,
        f"everybody on this machine may read {login}; `chmod 0600 {login}`",
    )


def test_questions(store: Store) -> None:
    assert said(checks.check_questions(store, Policy)) == (
        FAIL,
        "0 in the list, 4 needed; run `kiosk setup authority`",
    )
    mail_alone = Policy(verification=((Factor.EMAIL_CODE,),))
    assert checks.check_questions(store, lambda: mail_alone).condition is OK
    load_questions(store, SetClock())
    assert checks.check_questions(store, Policy).found == "20 in the list"


def test_keys(store: Store, ring: KeyRing, tmp_path: Path) -> None:
    assert checks.check_keys(lambda: ring, store).condition is OK
    condition, text = said(checks.check_keys(raising(ConfigError("key file x: gone")), store))
    assert (condition, text.startswith("key file x: gone")) == (FAIL, True)
    imported(store, ring, tmp_path)
    rotated = ring.with_new(KeyPurpose.SEAL)
    assert said(checks.check_keys(lambda: rotated, store)) == (
        WARN,
        "1 secret under an older key; run `kiosk keys rotate`",
    )
    condition, text = said(checks.check_keys(KeyRing.fresh, store))
    assert (condition, "--replace-lost" in text) == (FAIL, True)


def test_keys_in_clear_beside_the_sealed_ones(store: Store, ring: KeyRing, tmp_path: Path) -> None:
    """`--seal-keys` that was stopped before it deleted them says ever after that all is done."""
    declare_copy(ring, store, "test")

    def look() -> tuple[Condition, str]:
        return said(checks.check_key_copy(lambda: ring, tmp_path / "keys.cred", store))

    assert look()[0] is OK
    KeyRing.create(tmp_path / "keys.json")
    condition, text = look()
    assert condition is WARN
    assert f"{tmp_path}/keys.json holds keys in clear beside the sealed key file; delete" in text


def test_a_copy_after_one_of_a_clock_that_was_ahead_is_the_last(
    database: TestDatabase, store: Store, ring: KeyRing, tmp_path: Path
) -> None:
    """Before: none counted until the clock had caught up."""

    def look() -> Condition:
        return said(checks.check_key_copy(lambda: ring, tmp_path / "keys.json", store))[0]

    database.clock.forward(days=365)
    declare_copy(ring, store, "test")
    database.clock.forward(days=-365)
    assert look() is OK, "it is the only one"
    ring = ring.with_new(KeyPurpose.PEPPER)
    assert look() is WARN
    declare_copy(ring, store, "test")
    assert look() is OK


def test_the_copy_of_the_key_file(store: Store, ring: KeyRing, tmp_path: Path) -> None:
    rings, path = [ring], tmp_path / "keys.json"

    def look() -> tuple[Condition, str]:
        return said(checks.check_key_copy(lambda: rings[-1], path, store))

    condition, text = look()
    assert (condition, "ever declared" in text, "keys copy --to" in text) == (WARN, True, True)
    declare_copy(ring, store, "test")
    assert look() == (OK, "a copy of the key file was declared on 2030-05-17; ")
    rings.append(ring.with_new(KeyPurpose.PEPPER))
    condition, text = look()
    assert (condition, "which lacks them" in text) == (WARN, True)
    declare_copy(rings[-1], store, "test")

    # A rotation adds a key, its copy is declared, and the file of before is put back.
    old = KeyRing.create(path)
    add_key(path, KeyPurpose.PEPPER, store, "test")
    declare_copy(KeyRing.load(path), store, "test")
    rings.append(KeyRing.load(path))
    assert look()[0] is OK
    rings.append(old)
    condition, text = look()
    assert condition is WARN
    assert "this key file lacks keys that the declared copy of 2030-05-17 has" in text
    assert "run `kiosk keys recover --from` that copy" in text
    assert "keys copy" not in text
    rings.append(KeyRing.load(path))
    (tmp_path / ".keys.json.0a1b2c3d").touch()
    condition, text = look()
    assert (condition, "left keys in" in text) == (WARN, True)


def test_mail(tmp_path: Path) -> None:
    mailbox = Mailbox(tmp_path)
    with running(mailbox) as settings:
        relay = relay_to(settings)
        found = checks.check_mail(lambda: closing(SmtpMailer(relay)), "localhost:587")
        assert found.condition is OK
    condition, text = said(checks.check_mail(lambda: closing(SmtpMailer(relay)), "localhost:587"))
    assert (condition, "localhost:587: the relay cannot be reached" in text) == (FAIL, True)
    assert mailbox.messages() == ()

    def unconfigured() -> closing[SmtpMailer]:
        raise ConfigError("mail.ca_file x: No such file or directory")

    assert checks.check_mail(unconfigured, "x").condition is FAIL


def test_gateway_of_text_messages(tmp_path: Path) -> None:
    clock = SetClock()
    with gateway(tmp_path / "gateway", lambda: clock.now().timestamp()) as made:
        settings = made.notify_settings()
        look = partial(checks.check_texts, lambda: open_texts(settings, {}, clock))
        assert said(look()) == (OK, "the gateway can be reached; ")
        assert made.texts == []
        made.now = lambda: clock.now().timestamp() + 3600
        condition, text = said(look())
        assert (condition, text.endswith("; see `service` and what it needs in [texts]")) == (
            FAIL, True,
        )  # fmt: skip
    condition, text = said(look())
    assert (condition, "the gateway cannot be reached" in text) == (FAIL, True)
    settings = replace_setting(settings, ca_file=str(tmp_path / "none.pem"))
    condition, text = said(look())
    assert (condition, text.endswith("; see [texts]")) == (FAIL, True)


def test_advice_names_a_page_where_the_package_put_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def advice() -> str:
        staff = "postgresql+psycopg://staff@db/kiosk"
        away = Store(f"sqlite:///{tmp_path}/none.db", SetClock(), MACS)
        return checks.check_staff(away, staff, staff).advice

    monkeypatch.setattr(sys, "prefix", str(tmp_path / "lib" / "unlock-kiosk-authority"))
    assert advice().endswith("see docs/database.md")
    page = tmp_path / "share" / "doc" / "unlock-kiosk-authority" / "docs" / "database.md"
    page.parent.mkdir(parents=True)
    page.touch()
    assert advice().endswith(f"see {page}")


def test_outbox(store: Store) -> None:
    assert checks.check_outbox(store).condition is OK
    now = SetClock().now()
    with store.begin() as uow:
        uow.outbox.add(OutboxMessage(new_id(), "jo@nhs.net", "unlocked", {}, now, now))
        uow.commit()
    found = checks.check_outbox(store)
    assert (found.condition, found.found) == (WARN, "1 notice waits")
    assert found.advice == (
        "it goes out when the mail relay answers; a try is due, if `kiosk authority` runs"
    )


def test_the_outbox_says_when_the_next_try_is(store: Store) -> None:
    now = SetClock().now()
    with store.begin() as uow:
        for minutes in (30, 20):
            later = now + timedelta(minutes=minutes)
            uow.outbox.add(OutboxMessage(new_id(), "jo@nhs.net", "unlocked", {}, now, later))
        uow.commit()
    found = checks.check_outbox(store)
    assert found.found == "2 notices wait"
    at = f"{now + timedelta(minutes=20):%Y-%m-%d %H:%M} UTC"
    assert found.advice == f"they go out when the mail relay answers; the next try is at {at}"


def test_a_secret_that_was_released_and_not_changed(store: Store) -> None:
    clock = SetClock()
    with store.begin() as uow:
        holder = Cardholder(new_id(), "900123456789", "Asha Okafor")
        card = Card(new_id(), holder.id, "piv", new_id())
        uow.holders.put([holder])
        uow.cards.put([card])
        uow.cards.secret_seen(card.id, clock.now())
        uow.commit()
    assert checks.check_seen_secrets(store, clock).condition is OK
    clock.forward(hours=25)
    finding = checks.check_seen_secrets(store, clock)
    assert said(finding)[0] is WARN
    assert finding.found.startswith("one card with")


def test_a_station_that_would_present_another_kind_of_secret(either_database: TestDatabase) -> None:
    store, clock = either_database.store(), either_database.clock
    stored = stored_secrets(Settings(cards=CardSettings(openpgp_secret="admin-pin")))
    holder = Cardholder(new_id(), "900123456789", "Asha Okafor")
    cards = {name: Card(new_id(), holder.id, name, new_id()) for name in (*FAMILIES, "newer")}
    with store.begin() as uow:
        uow.holders.put([holder])
        uow.cards.put(cards.values())
        uow.commit()

    def inserted(family: str, station: str, kind: str | None) -> None:
        clock.forward(seconds=1)
        id_, card = new_id(), cards[family]
        with store.begin() as uow:
            visit = Visit(id_, id_[:9], station, uow.now, card.id, holder.id, other_kind=kind)
            assert uow.visits.add(visit)
            uow.commit()

    inserted("openpgp", "Ward 3", "resetting-code")
    inserted("openpgp", "Ward 4", "resetting-code")
    inserted("openpgp", "Ward 4", None)
    inserted("piv", "Ward 3", None)
    inserted("newer", "Ward 3", "another")
    finding = checks.check_stations(store, stored)
    assert said(finding)[0] is WARN
    assert finding.found == (
        "`openpgp_secret` in [cards] is resetting-code at Ward 3, and admin-pin here: no openpgp "
        "card is unlocked there"
    )
    assert checks.check_stations(store, stored_secrets(Settings())).condition is OK
    with store.begin() as uow:
        uow.stations.seen(Station("Ward 3", uow.now))
        uow.stations.retire("Ward 3", uow.now)
        uow.commit()
    assert checks.check_stations(store, stored).condition is OK
    inserted("pkcs11", "Ward 4", "set-pin-with-puk")
    assert checks.check_stations(store, stored).condition is WARN
    clock.forward(days=8)
    assert checks.check_stations(store, stored).condition is OK


@pytest.mark.parametrize(("synchronised", "condition"), [(True, OK), (False, WARN), (None, WARN)])
def test_clock(store: Store, synchronised: bool | None, condition: Condition) -> None:
    finding = checks.check_clock(store, SetClock(), lambda: synchronised)
    assert said(finding)[0] is condition


def test_a_clock_behind_the_audit(database: TestDatabase, store: Store) -> None:
    with store.begin() as uow:
        uow.audit.append(kind="test", reference="")
        uow.commit()
    database.clock.time -= timedelta(days=1)
    condition, text = said(checks.check_clock(store, database.clock, lambda: False))
    assert (condition, "before the last event of the audit" in text) == (FAIL, True)
    # Before: also where the network sets it, until it had caught up with a clock that was ahead.
    condition, text = said(checks.check_clock(store, database.clock, lambda: True))
    assert (condition, "of a clock that was ahead" in text) == (WARN, True)


def test_a_clock_that_was_set_by_days(database: TestDatabase, store: Store) -> None:
    database.clock.forward(days=30)
    with store.begin() as uow:
        uow.jobs.claim(DAILY, timedelta(days=1))
        uow.commit()
    assert checks.check_clock(store, database.clock, lambda: True).condition is OK
    database.clock.forward(days=30)
    condition, text = said(checks.check_clock(store, database.clock, lambda: True))
    assert (condition, "nothing that is past is deleted before" in text) == (WARN, True)


def test_a_clock_that_is_not_the_database_servers(store: Store) -> None:
    clock = SetClock()
    clock.forward(seconds=90)
    condition, text = said(checks.check_clock(store, clock, lambda: True))
    assert (condition, "not the time of the database server" in text) == (FAIL, True)


def test_a_check_that_raises_is_a_finding_and_the_others_go_on() -> None:
    def broken() -> Finding:
        raise StoreError("the database is away")

    found = list(examine([("outbox", broken), ("clock", lambda: ok("clock", "fine"))]))
    assert [(each.part, each.condition) for each in found] == [("outbox", FAIL), ("clock", OK)]
    assert found[0].found == "the database is away"


def test_what_keeps_several_parts_from_being_looked_at_is_named_after_the_first() -> None:
    """A part that is well stood between, and "the same reason" read as that part's."""

    def broken() -> Finding:
        raise StoreError("the database is away")

    away = fail("database", "the database is away", "see `url` in [store]")
    first = [("database", lambda: away), ("mail relay", lambda: ok("mail relay", "answers"))]
    found = [one.found for one in examine([*first, ("records", broken), ("outbox", broken)])]
    told = "cannot be looked at, for the reason at “database”"
    assert found == ["the database is away", "answers", told, told]
    found = [one.found for one in examine([("records", broken), ("outbox", broken)])]
    assert found == ["the database is away", "cannot be looked at, for the reason at “records”"]
