"""A station is let in by a line that staff made, is known by its key, and renews it."""

from __future__ import annotations

import base64
from datetime import UTC, datetime, timedelta

import pytest
import trustme
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, load_pem_private_key
from cryptography.x509.oid import ExtendedKeyUsageOID

from kiosk.authority.administration.stations import StationsDesk
from kiosk.authority.crypto.keys import KeyPurpose
from kiosk.authority.crypto.station_ca import StationCa, fingerprint_of
from kiosk.authority.enrolment import (
    BOTH_KEYS,
    LINE_LIFE,
    TRIES,
    EnrolledStations,
    StationEnrolment,
    Terms,
)
from kiosk.authority.errors import NotTaken
from kiosk.authority.roles import Role
from kiosk.authority.stations import (
    CertificatePeer,
    PeerRefused,
    SocketPeer,
    StationIdentity,
)
from kiosk.contract.enrolment import Enrol, Enrolled, EnrolmentLine, GiveCa, Renew, read_line
from kiosk.contract.errors import StepRefused
from kiosk.contract.messages import Heartbeat, Purpose, Reason, Refusal, StationStanding
from kiosk.contract.sensitive import Sensitive
from screens.words.staff.deeds import deed_words
from tests.authority.administration.desk.offices import GROUNDS
from tests.authority.assisting import office_beside
from tests.authority.world import World
from tests.support.refusals import refused

LIFE = timedelta(days=90)
ADDRESSES = ("authority.example:8443",)

OF_SM2 = """\
-----BEGIN CERTIFICATE-----
MIIBbTCCAROgAwIBAgIUboCr/ShZuvRoMJcpsM+yW6NmhHQwCgYIKoEcz1UBg3Uw
DDEKMAgGA1UEAwwBeDAeFw0yNjExMjkyMjU0MjJaFw0yNjEyMDQyMjU0MjJaMAwx
CjAIBgNVBAMMAXgwWTATBgcqhkjOPQIBBggqgRzPVQGCLQNCAAR9njhzio1El3wK
1giTyAegScPveQLoNFMvJfUGGZ9qgEdvp9iSwydqkqz/MJZ25TJwMgBbl1eAfx6s
jTbqQAhwo1MwUTAdBgNVHQ4EFgQU7jd49UWK/QjTguHcm49eIaTOmYUwHwYDVR0j
BBgwFoAU7jd49UWK/QjTguHcm49eIaTOmYUwDwYDVR0TAQH/BAUwAwEB/zAKBggq
gRzPVQGDdQNIADBFAiEAqUCxtrKeLiG8kNR8hikxNYI+GBnmGqWIPnzpzagFSDgC
IBvrY4Y8mCuRA0apCh/A/9OtTiRWTBlDjwIUbpa7MRej
-----END CERTIFICATE-----
"""
"""A certificate whose key is of a kind that the library does not know (a traceback, before)."""


class Key:
    """A key that a station makes."""

    def __init__(self, private: ec.EllipticCurvePrivateKey | None = None) -> None:
        self.private = private or ec.generate_private_key(ec.SECP256R1())
        self.fingerprint = fingerprint_of(self.private.public_key())

    @property
    def request(self) -> str:
        made = x509.CertificateSigningRequestBuilder().subject_name(x509.Name([]))
        return made.sign(self.private, SHA256()).public_bytes(Encoding.PEM).decode()


