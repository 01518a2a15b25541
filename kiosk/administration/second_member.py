"""Who counts as a second member of staff for what a first one proposed.

Somebody else, with another key, where neither let the other in. Whoever adds an account, or a
key to an account, may be the one who uses it: so that counts as theirs for this purpose, and
so does what such an account adds in turn.

The command line is one person, whoever types: they hold the machine. It may propose to every
member and agree with every member, those whom it added included.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from itertools import combinations

from kiosk.administration.views.acting import Actor
from kiosk.roles import Action, may
from kiosk.store.staff_records import StaffKey, StaffMember
from kiosk.store.unit_of_work import UnitOfWork


def objection(uow: UnitOfWork, first: Actor, second: Actor) -> str:
    """Say why ``second`` cannot agree with ``first``; empty where they can.

    Whether the second one's role permits the act is for the caller.
    """
    if first.staff_id == second.staff_id or (first.key and first.key == second.key):
        return "You proposed this yourself: somebody else has to agree to it."
    if not first.staff_id or not second.staff_id:
        return ""
    members, keys = _members(uow), uow.staff.keys()
    if first.staff_id in _let_in_by(second, members, keys):
        return f"{first.name} let you in here, so somebody else has to agree to this."
    if second.staff_id in _let_in_by(first, members, keys):
        return f"You let {first.name} in here, so somebody else has to agree to this."
    return ""


def two_could_agree(uow: UnitOfWork, action: Action) -> bool:
    """Tell whether there are two members who may do ``action`` and could agree with each other."""
    members, keys = _members(uow), uow.staff.keys()
    present = [
        Actor(member.name, member.role, member.id, key.fingerprint)
        for key in keys
        if (member := members[key.staff_id]).removed_at is None and may(member.role, action)
    ]
    chains = {each.key: _let_in_by(each, members, keys) for each in present}
    return any(
        one.staff_id != other.staff_id
        and one.staff_id not in chains[other.key]
        and other.staff_id not in chains[one.key]
        for one, other in combinations(present, 2)
    )


def _members(uow: UnitOfWork) -> dict[str, StaffMember]:
    return {member.id: member for member in uow.staff.every()}


def _let_in_by(
    actor: Actor, members: Mapping[str, StaffMember], keys: Collection[StaffKey]
) -> frozenset[str]:
    """Return who added the member or the key that they use, who added those, and so on."""
    chain: set[str] = set()
    due = [members[actor.staff_id].added_by] if actor.staff_id in members else []
    due += [key.added_by for key in keys if key.fingerprint == actor.key]
    while due:
        adder = due.pop()
        if adder in members and adder not in chain and adder != actor.staff_id:
            chain.add(adder)
            due.append(members[adder].added_by)
    return frozenset(chain)
