"""A base for the states of the aggregates: frozen values of which a changed copy is cheap to make."""

from collections.abc import Iterator, Mapping
from typing import Any, Final, Generic, Self, TypeVar

K = TypeVar("K")
V = TypeVar("V")

# A top layer may have so many entries more than the square root of those below it.
TOP_LEAST: Final = 8


class Immutable:
    """Gives a frozen dataclass without slots `.but()` and `.put()`.

    `dataclasses.replace` runs `__init__` with every field again; every event makes a copy, so this one copies the
    attributes and changes some of them.
    """

    def but(self, **changes: Any) -> Self:
        """The same value with some fields changed; `changes` must be named as the fields are, nothing checks it."""
        copy = object.__new__(type(self))
        fields = self.__dict__.copy()
        fields.update(changes)
        object.__setattr__(copy, "__dict__", fields)
        return copy

    def put(self, field: str, key: object, value: object) -> Self:
        """The same value with one entry set in the mapping that a field holds."""
        return self.but(**{field: self.entered(field, key, value)})

    def entered(self, field: str, key: object, value: object) -> Mapping[Any, Any]:
        """A copy of the mapping that a field holds, with one entry set."""
        mapping: dict[Any, Any] = self.__dict__[field].copy()
        mapping[key] = value
        return mapping


class Layers(Mapping[K, V], Generic[K, V]):
    """A mapping that is never changed, in the order in which keys were first set; one more entry is cheap.

    A copy with one more entry of a dict of n costs n. Here what was set lately lies in a small layer on top, and only that is
    copied; the large one below is shared until the top one has grown to about the square root of it.
    """

    __slots__ = ("_below", "_count", "_top")

    def __init__(self, below: Mapping[K, V]) -> None:
        self._below = below
        self._top: Mapping[K, V] = {}
        self._count = len(below)

    def entered(self, key: K, value: V) -> "Layers[K, V]":
        """The same mapping with one entry set."""
        entered: Layers[K, V] = object.__new__(Layers)
        if (len(self._top) - TOP_LEAST) ** 2 > len(self._below) and len(self._top) > TOP_LEAST:
            entered._below, entered._top = {**self._below, **self._top, key: value}, {}
        else:
            entered._below, entered._top = self._below, {**self._top, key: value}
        entered._count = self._count + (key not in self)
        return entered

    def __getitem__(self, key: K) -> V:
        return self._top[key] if key in self._top else self._below[key]

    def __contains__(self, key: object) -> bool:
        return key in self._top or key in self._below

    def __iter__(self) -> Iterator[K]:
        yield from self._below
        for key in self._top:
            if key not in self._below:
                yield key

    def __len__(self) -> int:
        return self._count

    def __repr__(self) -> str:
        return f"Layers({dict(self)})"