class Estate:
    """What lets stations in, around one world."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.ca = StationCa(world.ring)
        terms = Terms(LIFE, self.ca.pem, ADDRESSES)
        self.enrolment = StationEnrolment(world.store, self.ca, terms)
        self.directory = EnrolledStations(world.store, {7: StationIdentity("here")})
        self.desk = StationsDesk(
            office_beside(
                world,
                Role.MANAGER,
                enrol_addresses=("authority.example:8444",),
                ca_fingerprint=self.ca.fingerprint,
            )
        )

    def line(self, name: str = "West Wing 2", site: str = "Wexbridge") -> EnrolmentLine:
        made = self.desk.enrol(name, site, GROUNDS).let_in
        assert made is not None
        return read_line(made.line.reveal())

    def enrol(self, line: EnrolmentLine, key: Key) -> Enrolled:
        return self.enrolment.enrol(Enrol(line.number, line.secret, key.request))

    def who(self, key: Key) -> StationIdentity | PeerRefused:
        until = self.world.now + LIFE
        return self.directory.identify(CertificatePeer(key.fingerprint, until))

    def refusal(self, line: EnrolmentLine, key: Key) -> str:
        with pytest.raises(StepRefused) as refused:
            self.enrol(line, key)
        return str(refused.value)


@pytest.fixture
def estate(each_world: World) -> Estate:
    return Estate(each_world)


def test_a_station_is_let_in_by_its_line(estate: Estate) -> None:
    line, key = estate.line(), Key()
    assert line.ca_fingerprint == estate.ca.fingerprint
    assert line.addresses == ("authority.example:8444",)
    assert isinstance(estate.who(key), PeerRefused)
    enrolled = estate.enrol(line, key)
    assert (enrolled.station, enrolled.addresses) == ("West Wing 2", ADDRESSES)
    assert enrolled.ca == estate.enrolment.give_ca(GiveCa()).certificate
    assert estate.who(key) == StationIdentity("West Wing 2", "Wexbridge")
    assert estate.world.kinds()[-2:] == ["enrolment-opened", "station-enrolled"]
    (shown,) = estate.desk.every()
    assert shown.certificate_until == (estate.world.now + LIFE).replace(microsecond=0)
    assert not shown.certificate_late


def test_the_certificate_says_what_it_is_for(estate: Estate) -> None:
    key = Key()
    made = x509.load_pem_x509_certificate(estate.enrol(estate.line(), key).certificate.encode())
    ca = x509.load_pem_x509_certificate(estate.ca.pem.encode())
    made.verify_directly_issued_by(ca)
    assert made.public_key() == key.private.public_key()
    names = made.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    uris = names.get_values_for_type(x509.UniformResourceIdentifier)
    assert uris == ["urn:kiosk:station:West%20Wing%202"]
    use = made.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert list(use) == [ExtendedKeyUsageOID.CLIENT_AUTH]
    for certificate, length in ((made, None), (ca, 0)):
        basic = certificate.extensions.get_extension_for_class(x509.BasicConstraints)
        usage = certificate.extensions.get_extension_for_class(x509.KeyUsage)
        is_ca = certificate is ca
        assert (basic.critical, usage.critical) == (True, True)
        assert (basic.value.ca, basic.value.path_length) == (is_ca, length)
        assert (usage.value.key_cert_sign, usage.value.digital_signature) == (is_ca, not is_ca)


def test_replica_has_the_same_ca(estate: Estate) -> None:
    assert StationCa(estate.world.ring).pem == estate.ca.pem


def test_an_answer_that_was_lost_is_given_again_to_the_same_key_alone(estate: Estate) -> None:
    line, key = estate.line(), Key()
    for _ in range(3):
        assert estate.enrol(line, key).station == "West Wing 2"
    assert "used by another key" in estate.refusal(line, Key())
    assert estate.world.kinds().count("station-enrolled") == 1


def test_wrong_secrets_are_charged_and_audited(estate: Estate) -> None:
    line = estate.line()
    wrong = EnrolmentLine(line.addresses, line.number, Sensitive("0" * 12), line.ca_fingerprint)
    for _ in range(TRIES):
        assert "secret is wrong" in estate.refusal(wrong, Key())
    assert "no tries left" in estate.refusal(line, Key())
    assert estate.world.kinds().count("enrolment-refused") == TRIES
    other = EnrolmentLine(line.addresses, "ZZZZ", line.secret, line.ca_fingerprint)
    assert "no such line" in estate.refusal(other, Key())
    assert line.secret.reveal() not in str(estate.world.events())


def test_a_line_runs_out(estate: Estate) -> None:
    line = estate.line()
    estate.world.clock.forward(seconds=LINE_LIFE.total_seconds())
    assert "run out" in estate.refusal(line, Key())


def test_a_line_of_a_clock_that_was_ahead_has_run_out(estate: Estate) -> None:
    """Before: it let a key in until the clock had caught up."""
    estate.world.clock.forward(days=365)
    line = estate.line()
    estate.world.clock.forward(days=-365)
    assert "run out" in estate.refusal(line, Key())


def test_a_line_made_under_the_former_key_lets_in(estate: Estate) -> None:
    line, key = estate.line(), Key()
    estate.world.store.macs.use(estate.world.ring.with_new(KeyPurpose.CODE_MAC))
    estate.enrol(line, key)
    assert estate.who(key) == HERE


def test_second_line_of_a_station_takes_the_first_one_back(estate: Estate) -> None:
    first, second = estate.line(), estate.line()
    assert "no such line" in estate.refusal(first, Key())
    estate.enrol(second, Key())


def test_a_station_that_enrols_anew_is_known_by_its_new_key_alone(estate: Estate) -> None:
    old, new = Key(), Key()
    estate.enrol(estate.line(), old)
    estate.desk.retire("West Wing 2", GROUNDS)
    estate.enrol(estate.line(), new)
    assert isinstance(estate.who(old), PeerRefused)
    assert estate.who(new) == StationIdentity("West Wing 2", "Wexbridge")
    assert estate.desk.every()[0].retired_at is None


def test_a_key_is_one_stations(estate: Estate) -> None:
    key = Key()
    estate.enrol(estate.line(), key)
    assert "another station's" in estate.refusal(estate.line("Level 7"), key)
    assert estate.who(key) == StationIdentity("West Wing 2", "Wexbridge")


def test_a_request_has_to_be_signed_by_a_key_of_p256(estate: Estate) -> None:
    builder = x509.CertificateSigningRequestBuilder().subject_name(x509.Name([]))
    wrong_curve = builder.sign(ec.generate_private_key(ec.SECP384R1()), SHA256())
    no_curve = builder.sign(ed25519.Ed25519PrivateKey.generate(), None)
    good = x509.load_pem_x509_csr(Key().request.encode()).public_bytes(Encoding.DER)
    torn = x509.load_der_x509_csr(good[:-1] + bytes([good[-1] ^ 1]))
    texts = [each.public_bytes(Encoding.PEM).decode() for each in (wrong_curve, no_curve, torn)]
    newer = base64.encodebytes(good.replace(b"\x02\x01\x00", b"\x02\x01\x07", 1)).decode()
    texts.append(texts[0].splitlines()[0] + "\n" + newer + texts[0].splitlines()[-1])  # its version
    line = estate.line()
    for text in (*texts, "", "-----BEGIN CERTIFICATE REQUEST-----"):
        with pytest.raises(StepRefused):
            estate.enrolment.enrol(Enrol(line.number, line.secret, text))
    estate.enrol(line, Key())


def test_a_retired_station_is_refused_at_once_and_its_line_with_it(estate: Estate) -> None:
    key = Key()
    estate.enrol(estate.line(), key)
    station = estate.who(key)
    assert isinstance(station, StationIdentity)
    port = estate.world.authority.seen_by(station)
    station_visit = estate.world.insert(estate.world.registered_card(), station=station.name)
    line = estate.line()
    estate.desk.retire("West Wing 2", GROUNDS)
    assert port.choose(station_visit.visit, Purpose.UNLOCK) == Refusal(Reason.STATION_RETIRED)
    assert port.heartbeat(Heartbeat("0.1")) is StationStanding.RETIRED
    with pytest.raises(StepRefused):
        estate.enrolment.renew(key.fingerprint, Renew(Key().request))
    assert "no such line" in estate.refusal(line, Key())


HERE = StationIdentity("West Wing 2", "Wexbridge")


def test_a_certificate_is_renewed_in_the_last_third_and_both_keys_count_for_a_day(
    estate: Estate,
) -> None:
    first, second = Key(), Key()
    estate.enrol(estate.line(), first)
    with pytest.raises(StepRefused, match="not due"):
        estate.enrolment.renew(first.fingerprint, Renew(second.request))
    estate.world.clock.forward(days=61)
    enrolled = estate.enrolment.renew(first.fingerprint, Renew(second.request))
    assert enrolled.station == "West Wing 2"
    for _ in range(2):  # a visit that began with the former key goes on
        assert estate.who(second) == estate.who(first) == HERE
    estate.world.clock.forward(seconds=BOTH_KEYS.total_seconds())
    assert isinstance(estate.who(first), PeerRefused)
    assert estate.who(second) == HERE
    with pytest.raises(StepRefused, match="not in service"):
        estate.enrolment.renew(first.fingerprint, Renew(Key().request))
    assert estate.world.kinds().count("station-key-renewed") == 1


def test_station_has_lines_and_keys_of_its_own(estate: Estate) -> None:
    mine, new, others = Key(), Key(), Key()
    first = estate.line()
    estate.enrol(estate.line("Level 7"), others)
    estate.enrol(first, mine)
    estate.world.clock.forward(days=61)
    estate.enrolment.renew(mine.fingerprint, Renew(new.request))
    assert estate.who(new) == HERE
    assert estate.who(others) == StationIdentity("Level 7", "Wexbridge")


def test_a_station_whose_renewal_was_lost_comes_back_days_later_with_its_old_key(
    estate: Estate,
) -> None:
    """Before: the old key ended a day after the answer, whether or not it had come."""
    first, lost, third = Key(), Key(), Key()
    estate.enrol(estate.line(), first)
    ends = estate.world.now + LIFE
    estate.world.clock.forward(days=61)
    estate.enrolment.renew(first.fingerprint, Renew(lost.request))
    (shown,) = estate.desk.every()
    assert not shown.certificate_late, "there is time"
    estate.world.clock.forward(days=20)
    assert estate.who(first) == HERE
    (shown,) = estate.desk.every()
    assert shown.certificate_until == ends.replace(microsecond=0), "of the key that it uses"
    assert shown.certificate_late
    estate.enrolment.renew(first.fingerprint, Renew(third.request))
    assert isinstance(estate.who(lost), PeerRefused), "there is one new key at a time"
    assert estate.who(third) == HERE
    estate.world.clock.forward(seconds=BOTH_KEYS.total_seconds())
    assert isinstance(estate.who(first), PeerRefused)
    assert estate.who(third) == HERE


def test_a_stolen_old_key_renews_nothing_once_the_new_one_was_used(estate: Estate) -> None:
    """Else its thief has a key of their own, and the station's ends."""
    stolen, new = Key(), Key()
    estate.enrol(estate.line(), stolen)
    estate.world.clock.forward(days=61)
    estate.enrolment.renew(stolen.fingerprint, Renew(new.request))
    estate.who(new)
    for request in (Key().request, new.request):
        with pytest.raises(StepRefused, match="another key of this station is in use"):
            estate.enrolment.renew(stolen.fingerprint, Renew(request))
    assert estate.who(new) == HERE


