"""Addresses: which are well formed, which are approved, and how one is shown masked."""

from __future__ import annotations

import re
from enum import StrEnum

_LOCAL = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*")
_LABEL = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
_MAX_ADDRESS = 254
_MAX_LOCAL = 64


class EmailProblem(StrEnum):
    """Why an address is not taken."""

    MALFORMED = "malformed"
    DOMAIN = "domain"


def tidy_email(address: str) -> str:
    """Drop the spaces around an address and write its domain in lower case."""
    local, at, domain = address.strip().rpartition("@")
    return f"{local}{at}{domain.lower()}"


def email_problem(address: str, domains: tuple[str, ...]) -> EmailProblem | None:
    """Return why a tidied address is refused, or None.

    ``domains`` approves a domain and those below it, label by label: ``trust.nhs.uk`` is
    below ``nhs.uk`` and ``evilnhs.uk`` is not. Empty approves any. Only ASCII mailboxes
    are taken: mail to others does not leave every relay.
    """
    local, _, domain = address.rpartition("@")
    labels = domain.split(".")
    if len(address) > _MAX_ADDRESS or len(local) > _MAX_LOCAL or len(labels) < 2:
        return EmailProblem.MALFORMED
    if not _LOCAL.fullmatch(local) or not all(_LABEL.fullmatch(label) for label in labels):
        return EmailProblem.MALFORMED
    if domains and not any(_is_below(labels, approved.split(".")) for approved in domains):
        return EmailProblem.DOMAIN
    return None


def mask_email(address: str) -> str:
    """Show the first letter and the domain: enough to know one's own, too little to learn it."""
    local, _, domain = address.rpartition("@")
    return f"{local[:1]}•••@{domain}"


def _is_below(labels: list[str], approved: list[str]) -> bool:
    return labels[-len(approved) :] == approved
