"""Opening the store for a command: what goes wrong ends the command with a sentence and the right exit code."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from infra.cli.output import REFUSED, USAGE, fail

if TYPE_CHECKING:
    from infra.bootstrap import Rapport


@contextmanager
def opened() -> "Iterator[Rapport]":
    """An open Rapport for the block. Wrong settings and unknown stores exit 2, whatever the store can't do exits 1."""
    from infra.bootstrap import open_rapport
    from infra.eventstore.failure import StoreError, UnknownStore
    from infra.settings import WrongSettings

    try:
        with open_rapport() as rapport:
            yield rapport
    except (WrongSettings, UnknownStore) as error:
        fail(str(error), USAGE)
    except StoreError as error:
        fail(str(error), REFUSED)
