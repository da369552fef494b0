"""The reference of the command line: every command with its arguments, options, defaults and exit codes."""

import re
from collections.abc import Iterator
from typing import Any, Final

from infra.cli.app import command_line
from infra.cli.output import ROWS
from infra.reference.markdown import MADE, code, table

_HEAD = f"""# Commands

{MADE}

`rapport --help` lists the commands, `rapport COMMAND --help` shows one of them.

| exit code | meaning |
| --- | --- |
| 0 | all went well |
| 1 | something was refused, was found wrong, or failed |
| 2 | the call or a setting is wrong |

Answers go to standard output; errors, progress and logs go to standard error. With `--json` an answer is JSON. A list printed as
text ends after {ROWS} rows unless `--all` is given; JSON and CSV are always complete. A TIME is RFC 3339 with an offset, such as
`2026-03-02T09:00:00Z`. [Settings](settings.md) choose the store, the broker and the clock.
"""
# What Typer appends to the help of a parameter.
_APPENDED = re.compile(r"\s*\[((?:default: |required|x[<>]|[-0-9.]+<=?x)[^\]]*)\]$")

# How a value is written whose option gives it no name, by the type that Typer shows.
_VALUES: Final = {
    "int": "N",
    "int range": "N",
    "float range": "N",
    "str": "TEXT",
    "list[str]": "TEXT",
    "path": "PATH",
    "file": "FILE",
    "%Y-%m-%d": "DAY",
}


def page() -> str:
    """Return the page as Markdown."""
    return "\n".join([_HEAD, *_commands(command_line(), "rapport")]).rstrip() + "\n"


def commands(command: Any, path: str) -> Iterator[tuple[str, Any]]:
    """Yield a command and all those below it, each with the words that call it."""
    yield path, command
    for name, inner in getattr(command, "commands", {}).items():
        if not inner.hidden:
            yield from commands(inner, f"{path} {name}")


def parameters(command: Any) -> Iterator[tuple[Any, str, str]]:
    """Yield the parameters of a command that are shown, each with the way to write it and its help."""
    context = command.context_class(command)
    for parameter in command.params:
        if (record := parameter.get_help_record(context)) is not None:
            yield parameter, *record


def _commands(root: Any, name: str) -> Iterator[str]:
    for path, command in commands(root, name):
        yield f"## {path}\n"
        yield _paragraphs(command.help or "")
        yield f"```text\n{_usage(path, command)}\n```\n"
        if rows := [_row(*each) for each in parameters(command)]:
            yield from table(("argument or option", "default", "meaning"), rows)
            yield ""


def _usage(path: str, command: Any) -> str:
    shown = [(parameter, written) for parameter, written, _ in parameters(command)]
    arguments = [_written(parameter, written) for parameter, written in shown if _is_argument(parameter)]
    options = ["[OPTIONS]"] if len(arguments) < len(shown) else []
    return " ".join([path, *arguments, *options, *(["COMMAND"] if hasattr(command, "commands") else [])])


def _is_argument(parameter: Any) -> bool:
    return bool(parameter.param_type_name == "argument")


def _written(parameter: Any, written: str) -> str:
    """How a parameter is written on the command line; Typer shows types (`<int range>`) where a value has no name."""
    if _is_argument(parameter):
        return parameter.metavar or written.partition(" ")[0]
    name, _, kind = written.partition(" <")
    return f"{name} {_VALUES[kind.removesuffix('>')]}" if kind else name


def _row(parameter: Any, written: str, help_text: str) -> tuple[str, str, str]:
    notes = match[1].split("; ") if (match := _APPENDED.search(help_text)) else []
    meaning = _APPENDED.sub("", help_text)
    default = next((note.removeprefix("default: ") for note in notes if note.startswith("default: ")), "")
    limits = [_limit(note) for note in notes if not note.startswith(("default: ", "required"))]
    meaning = f"{meaning} {'; '.join(limits)}." if limits else meaning
    return code(_written(parameter, written)), "required" if parameter.required else code(default), meaning


def _limit(note: str) -> str:
    """A range as Typer writes it (`1<=x<=200`, `x>=1`), in words."""
    if found := re.fullmatch(r"x>=(\S+)", note):
        return f"At least {found[1]}"
    if found := re.fullmatch(r"(\S+)<=x<=(\S+)", note):
        return f"From {found[1]} to {found[2]}"
    return note


def _paragraphs(text: str) -> str:
    paragraphs = (" ".join(paragraph.split()) for paragraph in text.split("\n\n"))
    return "\n\n".join(paragraphs) + "\n"