def test_retiring_a_station_ends_the_old_and_the_new_key(estate: Estate) -> None:
    first, second = Key(), Key()
    estate.enrol(estate.line(), first)
    estate.world.clock.forward(days=61)
    estate.enrolment.renew(first.fingerprint, Renew(second.request))
    estate.desk.retire("West Wing 2", GROUNDS)
    for key in (first, second):
        with pytest.raises(StepRefused, match="not in service"):
            estate.enrolment.renew(key.fingerprint, Renew(Key().request))
    port = estate.world.authority.seen_by(HERE)
    assert port.heartbeat(Heartbeat("0.1")) is StationStanding.RETIRED


def test_a_renewal_whose_answer_was_lost_is_answered_again(estate: Estate) -> None:
    first, second = Key(), Key()
    estate.enrol(estate.line(), first)
    estate.world.clock.forward(days=61)
    asked = Renew(second.request)
    given = [estate.enrolment.renew(first.fingerprint, asked)]
    estate.world.clock.forward(seconds=60)
    given.append(estate.enrolment.renew(first.fingerprint, asked))
    made = [x509.load_pem_x509_certificate(each.certificate.encode()) for each in given]
    assert made[0].public_key() == made[1].public_key() == second.private.public_key()
    assert made[0].not_valid_after_utc == made[1].not_valid_after_utc, "it is no other renewal"
    assert given[0].station == given[1].station
    assert estate.world.kinds().count("station-key-renewed") == 1
    with pytest.raises(StepRefused, match="not due"):
        estate.enrolment.renew(second.fingerprint, Renew(first.request))


