"""The stored form of an event with sealed content, read without its keys: what is beside the box, and where content goes back.

The envelope begins with subject and version and ends with `data`, `salt` and `sealed`. Most content belongs right into
`data`, so it is put there without reading the rest of the JSON, which the model does.
"""

from collections.abc import Callable, Sequence
from typing import Any, Final, NamedTuple, Protocol

import orjson

from domain.content import LEFT_OUT, STEP, merged, unreadable

# Only stored bytes with sealed content have it: no text stands beside it in the clear that could.
SEALED: Final = b'"sealed":{"key":"'
_BEGINNING: Final = b'{"subject":"'
_VERSION: Final = b'","version":'
_SALT: Final = b'},"salt":"'
_KEY: Final = b'","sealed":{"key":"'
_FIELDS: Final = b'","fields":'
_BOX: Final = b',"box":"'
# A correction has a box of whose the corrected fact is, beside that of who corrected it.
_ALSO: Final = b'"},"also":{"key":"'
_END: Final = b'"}}'
# A path with one of these is more than the name of a text in `data`.
_FURTHER: Final = (STEP.encode(), *(f'"{name}"'.encode() for name in sorted(LEFT_OUT)))


class Writer(Protocol):
    """Writes the JSON of an event, as a serializer of pydantic does."""

    def __call__(self, value: Any, *, exclude_none: bool, exclude: Any = None) -> bytes: ...


class Box(NamedTuple):
    """Sealed content with what stands beside it: `place` is the beginning of the event, `paths` is JSON, salt and box are base64."""

    place: bytes
    salt: bytes
    key: bytes
    paths: bytes
    box: bytes

    @property
    def subject(self) -> str:
        """The subject of the event."""
        return self.place[len(_BEGINNING) : self.place.index(_VERSION)].decode()

    @property
    def version(self) -> int:
        """The version of the event."""
        return int(self.place[self.place.index(_VERSION) + len(_VERSION) :])

    @property
    def fields(self) -> list[str]:
        """The paths of the content in the data of the event."""
        found: list[str] = orjson.loads(self.paths)
        return found


# Opens a box: the content as JSON, or None where it does not open.
Opener = Callable[[Box], bytes | None]


def place_of(state: bytes) -> bytes:
    """The beginning of an event, which has its subject and version.

    Raises:
        ValueError: The bytes are not of this form.
    """
    if not state.startswith(_BEGINNING):
        raise ValueError("an event begins with its subject")
    return state[: state.index(b",", state.index(_VERSION) + len(_VERSION))]


def with_salt(plain: bytes, salt: bytes) -> bytes:
    """The stored bytes of an event without content."""
    return b'%b,"salt":"%b"}' % (plain[:-1], salt)


def with_box(plain: bytes, box: Box) -> bytes:
    """The stored bytes of an event with content, given the JSON of its facts."""
    return b"%b%b%b%b%b%b%b%b%b%b" % (
        plain[:-2], _SALT, box.salt, _KEY, box.key, _FIELDS, box.paths, _BOX, box.box, _END
    )  # fmt: skip


def with_another_box(sealed: bytes, box: Box) -> bytes:
    """The stored bytes with a second box, which has the salt of the first."""
    return b"%b%b%b%b%b%b%b%b" % (
        sealed[: -len(_END)], _ALSO, box.key, _FIELDS, box.paths, _BOX, box.box, _END
    )  # fmt: skip


def written(paths: Sequence[str]) -> bytes:
    """Paths as they stand beside a box."""
    return orjson.dumps(paths)


def put_back(state: bytes, opened: Opener) -> bytes:
    """The JSON of an event with its content; unreadable texts stand where the box does not open.

    Raises:
        ValueError, LookupError, TypeError: The bytes are not of this form.
    """
    end = state.rindex(_SALT)
    boxes = _boxes(state, end)
    contents = [_content(box, opened) for box in boxes]
    if len(boxes) > 1 or any(each in boxes[0].paths for each in _FURTHER) or contents[0] == b"{}":
        stored = orjson.loads(state[: end + 1] + b"}")
        for content in contents:
            merged(stored["data"], orjson.loads(content))
        return orjson.dumps(stored)
    between = b"" if state[end - 1 : end] == b"{" else b","
    return b"%b%b%b}" % (state[:end], between, contents[0][1:])


def boxes_of(state: bytes) -> list[Box]:
    """The boxes of stored bytes with sealed content.

    Raises:
        ValueError: The bytes are not of this form.
    """
    return _boxes(state, state.rindex(_SALT))


def _boxes(state: bytes, end: int) -> list[Box]:
    """The boxes of an event whose data end at this place."""
    if not state.endswith(_END):
        raise ValueError("an event with sealed content ends with its box")
    place, key = place_of(state), state.index(_KEY, end)
    salt, last = state[end + len(_SALT) : key], len(state) - len(_END)
    also = state.find(_ALSO, key)
    if also < 0:
        return [_box(place, salt, state[key + len(_KEY) : last])]
    parts = (state[key + len(_KEY) : also], state[also + len(_ALSO) : last])
    return [_box(place, salt, part) for part in parts]


def _box(place: bytes, salt: bytes, part: bytes) -> Box:
    fields = part.index(_FIELDS)
    box_at = part.rindex(_BOX)
    return Box(place, salt, part[:fields], part[fields + len(_FIELDS) : box_at], part[box_at + len(_BOX) :])


def _content(box: Box, opened: Opener) -> bytes:
    content = opened(box)
    return orjson.dumps(unreadable(box.fields, box.version)) if content is None else content


def facts_only(state: bytes) -> bytes:
    """The JSON of an event with unreadable texts in the place of its content. Needs no keys."""
    return put_back(state, lambda _: None)
