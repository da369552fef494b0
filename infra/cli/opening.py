"""Opening the store for a command: what goes wrong ends the command with a sentence and the right exit code."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING

from infra.cli.output import REFUSED, USAGE, fail, print_note

if TYPE_CHECKING:
    from infra.bootstrap import Rapport
    from infra.settings import Settings


@contextmanager
def opened(check: "Callable[[Settings], None] | None" = None, *, makes_master: bool = False) -> "Iterator[Rapport]":
    """An open Rapport for the block. Wrong settings and unknown stores exit 2, whatever the store can't do exits 1.

    `check` looks at the settings before anything is opened or made, and raises `WrongSettings`.
    `makes_master`: the master key may be made where the settings name a file that does not exist.
    """
    from infra.bootstrap import open_rapport
    from infra.settings import WrongSettings
    from infra.store.errors import StoreError, UnknownStore

    try:
        settings = configured()
        if check is not None:
            check(settings)
        with open_rapport(settings, print_note, makes_master=makes_master) as rapport:
            yield rapport
    except (WrongSettings, UnknownStore) as error:
        fail(str(error), USAGE)
    except StoreError as error:
        fail(str(error), REFUSED)


def named_store(settings: "Settings") -> None:
    """Beside Kafka, what reacts to a store works only on one that somebody named.

    The store that is taken otherwise, a file of the working folder, would be a second one: it takes its share of the messages
    and answers on the real topics.

    Raises:
        WrongSettings: `RAPPORT_KAFKA` is set, and `RAPPORT_STORE` is not.
    """
    from infra.settings import WrongSettings

    if settings.kafka and not settings.store_is_named:
        raise WrongSettings(
            "RAPPORT_STORE: name the store that belongs to the broker in RAPPORT_KAFKA, "
            "for instance postgresql://rapport@db.example.org/rapport or sqlite:////srv/rapport/rapport.sqlite"
        )


def configured() -> "Settings":
    """The settings of this process, once its logs go to stderr as they say. Raises `WrongSettings`."""
    from infra.operations.logs import configure
    from infra.settings import load

    _tell_of_unknown()
    settings = load()
    configure("rapport", settings.log_level, settings.log_format)
    return settings


@cache
def _tell_of_unknown() -> None:
    """Once in a process, however often it opens the store."""
    from infra.settings import unknown

    for name, meant in unknown(os.environ).items():
        print_note(f"{name} is no setting" + (f"; did you mean {meant}?" if meant else " of Rapport"))


def login() -> str:
    """The account of this machine that runs the command, whatever its environment says."""
    import pwd

    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return str(os.getuid())
