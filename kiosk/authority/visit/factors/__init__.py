"""The factors by which holders prove who they are, a module each."""

from __future__ import annotations

from typing import Final

from kiosk.authority.visit.factors.email_code import EmailCodeRules
from kiosk.authority.visit.factors.questions import QuestionRules
from kiosk.authority.visit.factors.saved_code import SavedCodeRules
from kiosk.authority.visit.proofs import Factors
from kiosk.contract.messages import Factor

FACTORS: Final[Factors] = {
    Factor.QUESTIONS: QuestionRules(),
    Factor.EMAIL_CODE: EmailCodeRules(),
    Factor.SAVED_CODE: SavedCodeRules(),
}
