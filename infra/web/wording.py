"""The words of the record in a reader's language: types, states, terms and other words of closed vocabularies, and the rules of clauses.

What people chose freely, ids above all, passes unchanged: it is in no catalogue.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime
from functools import cache
from typing import Annotated, Any, Final, get_args, get_origin

from pydantic import BaseModel

from domain.codes.clauses import CLAUSES
from domain.registry import COMMANDS, EVENTS
from infra.pages.page import plain, spaced
from infra.web.catalogue import catalogue
from infra.web.command_words import title
from infra.web.navigation import N_
from infra.web.refusals import decimal

_TIME: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d)")
# `RelationshipProposed` is read as "relationship proposed".
_CAPITALS: Final = re.compile(r"(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_COMMAND: Final = re.compile(rf"\b({'|'.join(COMMANDS)})\b")
# What states have beside the fields of events.
OF_STATES: Final = frozenset({"status", "state", "band", "standing", "by", "words"})
# Marks of direction: embeddings, overrides, isolates and plain marks.
_TURNS: Final = dict.fromkeys([0x061C, 0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2066, 0x206A)])


def in_words(value: object) -> str:
    """A word of ours as English writes it; what is no text as people write it."""
    if not isinstance(value, str):
        return plain(value)
    word = spaced(value)
    if word.isalpha() and word[:1].isupper() and not word.isupper():
        return re.sub("[Nn]ps\\b", "NPS", _CAPITALS.sub(" ", word).capitalize())
    return word


def filters(language: str) -> dict[str, Callable[..., str]]:
    """The filters of templates in a language.

    `word`, `sentence` of a clause's id, `rule` of the id with it, `said` of a sentence of ours, `told` of a refusal, in which commands
    are called what their forms are, `actor` of somebody who acted, with
    their name where the reader may read it: `Ana Lind (mentee)`.
    """
    sentences = catalogue(language)

    def said(text: str) -> str:
        return sentences.gettext(text) if text else ""

    def word(value: object) -> str:
        return said(in_words(value))

    def told(refusal: str) -> str:
        quoted = said(N_("“%(command)s”"))
        return _COMMAND.sub(lambda found: quoted % {"command": said(title(found[0]))}, said(refusal))

    def sentence(clause: str | None) -> str:
        found = CLAUSES.get(clause or "")
        return said(found.rule) if found else clause or ""

    def actor(who: str, names: Mapping[str, str]) -> str:
        role, colon, id_ = who.partition(":")
        return f"{names.get(id_, id_)} ({word(role)})" if colon else word(role)

    def rule(clause: str | None) -> str:
        return f"{clause}: {sentence(clause)}" if clause in CLAUSES else clause or ""

    return {
        "word": word,
        "sentence": sentence,
        "rule": rule,
        "said": said,
        "told": told,
        "actor": actor,
        "number": lambda value: decimal(number(value), said),
        "share": share,
        "bare": bare,
    }


@cache
def closed_fields(event: str | None = None) -> frozenset[str]:
    """The fields that hold words of a closed vocabulary: in one event, or in every event that has them; others may hold what people wrote."""
    shapes: dict[str, list[bool]] = {}
    for model in models_within(EVENTS.values() if event is None else [EVENTS[event]]):
        for name, info in model.model_fields.items():
            parts = set(_parts(info.annotation))
            shapes.setdefault(name, []).append(str not in parts and any(isinstance(part, str) for part in parts))
    return frozenset(name for name, closed in shapes.items() if all(closed)) | OF_STATES


def models_within(models: Iterable[type[BaseModel]]) -> Iterator[type[BaseModel]]:
    """The models, and those that their fields hold."""
    pending, seen = list(models), set[type[BaseModel]]()
    while pending:
        model = pending.pop()
        if model not in seen:
            seen.add(model)
            yield model
            parts = (part for info in model.model_fields.values() for part in _parts(info.annotation))
            pending += [part for part in parts if isinstance(part, type) and issubclass(part, BaseModel)]


def _parts(annotation: Any) -> Iterator[Any]:
    """What a type is made of, down to plain types and the words of literals."""
    parts = get_args(annotation)
    if not parts:
        yield annotation
    for part in parts[:1] if get_origin(annotation) is Annotated else parts:
        yield from _parts(part)


def is_closed(name: str | None, event: str | None = None) -> bool:
    """Whether a field of this name holds words of a closed vocabulary, in the events of a type or in all."""
    kind = (event or "").removeprefix("rapport.")
    return name in closed_fields(kind if kind in EVENTS else None)


def bare(text: Any) -> Any:
    """A text without the marks that turn the direction of what stands around it: for where no element can isolate it."""
    return text.translate(_TURNS)


def number(value: float | None) -> str:
    """A number without a tail of zeros; nothing where there is none."""
    return "" if value is None else f"{value:.1f}".removesuffix(".0")


def share(value: float | None) -> str:
    """A share from 0 to 1 as a percentage; nothing where there is none."""
    return "" if value is None else f"{100 * value:.0f} %"


def is_timely(value: object) -> bool:
    """Whether a value is a time, as such or as text."""
    return isinstance(value, datetime) or (isinstance(value, str) and _TIME.fullmatch(value) is not None)
