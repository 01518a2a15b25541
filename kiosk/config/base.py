"""What every section has in common: frozen, closed, and each text on one line."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field


class Section(BaseModel):
    """One table of the settings file; an unknown name in it is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid", validate_default=True)


def allowed(text: str) -> dict[str, Any]:
    """Mark a field with what it takes, for where its type and bounds do not say it."""
    return {"allowed": text}


def _one_line(text: str) -> str:
    if not text.isprintable():
        raise ValueError("must be one line of printable text")
    return text.strip()


def _split(value: object) -> object:
    """Let the environment write a list as words between commas."""
    if isinstance(value, str):
        return [word.strip() for word in value.split(",") if word.strip()]
    return value


Line = Annotated[str, AfterValidator(_one_line)]
"""Text that is shown to people or written into a mail header: no line breaks."""

ShownLine = Annotated[Line, Field(min_length=1)]
"""A ``Line`` that must not be empty."""

SplitByCommas = BeforeValidator(_split)
"""Before a list: a text is taken as words between commas."""
