"""Prints the table of the transcripts into docs/card-support.md: ``python -m`` this module."""

from __future__ import annotations

from pathlib import Path

from kiosk.app.trial.transcript import from_json
from kiosk.contract.families import FAMILIES
from tests.support.fresh_root import CHECKOUT

DOCUMENT = CHECKOUT / "docs" / "card-support.md"
BEGIN, END = "<!-- transcripts -->", "<!-- end of transcripts -->"


def transcripts() -> list[Path]:
    return sorted(Path(__file__).parent.glob("*.json"))


def table() -> str:
    lines = [
        "| card | family | unblocked by | protocol | verdict | tried |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for path in transcripts():
        read = from_json(path.read_bytes())
        verdict = "; ".join((read.verdict, *read.limits))
        cells = (
            f"[{read.card}](../tests/transcripts/{path.name})",
            FAMILIES[read.family].title,
            read.secret_kind,
            read.protocol,
            verdict,
            read.day,
        )
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def main() -> None:
    text = DOCUMENT.read_text()
    before, _, rest = text.partition(BEGIN)
    DOCUMENT.write_text(f"{before}{BEGIN}\n{table()}\n{END}{rest.partition(END)[2]}")


if __name__ == "__main__":
    main()
