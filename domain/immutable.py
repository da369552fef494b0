"""A base for the states of the aggregates: frozen values of which a changed copy is cheap to make."""

from typing import Any, Self


class Immutable:
    """Gives a frozen dataclass without slots `.but()` and `.put()`.

    `dataclasses.replace` runs `__init__` with every field again; folding a long history makes one copy an event, so
    this one copies the attributes and changes what it is told to.
    """

    def but(self, **changes: Any) -> Self:
        """The same value with some fields changed; `changes` must be named as the fields are, nothing checks it."""
        copy = object.__new__(type(self))
        fields = self.__dict__.copy()
        fields.update(changes)
        object.__setattr__(copy, "__dict__", fields)
        return copy

    def put(self, field: str, key: object, value: object) -> Self:
        """The same value with one entry set in a copy of the mapping that a field holds."""
        mapping = self.__dict__[field].copy()
        mapping[key] = value
        return self.but(**{field: mapping})

    def ended_with(self, before: "Immutable", changes: dict[str, Any]) -> Self:
        """The last touch to a copy made of `before` a moment ago, which nobody else has seen: no second copy is made.

        Where it is `before` itself, because nothing else changed, it is copied first.
        """
        copy = self.but() if self is before else self
        copy.__dict__.update(changes)
        return copy
