"""Numbers that can take a text message."""

from __future__ import annotations

from collections.abc import Sequence

from phonenumbers import (
    NumberParseException,
    PhoneNumberFormat,
    PhoneNumberType,
    format_number,
    is_valid_number,
    number_type,
    parse,
    region_code_for_number,
)

_MOBILE = (PhoneNumberType.MOBILE, PhoneNumberType.FIXED_LINE_OR_MOBILE)
"""In some countries, as in North America, a mobile number does not show that it is one."""

_LONGEST = 40
"""Characters that are looked at; a number has 15 digits at most (ITU-T E.164, 6.2.1)."""


class NotANumber(ValueError):
    """No text message can be sent there."""


class NumberAbroad(ValueError):
    """A mobile number of a country to which this service sends nothing."""


def read_number(typed: str, regions: Sequence[str]) -> str:
    """Return a mobile number in the form of ITU-T E.164, such as +447400123456.

    ``regions`` are the countries whose numbers are taken (ISO 3166-1); one without a prefix is of
    the first. Raises ``NotANumber``, ``NumberAbroad``.
    """
    if len(typed) > _LONGEST:
        raise NotANumber
    try:
        number = parse(typed, regions[0])
    except NumberParseException:
        raise NotANumber from None
    # An extension shows a line in a building: "ext 4400" alone even passes for a number.
    if number.extension or not is_valid_number(number) or number_type(number) not in _MOBILE:
        raise NotANumber
    if region_code_for_number(number) not in regions:
        raise NumberAbroad
    return format_number(number, PhoneNumberFormat.E164)