def test_a_key_that_is_known_renews_nothing(estate: Estate) -> None:
    mine, others = Key(), Key()
    estate.enrol(estate.line(), mine)
    estate.world.clock.forward(seconds=1)
    estate.enrol(estate.line("Level 7"), others)
    estate.world.clock.forward(days=61)
    for known in (mine, others):
        with pytest.raises(StepRefused, match="known already"):
            estate.enrolment.renew(mine.fingerprint, Renew(known.request))


def certified(until: datetime) -> tuple[Key, str]:
    """Return a key, and its certificate by a CA that is not the authority's."""
    ecdsa = trustme.KeyType.ECDSA
    leaf = trustme.CA().issue_cert(
        "station-7.example", key_type=ecdsa, not_before=until - LIFE, not_after=until
    )
    private = load_pem_private_key(leaf.private_key_pem.bytes(), None)
    assert isinstance(private, ec.EllipticCurvePrivateKey)
    return Key(private), leaf.cert_chain_pems[0].bytes().decode()


def test_a_station_of_the_estates_own_ca_is_known_by_its_certificate(estate: Estate) -> None:
    now = estate.world.now
    key, pem = certified(now + LIFE)
    former = Key()
    estate.enrol(estate.line("Level 7"), former)
    unused = estate.line("Level 7")
    done = estate.desk.enrol_certificate("Level 7", "Wexbridge", pem, GROUNDS)
    assert deed_words(done.deed).startswith("Level 7 is known by its certificate")
    assert estate.who(key) == StationIdentity("Level 7", "Wexbridge")
    estate.desk.enrol_certificate("Level 7", "Wexbridge", pem, GROUNDS)  # with its new end
    assert isinstance(estate.who(former), PeerRefused)
    assert "no such line" in estate.refusal(unused, Key())
    with refused(NotTaken, match="that of Level 7"):
        estate.desk.enrol_certificate("Level 8", "", pem, GROUNDS)
    _, expired = certified(now)
    with refused(NotTaken, match="has expired"):
        estate.desk.enrol_certificate("Level 8", "", expired, GROUNDS)
    with refused(NotTaken, match="kind of key is not supported"):
        estate.desk.enrol_certificate("Level 8", "", OF_SM2, GROUNDS)
    whole = x509.load_pem_x509_certificate(pem.encode()).public_bytes(Encoding.DER)
    newer = base64.encodebytes(whole.replace(b"\x02\x01\x02", b"\x02\x01\x07", 1)).decode()
    lines = pem.splitlines()
    for text in ("nothing", f"{lines[0]}\n{newer}{lines[-1]}"):
        with refused(NotTaken, match="no certificate"):
            estate.desk.enrol_certificate("Level 8", "", text, GROUNDS)


