"""Acts that wait for a second member of staff: how one is kept, and how it is read again.

The acts themselves are in ``acts``.
"""

from __future__ import annotations

import json
from abc import abstractmethod
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import combinations
from typing import Final

import msgspec

from kiosk.authority.administration.intents import Intent
from kiosk.authority.administration.views import Actor, Seen
from kiosk.authority.crypto.sealing import Sealer
from kiosk.authority.records import ProposedAct, Scalar, StaffKey, StaffMember
from kiosk.authority.refusals import LetInByProposer, PlainRefusal, ProposerLetIn, Refusal
from kiosk.authority.roles import Action, may
from kiosk.authority.store.database import UnitOfWork
from kiosk.contract.sensitive import Sensitive

# Who counts as a second member of staff for what a first one proposed.
#
# Another member with another key, where neither added the other. A member who adds an account, or a
# key to an account, may use it: for this purpose it counts as theirs, and so does everything that
# such an account adds.
#
# The command line counts as one person, as its user controls the machine. It may propose to every
# member and agree with every member, also those whom it added.


def objection(uow: UnitOfWork, first: Actor, second: Actor) -> Refusal | None:
    """Return why ``second``, whose role permits the act, cannot agree with ``first``; or None."""
    if first.staff_id == second.staff_id or (first.key and first.key == second.key):
        return PlainRefusal.OWN_PROPOSAL
    if not first.staff_id or not second.staff_id:
        return None
    members, keys = {member.id: member for member in uow.staff.every()}, uow.staff.keys()
    if first.staff_id in _let_in_by(second, members, keys):
        return LetInByProposer(first.name)
    if second.staff_id in _let_in_by(first, members, keys):
        return ProposerLetIn(first.name)
    return None


NO_TWO_MANAGERS: Final = "there are no two managers who could agree with each other"
ADD_TWO_MANAGERS: Final = "let the machine's administrator add two: `kiosk staff add`"


def two_could_agree(uow: UnitOfWork, action: Action, *, verified: bool) -> bool:
    """Return whether two members who can log in may do ``action`` and could agree on it."""
    members, keys = {member.id: member for member in uow.staff.every()}, uow.staff.keys()
    able = [
        Actor(member.name, member.role, member.id, key.fingerprint)
        for member, key in uow.staff.logins(verified=verified)
        if may(member.role, action)
    ]
    chains = {each.key: _let_in_by(each, members, keys) for each in able}
    return any(
        one.staff_id != other.staff_id
        and one.staff_id not in chains[other.key]
        and other.staff_id not in chains[one.key]
        for one, other in combinations(able, 2)
    )


def _let_in_by(
    actor: Actor, members: Mapping[str, StaffMember], keys: Collection[StaffKey]
) -> frozenset[str]:
    """Return who added the member or the key that they use, who added those, and so on.

    Of those any key counts, also a removed one: it is not known which they used.
    """
    chain: set[str] = set()
    due = [members[actor.staff_id].added_by] if actor.staff_id in members else []
    due += [key.added_by for key in keys if key.fingerprint == actor.key]
    while due:
        adder = due.pop()
        if adder in members and adder not in chain and adder != actor.staff_id:
            chain.add(adder)
            due.append(members[adder].added_by)
            due += [key.added_by for key in keys if key.staff_id == adder]
            due += members[adder].past_key_adders.splitlines()
    return frozenset(chain)


WAITS_FOR: Final = timedelta(days=7)

Parameters = Mapping[str, Scalar | Sensitive]


