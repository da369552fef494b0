"""Pages of a list: a cursor says where the next one begins. It names the last item's key, which never changes.

So nothing is left out or comes twice that belonged to the list throughout, however many rows change, come or go between two
pages. A cursor belongs to the question that it came from.
"""

import base64
from collections.abc import Callable, Iterable
from hashlib import sha256
from typing import Any, Final, Generic, NamedTuple, TypeVar

import orjson

USUAL: Final = 100
MOST: Final = 1000
T = TypeVar("T")
Key = list[Any]
OF_NO_PAGE: Final = "expected the `next` of the page before"


class WrongCursor(ValueError):
    """A cursor that no page of this question gave."""


class Page(NamedTuple, Generic[T]):
    """Some items of a list, and the cursor of the page after them; None: there are no more."""

    items: list[T]
    next: str | None


class Cut(NamedTuple):
    """Which page is wanted: how many items, from which cursor on. `question` tells questions apart."""

    question: tuple[Any, ...]
    cursor: str | None = None
    limit: int = USUAL

    def after(self) -> Key | None:
        """The key after which the page begins; None at the beginning.

        Raises:
            WrongCursor: The cursor is not one of this question.
        """
        if self.cursor is None:
            return None
        try:
            match orjson.loads(base64.b64decode(self.cursor.encode(), b"-_", validate=True)):
                case [str(mark), [*key]]:
                    pass
                case _:
                    raise WrongCursor(OF_NO_PAGE)
        except ValueError:
            raise WrongCursor(OF_NO_PAGE) from None
        if mark != self._mark():
            raise WrongCursor("expected the `next` of a page of the same question: the same filters, role and caller")
        return key

    def page(self, items: Iterable[T], key: Callable[[T], Key]) -> Page[T]:
        """The page of the items after the cursor's key, which are read only as far as it takes."""
        found: list[T] = []
        for item in items:
            if len(found) == self.limit:
                return Page(found, self._cursor(key(found[-1])))
            found.append(item)
        return Page(found, None)

    def _cursor(self, key: Key) -> str:
        return base64.urlsafe_b64encode(orjson.dumps([self._mark(), key])).decode()

    def _mark(self) -> str:
        return sha256(repr(self.question).encode()).hexdigest()[:12]