def test_names_that_no_station_has_are_refused(estate: Estate) -> None:
    for name in ("", "  ", "a" * 81, "a\x1b[2J"):
        with pytest.raises(NotTaken):
            estate.line(name)
    with pytest.raises(NotTaken):
        estate.line("Level 7", "a\nb")


def test_where_stations_cannot_enrol_no_line_is_made(world: World) -> None:
    desk = StationsDesk(office_beside(world, Role.MANAGER))
    with refused(NotTaken, match="name no enrol_listen") as caught:
        desk.enrol("Level 7", "", GROUNDS)
    assert caught.value.field == ""  # no entry is at fault


def test_the_station_of_the_machine_is_known_by_its_account(estate: Estate) -> None:
    assert estate.directory.identify(SocketPeer(7)) == StationIdentity("here")
    assert isinstance(estate.directory.identify(SocketPeer(8)), PeerRefused)
    alone = EnrolledStations(estate.world.store, {})
    assert isinstance(alone.identify(SocketPeer(7)), PeerRefused)


def test_the_authoritys_own_certificate_has_its_names_and_addresses(estate: Estate) -> None:
    now = datetime.now(UTC)
    own, until = estate.ca.issue_own(("authority.example", "192.0.2.7", "2001:db8::7"), now, LIFE)
    made = x509.load_pem_x509_certificate(own.encode())
    names = made.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == ["authority.example"]
    found = [str(each) for each in names.get_values_for_type(x509.IPAddress)]
    assert found == ["192.0.2.7", "2001:db8::7"]
    assert until == (now + LIFE).replace(microsecond=0)