class StaffAct(
    msgspec.Struct, frozen=True, tag_field="act", omit_defaults=True, forbid_unknown_fields=True
):
    """What was entered for an act of staff; whom it concerns is in the row of the proposal.

    ``tag`` is its name there and in the audit. It is stored, as the names of the fields are: one
    that is renamed is not read any more. What only the act itself finds out has a default.
    """

    @property
    def tag(self) -> str:
        return str(self.__struct_config__.tag)

    def entries(self) -> Parameters:
        """Return what was entered, by name; a field that has its default is left out."""
        stored: dict[str, Scalar] = msgspec.to_builtins(self, enc_hook=str)  # which masks a secret
        del stored["act"]
        fields = {name: getattr(self, name) for name in stored}
        secret = {name: value for name, value in fields.items() if isinstance(value, Sensitive)}
        return {**stored, **secret}

    @abstractmethod
    def describe(self, uow: UnitOfWork, opened: OpenedAct) -> Intent:
        """Return what it would do, without a secret, for those who decide."""

    def overtaken(self, uow: UnitOfWork, opened: OpenedAct) -> Refusal | None:
        """Return why it is not done any more, though staff did not change the person; or None."""
        return None


@dataclass(frozen=True, slots=True)
class Proposal:
    """What an act of staff needs to be done later.

    ``revision`` is that of the member of staff or the setting; a person's comes from ``Seen``.
    """

    entered: StaffAct
    card_id: str | None = None
    staff_id: str | None = None
    revision: int = 0


@dataclass(frozen=True, slots=True)
class OpenedAct:
    """A proposal that could be read; ``seen`` is the person, with an empty id for none."""

    kept: ProposedAct
    entered: StaffAct
    seen: Seen

    @property
    def holder_id(self) -> str:
        return self.kept.holder_id or ""

    @property
    def card_id(self) -> str:
        return self.kept.card_id or ""

    @property
    def staff_id(self) -> str:
        return self.kept.staff_id or ""

    @property
    def revision(self) -> int:
        return self.kept.revision


# Stored of the person who was seen, beside their id and revision.
_BLOCKED_AT: Final = "seen_blocked_at"
_ADDRESSES: Final = "seen_addresses"


def as_parameters(seen: Seen) -> Parameters:
    return {
        _BLOCKED_AT: seen.blocked_at.isoformat() if seen.blocked_at else "",
        _ADDRESSES: "\n".join(sorted(seen.addresses)),
    }


def split_seen(proposed: ProposedAct, parameters: Parameters) -> tuple[Seen, Parameters]:
    """Return the person as they were seen, and the parameters of the act itself."""
    entered = dict(parameters)
    blocked_at, addresses = entered.pop(_BLOCKED_AT, ""), entered.pop(_ADDRESSES, "")
    seen = Seen(
        proposed.holder_id or "",
        proposed.revision,
        datetime.fromisoformat(str(blocked_at)) if blocked_at else None,
        frozenset(str(addresses).splitlines()),
    )
    return seen, entered


def seal_parameters(sealer: Sealer, proposed: ProposedAct, parameters: Parameters) -> ProposedAct:
    """Seal the entered values, bound to every field that decides what is done, and by whom.

    ``proposed`` is the row without them; write access to the database is not enough to add a
    waiting act or to change one.
    """
    items = parameters.items()
    secret = {name: value.reveal() for name, value in items if isinstance(value, Sensitive)}
    plain = {name: value for name, value in items if name not in secret}
    both = Sensitive(json.dumps({"plain": plain, "secret": secret}))
    sealed, key_id = sealer.seal_text(both, *_bound(proposed))
    return replace(proposed, parameters=sealed, key_id=key_id)


def open_parameters(sealer: Sealer, proposed: ProposedAct) -> Parameters:
    """Read them again; raises ``SealBroken`` or ``KeyMissing``."""
    sealed = proposed.parameters, proposed.key_id
    both = json.loads(sealer.open_text(*sealed, *_bound(proposed)).reveal())
    secret = {name: Sensitive(text) for name, text in both["secret"].items()}
    parameters: Parameters = both["plain"] | secret
    return parameters


def _bound(proposed: ProposedAct) -> tuple[str | int, ...]:
    return (
        "proposed-act",
        proposed.id,
        proposed.act,
        proposed.action,
        proposed.holder_id or "",
        proposed.card_id or "",
        proposed.staff_id or "",
        proposed.revision,
        proposed.proposed_by,
        proposed.proposed_key,
        proposed.expires_at.isoformat(),
        proposed.note_id,
    )
