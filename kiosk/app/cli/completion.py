"""``kiosk completion``: bash completion of commands, parts and options."""

from __future__ import annotations

import argparse
from collections.abc import Iterator

from kiosk.app.cli.help import Commands, subparsers
from kiosk.app.cli.printing import echo

_HELP = """\
Prints a script for bash that completes commands, their parts and options. It is made from
the commands themselves, so make it anew after an update.
"""
_EXAMPLE = "  kiosk completion > /etc/bash_completion.d/kiosk\n"
_SCRIPT = """\
# Completion of kiosk for bash; made by `kiosk completion`.
_kiosk() {{
    local word path=kiosk
    for word in "${{COMP_WORDS[@]:1:COMP_CWORD-1}}"; do
        case "$path $word" in
            {paths}) path="$path $word" ;;
        esac
    done
    local words now="${{COMP_WORDS[COMP_CWORD]}}"
    case "$path" in
{cases}
    esac
    mapfile -t COMPREPLY < <(compgen -W "$words" -- "$now")
    [ ${{#COMPREPLY[@]}} -gt 0 ] || mapfile -t COMPREPLY < <(compgen -f -- "$now")
}}
complete -F _kiosk kiosk
"""


def add_parser(commands: Commands) -> None:
    parser = commands.add_parser(
        "completion",
        help="print a script that completes commands in bash",
        description=_HELP,
        epilog=f"example:\n{_EXAMPLE}",
    )
    parser.set_defaults(run=run)


def run(_args: argparse.Namespace) -> None:
    from kiosk.app.cli.main import whole_parser

    words = dict(_walk("kiosk", whole_parser()))
    paths = " | ".join(f'"{path}"' for path in words if path != "kiosk")
    cases = "\n".join(
        f'        "{path}") words="{" ".join(each)}" ;;' for path, each in words.items()
    )
    echo(_SCRIPT.format(paths=paths, cases=cases).rstrip("\n"))


def _walk(path: str, parser: argparse.ArgumentParser) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Yield each command's path and what may follow it."""
    below = list(subparsers(parser))
    options = [name for action in parser._actions for name in action.option_strings]  # noqa: SLF001
    yield path, (*(name for name, _text, _parser in below), *options)
    for name, _text, each in below:
        yield from _walk(f"{path} {name}", each)
