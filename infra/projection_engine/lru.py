"""A mapping that holds no more than so many entries: those looked up or set most recently."""

from collections import OrderedDict
from typing import TypeVar

K = TypeVar("K")
V = TypeVar("V")


class Recent(OrderedDict[K, V]):
    """Forgets the entry that was not asked for longest once there are more than `most`."""

    def __init__(self, most: int) -> None:
        super().__init__()
        self.most = most

    def get(self, key: K, default: V | None = None) -> V | None:  # type: ignore[override]
        """The value, which counts as asked for."""
        if key not in self:
            return default
        self.move_to_end(key)
        return self[key]

    def __setitem__(self, key: K, value: V) -> None:
        super().__setitem__(key, value)
        while len(self) > self.most:
            self.popitem(last=False)
