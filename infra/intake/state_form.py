"""The state of a relationship as bytes and back, many times faster than its events are folded.

The form is made from the types of the state itself. Bytes are read by the very code that wrote them and by no other: `code()`
is kept beside them, which is another as soon as a line of the domain is.
"""

from collections.abc import Iterator
from datetime import datetime
from functools import cache
from hashlib import blake2b
from importlib import resources
from importlib.resources.abc import Traversable
from typing import Any, Final, get_origin

import msgspec
from pydantic import BaseModel

from domain.immutable import Layers
from domain.model import TermSetting, TermWithdrawal
from domain.registry import EVENTS
from domain.relationship.state import Relationship
from domain.terms import NO_SETTINGS, DatedSetting, TermTimeline

_IS_SETTING: Final = b'"value":'


@cache
def code() -> str:
    """A digest of every line that decides what a state is."""
    digest = blake2b(digest_size=16)
    for file in _sources(resources.files("domain")):
        digest.update(file.read_bytes())
    return digest.hexdigest()


def encode(state: Relationship) -> bytes:
    """The state as bytes."""
    return _ENCODER.encode(state)


def decode(stored: bytes) -> Relationship:
    """The state of these bytes, equal to the one that was encoded.

    Raises:
        msgspec.MsgspecError: They are no bytes of a state.
    """
    return _DECODER.decode(stored)


def _sources(folder: Traversable) -> Iterator[Traversable]:
    for each in sorted(folder.iterdir(), key=lambda each: each.name):
        # What Python compiled for another account may be for that account alone.
        if each.is_dir() and each.name != "__pycache__":
            yield from _sources(each)
        elif each.name.endswith(".py"):
            yield each


def _encoded(value: Any) -> Any:
    if isinstance(value, Layers):
        return dict(value)
    if isinstance(value, BaseModel):
        return value.__pydantic_serializer__.to_json(value, exclude_none=True)
    if isinstance(value, TermTimeline):
        return value.settings
    if isinstance(value, type):
        return value.__name__
    raise NotImplementedError(type(value))


def _decoded(kind: Any, stored: Any) -> Any:
    if kind is TermTimeline:
        return TermTimeline(_dated(*each) for each in stored) if stored else NO_SETTINGS
    if get_origin(kind) is type:
        return EVENTS[stored]
    if issubclass(kind, BaseModel):
        return kind.__pydantic_validator__.validate_json(stored)
    raise NotImplementedError(kind)


def _dated(at: str, setting: bytes, own: bool) -> DatedSetting:
    kind = TermSetting if _IS_SETTING in setting else TermWithdrawal
    return DatedSetting(datetime.fromisoformat(at), kind.__pydantic_validator__.validate_json(setting), own)


_ENCODER: Final = msgspec.msgpack.Encoder(enc_hook=_encoded)
_DECODER: Final = msgspec.msgpack.Decoder(Relationship, dec_hook=_decoded)
