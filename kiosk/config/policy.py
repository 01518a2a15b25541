"""``[policy]``: the numbers of the service, as ``kiosk.policy.Policy`` takes them."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Annotated

from pydantic import BeforeValidator, Field, field_validator, model_validator

from kiosk.config.base import Section, SplitByCommas, allowed
from kiosk.policy import Factor, Policy

_DOMAIN = re.compile(r"([a-z0-9]([a-z0-9-]*[a-z0-9])?\.)*[a-z0-9]([a-z0-9-]*[a-z0-9])?")


def _no_witness_yet(value: object) -> object:
    if isinstance(value, list) and "witness" in value:
        raise ValueError('"witness" is not available in this version')
    return value


class PolicySettings(Section):
    """``[policy]``: durations carry their unit in their name."""

    verification: Annotated[tuple[Factor, ...], BeforeValidator(_no_witness_yet), SplitByCommas] = (
        Field(
            (Factor.QUESTIONS, Factor.EMAIL_CODE),
            description="What a holder has to pass, in this order.",
            json_schema_extra=allowed('a list of "questions" and "email-code"'),
        )
    )
    questions_registered: int = Field(4, ge=2, le=8, description="Questions a holder registers.")
    questions_asked: int = Field(3, ge=2, le=4, description="Questions asked in one attempt.")
    max_failures: int = Field(3, ge=1, le=10, description="Failed attempts that block.")
    code_digits: int = Field(8, ge=6, le=10, description="Digits of an emailed code.")
    code_life_minutes: float = Field(15, ge=1, le=60, description="Minutes that a code lives.")
    code_tries: int = Field(5, ge=1, le=10, description="Wrong entries that spend a code.")
    codes_an_hour: int = Field(3, ge=1, le=20, description="Codes for one card in an hour.")
    code_gap_s: float = Field(60, ge=0, le=600, description="Seconds between two codes.")
    pin_min_length: int = Field(6, ge=4, le=8, description="Fewest digits of a new PIN.")
    pin_max_length: int = Field(8, ge=4, le=8, description="Most digits of a new PIN.")
    email_domains: Annotated[tuple[str, ...], SplitByCommas] = Field(
        ("nhs.net", "nhs.uk", "gov.uk", "mod.uk"),
        description="Domains, with those below them, that codes go to; an empty list is any.",
        json_schema_extra=allowed('a list of domains such as "nhs.net"'),
    )

    @field_validator("email_domains")
    @classmethod
    def _real_domains(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        lowered = tuple(domain.lower() for domain in value)
        for domain in lowered:
            if not _DOMAIN.fullmatch(domain):
                raise ValueError(f"{domain!r} is not a domain")
        return lowered

    @model_validator(mode="after")
    def _fits_together(self) -> PolicySettings:
        self.policy()
        return self

    def policy(self) -> Policy:
        """Return the frozen policy that both halves judge by."""
        return Policy(
            verification=self.verification,
            questions_registered=self.questions_registered,
            questions_asked=self.questions_asked,
            max_failures=self.max_failures,
            code_digits=self.code_digits,
            code_life=timedelta(minutes=self.code_life_minutes),
            code_tries=self.code_tries,
            codes_an_hour=self.codes_an_hour,
            code_gap=timedelta(seconds=self.code_gap_s),
            pin_min_length=self.pin_min_length,
            pin_max_length=self.pin_max_length,
            email_domains=self.email_domains,
        )
