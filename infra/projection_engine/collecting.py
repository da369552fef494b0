"""Python's collector of cycles looks at every object again and again while many are made; folding makes many, and no cycles."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

# Objects made before the youngest are looked at, and how many of those looks come before one at the older.
SELDOM: Final = (100_000, 20, 100)


@contextmanager
def collecting_seldom() -> Iterator[None]:
    """Let the collector work seldom while the block runs; it costs a third of the time otherwise."""
    usual = gc.get_threshold()
    gc.set_threshold(*SELDOM)
    try:
        yield
    finally:
        gc.set_threshold(*usual)
