"""The stored form of an event with sealed content, read without its keys: what is beside the box, and where content goes back.

The envelope begins with subject and version and ends with `data`, `salt` and `sealed`. Most content belongs right into
`data`, so it is put there without reading the rest of the JSON, which the model does.
"""

from collections.abc import Callable, Sequence
from functools import lru_cache
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


def written(paths: Sequence[str]) -> bytes:
    """Paths as they stand beside a box."""
    return orjson.dumps(paths)


def put_back(state: bytes, opened: Opener) -> bytes:
    """The JSON of an event with its content; unreadable texts stand where the box does not open.

    Raises:
        ValueError, LookupError, TypeError: The bytes are not of this form.
    """
    end, key, fields, box_at = _places(state)
    paths = state[fields + len(_FIELDS) : box_at]
    box = Box(
        place_of(state),
        state[end + len(_SALT) : key],
        state[key + len(_KEY) : fields],
        paths,
        state[box_at + len(_BOX) : -len(_END)],
    )
    content = opened(box)
    return _joined(state[:end], paths, _unreadable(paths, box.version) if content is None else content)


def facts_only(state: bytes) -> bytes:
    """The JSON of an event with unreadable texts in the place of its content. Needs no keys. Raises what `put_back` raises."""
    end, _, fields, box_at = _places(state)
    paths = state[fields + len(_FIELDS) : box_at]
    version = place_of(state).rpartition(b":")[2]
    return _joined(state[:end], paths, _unreadable(paths, int(version)))


def _places(state: bytes) -> tuple[int, int, int, int]:
    """Where the salt, the key, the paths and the box begin."""
    end = state.rindex(_SALT)
    key = state.index(_KEY, end)
    fields = state.index(_FIELDS, key)
    if not state.endswith(_END):
        raise ValueError("an event with sealed content ends with its box")
    return end, key, fields, state.rindex(_BOX, fields)


def _joined(facts: bytes, paths: bytes, content: bytes) -> bytes:
    """The JSON of an event: that of its facts, up to the end of `data`, and its content."""
    if _goes_further(paths) or content == b"{}":
        stored = orjson.loads(facts + b"}}")
        merged(stored["data"], orjson.loads(content))
        return orjson.dumps(stored)
    return b"%b%b%b}" % (facts, b"" if facts.endswith(b"{") else b",", content[1:])


@lru_cache(10_000)
def _goes_further(paths: bytes) -> bool:
    """Whether one of these paths is more than the name of a text in `data`."""
    return any(each in paths for each in _FURTHER)


@lru_cache(10_000)
def _unreadable(paths: bytes, version: int) -> bytes:
    """The JSON of what stands in the place of content; few events differ in both."""
    return orjson.dumps(unreadable(orjson.loads(paths), version))


def left_out(state: bytes) -> list[str]:
    """The paths of sealed content in whose place nothing stands where it can't be read."""
    if SEALED not in state:
        return []
    return [path for path in orjson.loads(state)["sealed"]["fields"] if path.rpartition(STEP)[2] in LEFT_OUT]
