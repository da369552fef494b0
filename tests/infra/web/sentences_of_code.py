"""The sentences that code makes, found by reading it: what a call is given, followed through names, branches and functions.

A sentence stands here with `VALUE` in the place of each value. What can't be followed is `UNKNOWN`, so that a test can name it.
"""

import ast
from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property
from itertools import product
from pathlib import Path
from typing import Final, NamedTuple

ROOT: Final = Path(__file__).parents[3]
VALUE: Final = "4711"
UNKNOWN: Final = "\N{REPLACEMENT CHARACTER}"
# As many steps from a name to what it stands for.
STEPS: Final = 12
Function = ast.FunctionDef | ast.AsyncFunctionDef


class Sentence(NamedTuple):
    """A sentence, and the file and line that make it."""

    text: str
    where: str


class Place(NamedTuple):
    """Where an expression stands: its file, and the function around it."""

    file: Path
    function: Function | None


class Code:
    """Some files of the code."""

    def __init__(self, files: Iterable[Path], root: Path = ROOT) -> None:
        self._root = root
        self._trees = {file: ast.parse(file.read_text(encoding="utf-8")) for file in files}

    def given(self, call: str, place: int, keyword: str | None = None) -> Iterator[Sentence]:
        """The sentences that calls of a function or a class are given, at a place of their arguments or by a keyword."""
        for node, at in self._calls:
            if _name(node.func) == call and (argument := _argument(node, place, keyword)) is not None:
                where = f"{at.file.relative_to(self._root)}:{node.lineno}"
                yield from (Sentence(text, where) for text in dict.fromkeys(self._texts(argument, at)))

    @cached_property
    def _calls(self) -> list[tuple[ast.Call, Place]]:
        found: list[tuple[ast.Call, Place]] = []

        def visit(node: ast.AST, at: Place) -> None:
            for child in ast.iter_child_nodes(node):
                if isinstance(child, ast.Call):
                    found.append((child, at))
                visit(child, at._replace(function=child) if isinstance(child, Function) else at)

        for file, tree in self._trees.items():
            visit(tree, Place(file, None))
        return found

    @cached_property
    def _functions(self) -> dict[str, list[tuple[Function, Place]]]:
        found: dict[str, list[tuple[Function, Place]]] = {}
        for file, tree in self._trees.items():
            for node in ast.walk(tree):
                if isinstance(node, Function):
                    found.setdefault(node.name, []).append((node, Place(file, node)))
        return found

    @cached_property
    def _constants(self) -> dict[tuple[Path, str], ast.expr]:
        return {
            (file, target.id): node.value
            for file, tree in self._trees.items()
            for node in tree.body
            if isinstance(node, ast.Assign | ast.AnnAssign) and node.value is not None
            for target in (node.targets if isinstance(node, ast.Assign) else [node.target])
            if isinstance(target, ast.Name)
        }

    def _texts(self, node: ast.expr, at: Place, steps: int = STEPS) -> Iterator[str]:
        """All texts that an expression may come to."""
        if not steps:
            yield UNKNOWN
            return
        match node:
            case ast.Constant(value=str(text)):
                yield text
            case ast.Constant():
                pass
            case ast.JoinedStr(values=parts):
                yield from map("".join, product(*(list(self._part(part, at, steps - 1)) for part in parts)))
            case ast.BinOp(left=left, op=ast.Add(), right=right):
                both = product(self._texts(left, at, steps - 1), list(self._texts(right, at, steps - 1)))
                yield from map("".join, both)
            case ast.Name() | ast.IfExp() | ast.Tuple() | ast.List() | ast.Starred() | ast.Subscript() | ast.Call():
                others = self._others(node, at)
                if others is None:
                    yield UNKNOWN
                for other, there in others or ():
                    yield from self._texts(other, there, steps - 1)
            case _:
                yield UNKNOWN

    def _part(self, part: ast.expr, at: Place, steps: int) -> Sequence[str]:
        """What stands at a place of a sentence: the words of ours that it may be, else a value."""
        if isinstance(part, ast.Constant):
            return (str(part.value),)
        assert isinstance(part, ast.FormattedValue)
        found = tuple(dict.fromkeys(self._texts(part.value, at, steps)))
        has_words = any(" " in text for text in found) and not any(UNKNOWN in text for text in found)
        return found if has_words else (VALUE,)

    def _others(self, node: ast.expr, at: Place) -> list[tuple[ast.expr, Place]] | None:
        """The expressions for one of which another stands; None where nobody can tell."""
        match node:
            case ast.Name(id=name):
                return self._of_name(name, at)
            case ast.IfExp(body=body, orelse=otherwise):
                return [(body, at), (otherwise, at)]
            case ast.Tuple(elts=elements) | ast.List(elts=elements):
                return [(each, at) for each in elements]
            case ast.Starred(value=value):
                return [(value, at)]
            case ast.Subscript(value=value, slice=ast.Constant(value=int(place))):
                others = [(value, at)] if isinstance(value, ast.Tuple) else self._others(value, at) or []
                return [(other.elts[place], there) for other, there in others if isinstance(other, ast.Tuple)] or None
            case (
                ast.Subscript(value=ast.Name(id=name))
                | ast.Call(func=ast.Attribute(value=ast.Name(id=name), attr="get"))
            ):
                table = self._constants.get((at.file, name))
                return [(value, at) for value in table.values] if isinstance(table, ast.Dict) else None
            case ast.Call(func=ast.Name(id="tuple"), args=[value]):
                return [(value, at)]
            case ast.Call(func=ast.Name(id=name)) if name in self._functions:
                functions = self._functions[name]
                nearest = [(function, there) for function, there in functions if there.file == at.file] or functions
                return [
                    (each.value, there)
                    for function, there in nearest
                    for each in ast.walk(function)
                    if isinstance(each, ast.Return | ast.Yield) and each.value is not None
                ]
            case _:
                return None

    def _of_name(self, name: str, at: Place) -> list[tuple[ast.expr, Place]] | None:
        if at.function is not None:
            if found := [(value, at) for value in _assigned(at.function, name)]:
                return found
            names = [argument.arg for argument in (*at.function.args.posonlyargs, *at.function.args.args)]
            if name in names:
                place, function = names.index(name), at.function.name
                given = [(_argument(call, place, name), there) for call, there in self._calls if _name(call.func) == function and there.file == at.file]  # fmt: skip
                return [(value, there) for value, there in given if value is not None] or None
        constants = [(value, Place(file, None)) for (file, each), value in self._constants.items() if each == name]
        return [each for each in constants if each[1].file == at.file] or constants[:1] or None


def _assigned(function: Function, name: str) -> Iterator[ast.expr]:
    """What a name in a function is given, is added, or has appended."""
    for node in ast.walk(function):
        match node:
            case ast.Assign(targets=[ast.Tuple(elts=targets)], value=value):
                for place, target in enumerate(targets):
                    if isinstance(target, ast.Name) and target.id == name:
                        yield ast.Subscript(value, ast.Constant(place))
            case (
                ast.Assign(targets=[ast.Name(id=found)], value=value)
                | ast.AnnAssign(target=ast.Name(id=found), value=ast.expr() as value)
                | ast.AugAssign(target=ast.Name(id=found), value=value)
                | ast.NamedExpr(target=ast.Name(id=found), value=value)
                | ast.Call(func=ast.Attribute(value=ast.Name(id=found), attr="append"), args=[value])
            ) if found == name:
                yield value
            case _:
                pass


def _argument(call: ast.Call, place: int, keyword: str | None) -> ast.expr | None:
    by_keyword = next((each.value for each in call.keywords if each.arg is not None and each.arg == keyword), None)
    return call.args[place] if len(call.args) > place else by_keyword


def _name(function: ast.expr) -> str:
    match function:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name
        case _:
            return ""
