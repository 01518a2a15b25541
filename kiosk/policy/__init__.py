"""Pure verdicts: limits, PIN rules, answers, addresses and the life of codes.

Nothing here reads a clock, a file or a database: what is needed comes in as an argument.
"""

from kiosk.policy.answers import answer_problem
from kiosk.policy.codes import SendVerdict, may_send_code
from kiosk.policy.email import EmailProblem, email_problem, mask_email, tidy_email
from kiosk.policy.limits import Factor, Genuine, Policy
from kiosk.policy.pin import PinRule, broken_pin_rules, pin_verdicts

__all__ = [
    "EmailProblem",
    "Factor",
    "Genuine",
    "PinRule",
    "Policy",
    "SendVerdict",
    "answer_problem",
    "broken_pin_rules",
    "email_problem",
    "mask_email",
    "may_send_code",
    "pin_verdicts",
    "tidy_email",
]
