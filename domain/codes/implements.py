"""Which code carries out which clause, declared beside that code.

A decision, fold or reaction is marked with `@implements("cmn.objectives")`; a row of a table, which can't carry a
decorator, with `implements_data`. `rapport codes trace` reads the registry after importing the tree.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final, Protocol, TypeVar

from domain.codes.clauses import CLAUSES


class _Named(Protocol):
    __module__: str
    __qualname__: str


T = TypeVar("T", bound=_Named)

_places: Final[dict[str, list[str]]] = {}

# Clause id to the places that implement it, each "module:qualified name".
IMPLEMENTATIONS: Final[Mapping[str, list[str]]] = MappingProxyType(_places)


def implements(*ids: str) -> Callable[[T], T]:
    """Mark a function or class as carrying out these clauses; it is returned unchanged.

    Raises:
        KeyError: an id that no code has.
    """
    _known(ids)

    def mark(thing: T) -> T:
        for clause in ids:
            implements_data(clause, f"{thing.__module__}:{thing.__qualname__}")
        return thing

    return mark


def implements_data(clause: str, where: str) -> None:
    """Say that the data at `where`, "module:NAME" or "module:NAME[row]", carries out a clause.

    Raises:
        KeyError: an id that no code has.
    """
    _known((clause,))
    places = _places.setdefault(clause, [])
    if where not in places:
        places.append(where)


def _known(ids: tuple[str, ...]) -> None:
    for clause in ids:
        if clause not in CLAUSES:
            raise KeyError(f"no code has a clause {clause!r}")
