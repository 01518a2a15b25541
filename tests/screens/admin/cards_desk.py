"""The fake desk's cards and codes."""

from __future__ import annotations

from dataclasses import replace

from kiosk.authority.administration.cards import CardsDesk
from kiosk.authority.administration.codes import CodesDesk
from kiosk.authority.administration.decisions import ProposalsDesk
from kiosk.authority.administration.deeds import AddressCorrected, CodeAgreed, PlainDeed
from kiosk.authority.administration.views import (
    CardLine,
    CodeLine,
    Done,
    Grounds,
    IssuedCode,
    IssuedFrom,
    NewCard,
    ProposalLine,
    Seen,
    Standing,
    UnknownCard,
)
from kiosk.authority.errors import NotFound, NotTaken
from kiosk.authority.facts import CardRevoked, SecretNotRecorded
from kiosk.authority.roles import FOUR_EYES, Action
from kiosk.contract.sensitive import Sensitive
from tests.screens.admin.fake_calls import REFERENCE
from tests.screens.admin.people import Record
from tests.screens.admin.people_desk import Files
from tests.screens.admin.proposals import waiting_of
from tests.screens.admin.service_desks import LET_IN

CODE = "40718263"


class FakeCardsDesk(Files, CardsDesk):
    """Cards; no secret is kept."""

    def unknown(self) -> tuple[UnknownCard, ...]:
        self._asked.hear(Action.SEE_PEOPLE, "cards.unknown")
        return tuple(self._estate.unknown_cards)

    def add(self, seen: Seen, card: NewCard, grounds: Grounds) -> Done:
        self._asked.hear(Action.ADD_CARD, "cards.add", seen, card, grounds)
        record = self.held(seen)
        self._check(card)
        record.stands(Standing.NOT_REGISTERED)
        record.change(
            self._asked.me.name, "added a card", cards=(*record.person.cards, _line(card))
        )
        return self._asked.done(PlainDeed.CARD_ADDED)

    def replace(self, seen: Seen, card_id: str, card: NewCard, grounds: Grounds) -> Done:
        self._asked.hear(Action.REPLACE_CARD, "cards.replace", seen, card_id, card, grounds)
        record = self.held(seen)
        self._check(card)
        cards = (*_revoked(record, card_id), _line(card))
        record.change(self._asked.me.name, "replaced a card", cards=cards)
        return self._asked.done(PlainDeed.CARD_REPLACED)

    def revoke(self, seen: Seen, card_id: str, grounds: Grounds) -> Done:
        self._asked.hear(Action.REVOKE_CARD, "cards.revoke", seen, card_id, grounds)
        record = self.held(seen)
        record.change(self._asked.me.name, "revoked a card", cards=_revoked(record, card_id))
        return self._asked.done(PlainDeed.CARD_REVOKED)

    def set_secret(
        self,
        seen: Seen,
        card_id: str,
        secret: Sensitive | IssuedFrom,
        grounds: Grounds,
        *,
        tries_full: bool = False,
    ) -> Done:
        asked = (seen, card_id, secret, grounds, tries_full)
        self._asked.hear(Action.SET_SECRET, "cards.set_secret", *asked)
        record = self.held(seen)
        cards = tuple(
            replace(card, has_secret=True, trouble=None) if card.card_id == card_id else card
            for card in record.person.cards
        )
        record.stands(Standing.READY)
        record.change(self._asked.me.name, "set an unblock secret", cards=cards)
        return self._asked.done(PlainDeed.SECRET_SET)

    def _check(self, card: NewCard) -> None:
        every = (line for record in self._estate.people.values() for line in record.person.cards)
        if any(line.identifier == card.identifier for line in every):
            raise NotTaken("identifier", "This card is recorded already.")


