"""A base for the states of the aggregates: frozen values of which a changed copy is cheap to make."""

from typing import Any, Self


class Immutable:
    """Gives a frozen dataclass without slots `.but()` and `.put()`.

    `dataclasses.replace` runs `__init__` with every field again; every event makes a copy, so this one copies the
    attributes and changes what it is told to.
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

    def entered(self, field: str, key: object, value: object) -> dict[Any, Any]:
        """A copy of the mapping that a field holds, with one entry set."""
        mapping: dict[Any, Any] = self.__dict__[field].copy()
        mapping[key] = value
        return mapping
