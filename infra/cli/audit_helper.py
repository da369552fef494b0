"""A process that does parts of `rapport audit verify` for the one that was called; see `infra.evidence.helpers`."""

from collections.abc import Callable
from typing import Any

from infra.bootstrap import open_rapport
from infra.evidence.helpers import answer_parts
from infra.evidence.parts import Workshop
from infra.operations import helper_process


def main() -> None:
    """Open the store that is given and answer parts until there are no more."""
    helper_process.serve(_answer)


def _answer(take: Callable[[], Any], answer: Callable[[object], None]) -> None:
    (settings,) = take()
    with open_rapport(settings) as rapport:
        engine = rapport.engine()
        answer_parts(lambda frozen: Workshop(frozen, engine), rapport.store, take, answer)
