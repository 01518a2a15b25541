"""What a second member of staff decides: to agree, which performs the act, or to decline."""

from __future__ import annotations

from typing import Final, assert_never

from kiosk.authority.administration import acts
from kiosk.authority.administration.acts import AnyAct, open_act
from kiosk.authority.administration.audit_log import AuditDesk
from kiosk.authority.administration.cards import CardsDesk
from kiosk.authority.administration.codes import CodesDesk
from kiosk.authority.administration.deeds import FileImported, PlainDeed
from kiosk.authority.administration.import_people import ImportDesk
from kiosk.authority.administration.office import (
    Agreement,
    Desk,
    Office,
    action_of,
    audit_name,
    decided,
)
from kiosk.authority.administration.people import PeopleDesk
from kiosk.authority.administration.policy import PolicyDesk, QuestionsDesk
from kiosk.authority.administration.proposals import OpenedAct
from kiosk.authority.administration.proposed_acts import waiting_lines
from kiosk.authority.administration.staff import StaffDesk
from kiosk.authority.administration.stations import StationsDesk
from kiosk.authority.administration.views import Done, Grounds, ProposalLine, unseen
from kiosk.authority.audit.events import StaffKind
from kiosk.authority.errors import NotFound, NotPermitted, NotTaken
from kiosk.authority.records import Outcome
from kiosk.authority.refusals import NotForRole, NothingImported, PlainRefusal
from kiosk.authority.roles import Action, may
from kiosk.contract.messages import CardId


class ProposalsDesk(Desk):
    def waiting(self) -> tuple[ProposalLine, ...]:
        with self._office.look_as(Action.SEE_TODAY) as (uow, reader):
            return waiting_lines(uow, reader, self._office.means.sealer)

    def would_wait(self, action: Action) -> bool:
        """Return whether such an act waits for a second member, by the policy as it is now."""
        with self._office.look(Action.SEE_TODAY) as uow:
            return self._office.needs_second(uow, action)

    def agree(self, proposal_id: str, grounds: Grounds) -> Done:
        """Agree, and perform it now in its proposer's name.

        Raises ``ConcurrentChange`` where its subject was changed since it was proposed.
        """
        with self._office.look(Action.AGREE_ACT) as uow:
            kept = uow.proposals.get(proposal_id)
            if kept is not None and kept.outcome is not Outcome.WAITING:
                raise decided(uow, kept.id)
        if kept is None:
            return CodesDesk(self._office).agree(proposal_id, grounds)
        opened, act = open_act(self._office.means.sealer, kept)
        acting = Office(self._office.means, self._office.actor, Agreement(opened, grounds))
        return _perform(acting, opened, act)

    def decline(self, proposal_id: str, grounds: Grounds) -> Done:
        """Decline it; a proposer takes an act back in the same way."""
        with self._office.look(Action.DECLINE_ACT) as uow:
            kept = uow.proposals.get(proposal_id)
        if kept is None:
            return CodesDesk(self._office).withdraw(proposal_id, grounds)
        with self._office.act(Action.DECLINE_ACT, grounds, about=kept.holder_id) as act:
            if (action := action_of(kept)) is None:
                raise NotFound(PlainRefusal.OF_ANOTHER_VERSION)
            if not may(act.actor.role, action):
                raise NotPermitted(NotForRole(act.actor.role))
            if not act.uow.proposals.decide(kept.id, Outcome.DECLINED, audit_name(act.actor)):
                raise decided(act.uow, kept.id)
            is_mine = kept.proposed_by == audit_name(act.actor)
            act.record(
                StaffKind.ACT_DECLINED,
                card_id=kept.card_id,
                proposal=kept.id,
                act=kept.act,
                proposed_by=kept.proposed_by,
                taken_back=is_mine,
            )
        return act.done(PlainDeed.TAKEN_BACK if is_mine else PlainDeed.DECLINED)


_UNASKED: Final = Grounds("")
"""The office of an agreement already has the grounds of both members."""


def _perform(office: Office, opened: OpenedAct, act: AnyAct) -> Done:  # noqa: C901 - an arm an act
    """Call the use case that was called when the act was proposed."""
    seen, card_id, revision = opened.seen, opened.card_id, opened.revision
    people, cards, staff = PeopleDesk(office), CardsDesk(office), StaffDesk(office)
    match act:
        case acts.AddPerson(number=number, name=name, email=email, knowingly=knowingly):
            return people.add(number, name, email, _UNASKED, knowingly=knowingly)
        case acts.CorrectEmail(email=email):
            return people.correct_email(seen, email, _UNASKED)
        case acts.AddAddress(email=email):
            return people.add_address(seen, email, _UNASKED)
        case acts.WithdrawAddress(email=email):
            return people.withdraw_address(seen, email, _UNASKED)
        case acts.LiftBlock():
            return people.lift_block(seen, _UNASKED)
        case acts.RevokeRegistration():
            return people.revoke_registration(seen, _UNASKED)
        case acts.TakeBackLeaver():
            return people.take_back_leaver(seen, _UNASKED)
        case acts.ErasePerson():
            return people.erase(seen, _UNASKED)
        case acts.AddCard(card=card):
            return cards.add(seen, card, _UNASKED)
        case acts.ReplaceCard(card=card):
            return cards.replace(seen, card_id, card, _UNASKED)
        case acts.SetSecret(entered=secret, tries_full=full):
            return cards.set_secret(seen, card_id, secret, _UNASKED, tries_full=full)
        case acts.AddStaff(name=name, role=role, public_key=key):
            return staff.add(name, role, key, _UNASKED)
        case acts.ChangeRole(role=role):
            return staff.change_role(opened.staff_id, role, revision, _UNASKED)
        case acts.AddStaffKey(public_key=key):
            return staff.add_key(opened.staff_id, key, revision, _UNASKED)
        case acts.AddStaffCard(driver=driver, identifier=identifier, key=key):
            named = CardId(driver, identifier)
            return staff.add_card(opened.staff_id, named, key, revision, _UNASKED)
        case acts.EnrolStation(name=name, site=site):
            return StationsDesk(office).enrol(name, site, _UNASKED)
        case acts.EnrolCertificate(name=name, site=site, pem=pem):
            return StationsDesk(office).enrol_certificate(name, site, pem, _UNASKED)
        case acts.ReinstateStation(name=name):
            return StationsDesk(office).reinstate(name, _UNASKED)
        case acts.AddQuestion(text=text):
            return QuestionsDesk(office).add(text, _UNASKED)
        case acts.TranslateQuestion(question=question, language=language, text=text):
            return QuestionsDesk(office).translate(question, language, text, _UNASKED)
        case acts.ChangePolicy(name=name, value=value):
            return PolicyDesk(office).change(name, value, revision, _UNASKED, sure=True)
        case acts.RedactAudit(row=row, whole=whole):
            return AuditDesk(office).redact(row, _UNASKED, whole=whole)
        case acts.ImportPeopleFile(name=name, digest=digest, plan=plan):
            result = ImportDesk(office).run(name, _UNASKED, unseen, digest=digest, plan=plan)
            if result.problems:
                line, because = result.problems[0]
                raise NotTaken("imports", NothingImported(line, because))
            return Done(FileImported(result.lines), result.reference)
        case _:
            assert_never(act)
