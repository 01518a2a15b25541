"""The parts of the authority; the composition root provides them."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from threading import Lock

from kiosk.authority.crypto.card_keys import AttestationRoots, Issuers
from kiosk.authority.crypto.derivation import SecretSource
from kiosk.authority.crypto.hashing import AnswerHasher
from kiosk.authority.crypto.macs import CodeMac
from kiosk.authority.crypto.sealing import Sealer
from kiosk.authority.mail.compose import Mailer, Message
from kiosk.authority.mail.times import MailTime
from kiosk.authority.records import new_id
from kiosk.authority.stations import StationIdentity
from kiosk.authority.store.database import Store
from kiosk.authority.visit.proofs import Factors
from kiosk.contract.families import SecretKind
from kiosk.contract.language import ENGLISH, Language
from kiosk.contract.policy import Policy
from kiosk.contract.ports import Clock

# Codes that the relay took and that are not live yet, because the database went away.
#
# The call is repeated with the same attempt; without this a second mail would be sent. Only the
# process that mailed the code knows it: another process mails the same code again.


_MOST = 1000


class Mailed:
    """The drafts whose mail was taken; beyond a limit the oldest is dropped."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._drafts: OrderedDict[str, None] = OrderedDict()

    def add(self, code_id: str) -> None:
        with self._lock:
            self._drafts[code_id] = None
            if len(self._drafts) > _MOST:
                self._drafts.popitem(last=False)

    def __contains__(self, code_id: str) -> bool:
        with self._lock:
            return code_id in self._drafts

    def discard(self, code_id: str) -> None:
        with self._lock:
            self._drafts.pop(code_id, None)


@dataclass(frozen=True, slots=True)
class Dependencies:
    """The dependencies of every use case.

    ``policy`` is called in each call, so that a changed setting applies at once. ``compose`` is
    ``mail.compose.compose_code`` with the settings of the service. ``secret_kinds``
    are by family what is stored for its cards; ``source`` makes the next one of those that rotate.
    ``factors`` are the rules of each factor. ``language`` is that of those who have chosen none.
    ``staff_addresses`` get mails about blocks. ``issuers`` and ``attestation`` are
    None where the settings name none.
    ``station`` is the calling station. ``process`` names this process among those that share the
    database. ``mail_time`` is read outside of visits.
    """

    store: Store
    policy: Callable[[], Policy]
    clock: Clock
    sealer: Sealer
    hasher: AnswerHasher
    codes: CodeMac
    mailer: Mailer
    compose: Callable[..., Message]
    secret_kinds: Mapping[str, SecretKind]
    station: StationIdentity
    source: SecretSource
    factors: Factors
    language: Language = ENGLISH
    staff_addresses: tuple[str, ...] = ()
    issuers: Issuers | None = None
    attestation: AttestationRoots | None = None
    process: str = field(default_factory=new_id)
    mailed: Mailed = field(default_factory=Mailed)
    mail_time: MailTime = field(default_factory=MailTime)
