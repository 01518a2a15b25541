"""The command line: ``kiosk COMMAND``, each command in a module of ``kiosk.app.cli``.

Only the module of the command is imported, so that a station's display starts quickly.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib
import os
import sys
from collections.abc import Iterable, Iterator, Sequence

from kiosk import HAS_AUTHORITY
from kiosk.app.cli import COMMANDS, LACKING
from kiosk.app.cli.help import Commands, Run, Version, complete, subparsers
from kiosk.app.cli.printing import complain, echo
from kiosk.contract.errors import ConfigError, KioskError

_PACKAGE = "unlock-kiosk-authority" if HAS_AUTHORITY else "unlock-kiosk-station"
_BEGIN = (
    "Begin with `kiosk setup`. In a checkout `make demo` shows one without hardware."
    if HAS_AUTHORITY
    else "Begin with `kiosk setup station`."
)
_ABOUT = f"""\
Self-service smartcard unlock stations.

{_BEGIN}
`kiosk COMMAND --help` says what a command does, `kiosk COMMAND PART --help` one part of it.
Documents that these name, as docs/estate.md, are below /usr/share/doc/{_PACKAGE}.

Each setting of the file can be given by the environment instead, a list with commas:
KIOSK_STATION__MOTION=no, KIOSK_CARDS__FAMILIES=piv,openpgp. $KIOSK_SETTINGS names the file.
"""

_OF_THE_AUTHORITY = (
    "it is a part of the authority; install the package unlock-kiosk-authority, or run the command "
    "on the authority's machine"
)
_DEMO = "it is a part of the demo, which runs from a checkout: `make demo`"
_OF_A_STATION = frozenset({"jeepney", "msgspec", "pkcs11", "smartcard", "textual"})
_OF_THE_DEMO = frozenset({"aiosmtpd", "psutil", "trustme"})


def run_command(argv: Sequence[str] | None = None) -> int:
    """Run one command; return its exit code.

    0: done; 1: not done; 2: wrong arguments or settings; 130: interrupted.
    """
    try:
        return _run(list(sys.argv[1:] if argv is None else argv))
    except KioskError as error:
        complain("kiosk: " + "\n".join(_lines(error)))
        return 2 if isinstance(error, ConfigError) else 1
    except ModuleNotFoundError as error:
        complain(f"kiosk: {_not_installed(error)}")
        return 1
    except BrokenPipeError:
        _drop_output()
        with contextlib.suppress(BrokenPipeError):  # it may be the same pipe
            complain("kiosk: the output was closed before all of it was written")
        return 1
    except OSError as error:
        place = "" if error.filename is None else f"{error.filename}: "
        advice = ""
        if isinstance(error, PermissionError):
            from kiosk.config.loading import as_account

            advice = f"; {as_account(error.filename or '')}"
        complain(f"kiosk: {place}{error.strerror or error}{advice}")
        try:
            sys.stdout.flush()
        except OSError:
            _drop_output()
        return 1
    except KeyboardInterrupt:
        complain("kiosk: interrupted")
        return 130


def _run(words: list[str]) -> int:
    if words and words[0] in LACKING:
        part = _DEMO if words[0] == "demo" else _OF_THE_AUTHORITY
        raise KioskError(f"`kiosk {words[0]}` is not installed: {part}")
    wanted = {words[0]: COMMANDS[words[0]]} if words and words[0] in COMMANDS else COMMANDS
    args = _parser(wanted.values()).parse_args(words)
    run: Run = args.run
    return run(args) or 0


def _lines(error: KioskError) -> tuple[str, ...]:
    """Return what a terminal prints of an error, a line each."""
    if "kiosk.authority.errors" not in sys.modules:  # as at a station, which has no staff
        return error.lines()
    from kiosk.authority.errors import AdministrationError
    from screens.words.staff.refusals import refusal_lines

    return refusal_lines(error) if isinstance(error, AdministrationError) else error.lines()


def _not_installed(error: ModuleNotFoundError) -> str:
    """Say which part is not installed, and what installs it; re-raises any other error."""
    name = error.name or ""
    match name.partition(".")[0]:
        case "kiosk" | "screens" | "hardware" if not name.startswith("kiosk.authority"):
            raise error
        case library if library in _OF_A_STATION:
            what_to_do = "it is a part of a station; install the package unlock-kiosk-station"
        case library if library in _OF_THE_DEMO:
            what_to_do = _DEMO
        case _:
            what_to_do = _OF_THE_AUTHORITY
    return f"{name} is not installed: {what_to_do}"


def _drop_output() -> None:
    """Discard buffered output, so that it meets no closed pipe or full disk at the end."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _parser(modules: Iterable[str]) -> argparse.ArgumentParser:
    """Return the parser of the commands in these modules; each part carries its ``run``."""
    parser = argparse.ArgumentParser(
        prog="kiosk", description=_ABOUT, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.set_defaults(config=None)
    parser.add_argument("--version", action=Version, nargs=0, help="print the version")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for module in dict.fromkeys(modules):  # one may have several commands
        importlib.import_module(f"kiosk.app.cli.{module}").add_parser(commands)
    complete(parser)
    return parser


def whole_parser() -> argparse.ArgumentParser:
    return _parser(COMMANDS.values())


# ``kiosk completion``: bash completion of commands, parts and options.

_COMPLETION = """\
Prints a script for bash that completes commands, their parts and options. It is made from
the commands themselves, so make it anew after an update.
"""
_COMPLETION_EXAMPLE = "example:\n  kiosk completion > /etc/bash_completion.d/kiosk\n"
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
    text, example = "print a script that completes commands in bash", _COMPLETION_EXAMPLE
    parser = commands.add_parser("completion", help=text, description=_COMPLETION, epilog=example)
    parser.set_defaults(run=_print_completion)


def _print_completion(_args: argparse.Namespace) -> None:
    words = dict(_walk("kiosk", whole_parser()))
    paths = " | ".join(f'"{path}"' for path in words if path != "kiosk")
    cases = "\n".join(
        f'        "{path}") words="{" ".join(each)}" ;;' for path, each in words.items()
    )
    echo(_SCRIPT.format(paths=paths, cases=cases).rstrip("\n"))


def _walk(path: str, parser: argparse.ArgumentParser) -> Iterator[tuple[str, tuple[str, ...]]]:
    below = list(subparsers(parser))
    options = [name for action in parser._actions for name in action.option_strings]  # noqa: SLF001
    yield path, (*(name for name, _text, _parser in below), *options)
    for name, _text, each in below:
        yield from _walk(f"{path} {name}", each)
