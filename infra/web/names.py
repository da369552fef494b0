"""People's names on pages: of those whose entries the reader may read, by the matrix; everybody else keeps their id.

A name that was read is on record. It is kept for a while for the same reader, so that looking at ten pages in a row is one reading.
"""

from collections.abc import Iterable, Mapping
from datetime import timedelta
from threading import Lock
from typing import Any, Final

from cachetools import TTLCache
from fastapi import Request

from domain.sharing.question import Reader
from infra.access.seen import Seen
from infra.http.asking import Desk
from infra.queries.reading import Reading, read_contents
from infra.queries.subject_words import holding
from infra.sealing.errors import KeysRefused
from infra.web.visitor import Visitor

WHY: Final = "the person's name on a page"
KEPT: Final = timedelta(minutes=10)
MOST: Final = 20_000
# Others have no part in a person's entry but their own, and those whom they share a relationship with: asking would only cost time.
READERS: Final = frozenset({"coordinator", "supplier"})


class Names:
    """The names that readers of this process have read lately. Threads may share it."""

    def __init__(self) -> None:
        self._kept: TTLCache[tuple[Reader, str, int], str | None] = TTLCache(MOST, KEPT.total_seconds())
        self._lock = Lock()

    def of(self, at: Desk, visitor: Visitor, ids: Iterable[str | None], seen: Seen | None = None) -> Mapping[str, str]:
        """The name of each person that the reader may read, by id; those without one are left out.

        In a relationship that somebody sees (`seen`) its parties know one another's names.
        """
        reader = visitor.asker.reader
        wanted = sorted({id_ for id_ in ids if id_})
        if reader.role not in READERS:
            parties = set(seen.situation.parties.values()) if seen is not None else set()
            wanted = [id_ for id_ in wanted if id_ in parties or id_.lower() == reader.id.lower()]
        if not wanted:
            return {}
        # An entry that was put right or erased has another version, so nothing old is shown.
        heads = at.store.heads([f"person:{id_}" for id_ in wanted])
        keys = {id_: (reader, id_, head.version) for id_ in wanted if (head := heads[f"person:{id_}"]).version}
        with self._lock:
            found = {id_: self._kept[key] for id_, key in keys.items() if key in self._kept}
        read = self._read(at, reader, [id_ for id_ in keys if id_ not in found], seen)
        with self._lock:
            self._kept.update({keys[id_]: name for id_, name in read.items()})
        return {id_: name for id_, name in (found | read).items() if name}

    def _read(self, at: Desk, reader: Reader, ids: list[str], seen: Seen | None) -> dict[str, str | None]:
        if not ids:
            return {}
        streams: dict[str, list[Any]] = {f"person:{id_}": [] for id_ in ids}
        for subject, _, topic, state, _ in at.store.streams(list(streams)):
            streams[subject].append(at.store.mapper.decode(topic, state))
        events = {subject: holding(of_subject) for subject, of_subject in streams.items()}
        try:
            reading, known_by = Reading.by_caller(reader, WHY), seen.situation if seen else None
            judged = read_contents(at.store, lambda: at.engine, reading, events, at.now, known_by, {"identity"})
        except KeysRefused:
            return {}
        return {id_: _name(judged[f"person:{id_}"]) for id_ in ids}


def _name(judged: Mapping[int, Mapping[str, Any]]) -> str | None:
    """The name that stands: what was put right last."""
    names = [fields.get("display_name") for _, fields in sorted(judged.items())]
    return next((name for name in reversed(names) if isinstance(name, str)), None)


def names_of(request: Request, at: Desk, visitor: Visitor, ids: Iterable[str | None], *seen: Seen) -> Mapping[str, str]:
    """The names of these persons, as far as the visitor may read them: by their role, or by a relationship that they see."""
    names: Names = request.app.state.names
    wanted = list(ids)
    found = dict(names.of(at, visitor, wanted))
    for each in seen:
        found |= names.of(at, visitor, [id_ for id_ in wanted if id_ not in found], each)
    return found
