"""The codes of problems that the sources make, found by reading them."""

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import Final

# Where sources make problems: in a call of one of these, as its first argument or as `code`.
_MAKERS: Final = frozenset({"Problem", "Skipped", "PydanticCustomError"})
# And the names that hold a code until the problem is made.
_HOLDERS: Final = frozenset({"code", "INTERNAL", "NOT_COVERED", "NOT_THE_CALLER"})


def codes_in(folder: Path) -> dict[str, set[str]]:
    """Return the codes that the sources below a folder make, each with its files.

    Raises:
        SyntaxError: A source is no Python.
    """
    found: dict[str, set[str]] = {}
    for room in ("domain", "projections", "workers", "infra"):
        for path in sorted((folder / room).rglob("*.py")):
            if path.name != "problem_codes.py":
                for code in _codes(ast.parse(path.read_text(encoding="utf-8"))):
                    found.setdefault(code, set()).add(path.relative_to(folder).as_posix())
    return found


def _codes(module: ast.Module) -> Iterator[str]:
    for node in ast.walk(module):
        match node:
            case ast.Call(func=ast.Name(id=name) | ast.Attribute(attr=name)) if name in _MAKERS:
                yield from _constants(node.args[:1])
                yield from _constants([keyword.value for keyword in node.keywords if keyword.arg == "code"])
            case ast.Assign(targets=targets, value=value):
                yield from _held(targets, value)
            case ast.AnnAssign(target=target, value=ast.expr() as value):
                yield from _held([target], value)
            case ast.FunctionDef(name="_in_words"):
                # What pydantic finds has a code and words of ours.
                returned = (each.value for each in ast.walk(node) if isinstance(each, ast.Return))
                yield from _constants([value.elts[0] for value in returned if isinstance(value, ast.Tuple)])
            case _:
                pass


def _held(targets: list[ast.expr], value: ast.expr) -> Iterator[str]:
    """The codes that are given to a variable of that name, alone or among others."""
    for target in targets:
        if isinstance(target, ast.Name) and target.id in _HOLDERS:
            yield from _constants([value])
        elif isinstance(target, ast.Tuple) and isinstance(value, ast.Tuple):
            for each, inner in zip(target.elts, value.elts, strict=False):
                yield from _held([each], inner)


def _constants(values: list[ast.expr]) -> Iterator[str]:
    for value in values:
        match value:
            case ast.Constant(value=str(code)) if code:
                yield code
            case ast.IfExp(body=body, orelse=orelse):
                yield from _constants([body, orelse])
            case _:
                pass