class FakeCodesDesk(Files, CodesDesk):
    """Codes by word of mouth; ``second`` is whether the policy asks for a second member.

    ``minutes`` is how long a code works.
    """

    second = True
    minutes = 15

    def issue(self, seen: Seen, card_id: str, grounds: Grounds) -> IssuedCode:
        self._asked.hear(Action.ISSUE_CODE, "codes.issue", seen, card_id, grounds)
        record = self.held(seen)
        line = self._estate.wait(record, self._asked.me.name, self.minutes, second=self.second)
        return IssuedCode(
            line.code_id,
            Sensitive(CODE),
            line.expires_at,
            line.waits_for_second,
            REFERENCE,
            for_first_unlock=record.person.standing is Standing.NOT_REGISTERED,
        )

    def agree(self, code_id: str, grounds: Grounds) -> Done:
        self._asked.hear(Action.AGREE_CODE, "codes.agree", code_id, grounds)
        code = self._code(code_id)
        if code.issued_by == self._asked.me.name:
            raise NotTaken("code", "Somebody else has to agree to a code that you issued.")
        self._estate.codes.remove(code)
        self._estate.codes.append(replace(code, waits_for_second=False))
        return self._asked.done(CodeAgreed(15))

    def withdraw(self, code_id: str, grounds: Grounds) -> Done:
        self._asked.hear(Action.WITHDRAW_CODE, "codes.withdraw", code_id, grounds)
        self._estate.codes.remove(self._code(code_id))
        return self._asked.done(PlainDeed.CODE_WITHDRAWN)

    def _code(self, code_id: str) -> CodeLine:
        for code in self._estate.codes:
            if code.code_id == code_id:
                return code
        raise NotFound("This code is over, used or withdrawn.")


class FakeProposalsDesk(Files, ProposalsDesk):
    """What waits for a second member; the estate's codes that wait are among it."""

    def waiting(self, holder_id: str = "") -> tuple[ProposalLine, ...]:
        self._asked.hear(Action.SEE_TODAY, "proposals.waiting", holder_id)
        return waiting_of(self._estate, self._asked.me, holder_id)

    def would_wait(self, action: Action) -> bool:
        return self._estate.four_eyes and action in FOUR_EYES

    def agree(self, proposal_id: str, grounds: Grounds) -> Done:
        self._asked.hear(Action.AGREE_ACT, "proposals.agree", proposal_id, grounds)
        for code in self._estate.codes:
            if code.code_id == proposal_id:
                self._estate.codes.remove(code)
                self._estate.codes.append(replace(code, waits_for_second=False))
                return self._asked.done(CodeAgreed(15))
        line = self._proposal(proposal_id)
        self._estate.proposals.remove(line)
        done = self._asked.done(
            AddressCorrected(registered=True, code_ended=False, change_stopped=False)
        )
        return replace(done, let_in=LET_IN) if line.action is Action.ENROL_STATION else done

    def decline(self, proposal_id: str, grounds: Grounds) -> Done:
        self._asked.hear(Action.DECLINE_ACT, "proposals.decline", proposal_id, grounds)
        for code in self._estate.codes:
            if code.code_id == proposal_id:
                self._estate.codes.remove(code)
                return self._asked.done(PlainDeed.CODE_WITHDRAWN)
        self._estate.proposals.remove(self._proposal(proposal_id))
        return self._asked.done(PlainDeed.DECLINED)

    def _proposal(self, proposal_id: str) -> ProposalLine:
        for line in self._estate.proposals:
            if line.proposal_id == proposal_id:
                return line
        raise NotFound("This does not wait any more.")


def _line(card: NewCard) -> CardLine:
    known = card.secret is not None
    trouble = None if known else SecretNotRecorded()
    return CardLine(
        f"card-{card.identifier}",
        card.driver,
        card.identifier,
        False,
        card.expires_at,
        known,
        trouble,
    )


def _revoked(record: Record, card_id: str) -> tuple[CardLine, ...]:
    return tuple(
        replace(card, revoked=True, trouble=CardRevoked()) if card.card_id == card_id else card
        for card in record.person.cards
    )
