"""The lists that callers read: relationships, health, tasks. Each row is one that its reader may know, as they may know it."""

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Final, NamedTuple

from domain.words import NAMED_ROLES
from infra.access.pages import OF_NO_PAGE, Cut, Key, Page, WrongCursor
from infra.access.secrets import Standing, secrets_of, with_secret_health
from infra.access.seen import Seen, Shown, may_see_task
from infra.access.standing import KNOWERS, Asker, Scope, scope
from infra.projection_engine.engine import Engine
from infra.projection_engine.pseudonyms import Pseudonyms
from infra.projection_engine.rows import codec
from infra.queries import tasks as task_queries
from infra.queries.as_at import Asked, Moment
from infra.queries.health import Assessed, assess_one
from infra.queries.health import shown as health_shown
from projections.commitment import HEALTH
from projections.dataset import Column
from projections.relationships import TABLE

PERSONS: Final = tuple(f"{role}_id" for role in NAMED_ROLES)
# What an item of the list of relationships has, and what it is called in the dataset.
_COLUMNS: Final = {
    "id": "relationship_id",
    "state": "status",
    "programme_id": "programme_id",
    **{name: name for name in PERSONS},
    "codes": "codes",
    "proposed_at": "proposed_at",
    "activated_at": "activated_at",
    "paused_at": "paused_at",
    "terminated_at": "terminated_at",
}
_HEALTH: Final = ("score", "band")
_OF_RELATIONSHIP: Final = {column.name: column for column in TABLE.columns}
_OF_HEALTH: Final = {column.name: column for column in HEALTH.columns}
_READ: Final[tuple[Column, ...]] = (
    *(_OF_RELATIONSHIP[name] for name in _COLUMNS.values()),
    *(_OF_HEALTH[name] for name in _HEALTH),
)
# Rows read at a time, where not every row becomes an item.
CHUNK: Final = 200
_SELECT: Final = ", ".join(
    [
        *_COLUMNS.values(),
        *(
            f"(SELECT {name} FROM commitment_health h WHERE h.relationship_id = relationships.relationship_id)"  # noqa: S608 - our own words
            for name in _HEALTH
        ),
    ]
)


_BANDS: Final = (
    "SELECT r.*, h.band FROM relationships r JOIN commitment_health h ON h.relationship_id = r.relationship_id"
)


class Chosen(NamedTuple):
    """Which relationships are wanted; None: any."""

    state: str | None = None
    programme: str | None = None
    mentor: str | None = None
    mentee: str | None = None
    band: str | None = None

    def within(self, found: Scope) -> Scope:
        """As a condition, but for the band, which is the reader's to see."""
        for column, value in (
            ("status", self.state),
            ("LOWER(programme_id)", self.programme and self.programme.lower()),
            ("LOWER(mentor_id)", self.mentor and self.mentor.lower()),
            ("LOWER(mentee_id)", self.mentee and self.mentee.lower()),
        ):
            if value is not None:
                found = found.and_(f"{column} = ?", value)
        return found


class Lists:
    """The lists of one asker."""

    def __init__(self, engine: Engine, asker: Asker, pseudonyms: Pseudonyms, now: datetime) -> None:
        self.engine, self.asker, self.pseudonyms, self.now = engine, asker, pseudonyms, now
        self._store = engine.store

    # --- relationships -------------------------------------------------------------------------------------------------
    def relationships(self, chosen: Chosen, cut: Cut) -> Page[Shown]:
        """The relationships in which the asker stands, in order of their ids.

        Raises:
            WrongCursor: The cursor is not one of this question.
        """
        self.engine.catch_up()
        return cut.page(self._relationships(chosen, _last(cut), cut.limit + 1), _id)

    def own(self) -> list[str]:
        """The ids of the relationships in which the asker stands, those that have not ended first."""
        self.engine.catch_up()
        where, params = scope(self.asker)
        rows = self.engine.database.query(
            f"SELECT relationship_id FROM relationships WHERE {where} "  # noqa: S608 - our own words
            "ORDER BY CASE WHEN status = 'terminated' THEN 1 ELSE 0 END, relationship_id",
            params,
        )
        return [subject for (subject,) in rows]

    def these(self, subjects: Sequence[str]) -> list[Shown]:
        """Those of these relationships in which the asker stands, in this order."""
        where, params = scope(self.asker)
        rows = self.engine.database.keyed(
            f"SELECT {_SELECT} FROM relationships WHERE relationship_id IN ({{keys}}) AND {where}",  # noqa: S608 - our own words
            [(subject,) for subject in subjects],
            params,
        )
        read = codec(_READ, self.engine.database.kind)
        found = {each["id"]: each for each in self._as_known([self._item(read.decode(row)) for row in rows])}
        return [found[subject] for subject in subjects if subject in found]

    def _relationships(self, chosen: Chosen, after: str, wanted: int) -> Iterator[Shown]:
        within = chosen.within(scope(self.asker))
        if chosen.band is not None and self._knows:
            within = within.and_(
                "relationship_id IN (SELECT relationship_id FROM commitment_health WHERE band = ?)", chosen.band
            )
        for rows in self._chunks(within, after, wanted):
            for row in self._as_known(rows):
                if chosen.band is None or row["band"] == chosen.band:
                    yield row

    def programmes(self) -> list[str]:
        """The programmes of the relationships in which the asker stands."""
        self.engine.catch_up()
        where, params = scope(self.asker)
        rows = self.engine.database.query(
            f"SELECT DISTINCT programme_id FROM relationships WHERE {where} ORDER BY programme_id",  # noqa: S608 - our own words
            params,
        )
        return [programme_id for (programme_id,) in rows]

    def parties(self, subjects: Collection[str]) -> dict[str, tuple[str, str]]:
        """Mentee and mentor of these relationships, which the asker stands in and whose ids they may know."""
        where, params = scope(self.asker)
        rows = self.engine.database.keyed(
            "SELECT relationship_id, mentee_id, mentor_id FROM relationships "  # noqa: S608 - our own words
            f"WHERE relationship_id IN ({{keys}}) AND {where}",
            [(each,) for each in subjects],
            params,
        )
        return {subject: (mentee_id, mentor_id) for subject, mentee_id, mentor_id in rows}

    def bands(self) -> Counter[tuple[str, str]]:
        """How many relationships of each programme are in each band now, as the list of relationships has them."""
        self.engine.catch_up()
        if self.asker.role == "line_manager":
            return Counter()
        where, params = scope(self.asker)
        found = self.engine.database.query(
            f"SELECT programme_id, band, COUNT(*) FROM ({_BANDS}) q WHERE {where} AND band IS NOT NULL GROUP BY programme_id, band",  # noqa: S608 - our own words
            params,
        )
        counts = Counter({(programme_id, band): count for programme_id, band, count in found})
        if self._knows:
            return counts
        # Those whose rows may give something away are counted as the asker sees them.
        rows = self.engine.database.keyed(
            f"SELECT relationship_id, programme_id, band FROM ({_BANDS}) q WHERE relationship_id IN ({{keys}}) AND {where}",  # noqa: S608 - our own words
            [(subject,) for subject in with_secret_health(self._store)],
            params,
        )
        counts.subtract((programme_id, band) for _, programme_id, band in rows if band is not None)
        programme_of = {subject: programme_id for subject, programme_id, _ in rows}
        for subject, standing in self._standings(programme_of).items():
            if standing.band is not None:
                counts[programme_of[subject], standing.band] += 1
        return +counts

    def _chunks(self, within: Scope, after: str, wanted: int) -> Iterator[list[Shown]]:
        """The rows after an id: first as many as are wanted if each becomes an item, then more at a time."""
        read = codec(_READ, self.engine.database.kind)
        size = min(wanted, CHUNK)
        while True:
            where, params = within.and_("relationship_id > ?", after)
            found = self.engine.database.query(
                f"SELECT {_SELECT} FROM relationships WHERE {where} ORDER BY relationship_id LIMIT {size}",  # noqa: S608 - our own words
                params,
            )
            yield [self._item(read.decode(row)) for row in found]
            if len(found) < size:
                return
            after, size = found[-1][0], CHUNK

    def _item(self, row: Shown) -> Shown:
        item = {name: row[column] for name, column in _COLUMNS.items()} | {name: row[name] for name in _HEALTH}
        if self.asker.role == "auditor":
            item |= {name: self._pseudonym(item[name]) for name in PERSONS}
        return item

    def _as_known(self, rows: Sequence[Shown]) -> Iterator[Shown]:
        """The items with the score and band that the asker may know of."""
        if self.asker.role == "line_manager":
            yield from (row | dict.fromkeys(_HEALTH) for row in rows)
            return
        otherwise = {} if self._knows else self._standings({row["id"]: row["programme_id"] for row in rows})
        for row in rows:
            yield row | otherwise[row["id"]]._asdict() if row["id"] in otherwise else row

    def _standings(self, programme_of: Mapping[str, str]) -> dict[str, Standing]:
        """How those of these relationships stand to the asker whose rows may give something away."""
        hidden = with_secret_health(self._store)
        found = {subject: programme for subject, programme in programme_of.items() if subject in hidden}
        return secrets_of(self._store).standings(self.engine, self.asker, found, self.now)

    @property
    def _knows(self) -> bool:
        return self.asker.role in KNOWERS

    # --- health --------------------------------------------------------------------------------------------------------
    def health(self, chosen: Chosen, moment: Moment, cut: Cut) -> Page[Shown]:
        """The health of the relationships in which the asker stands, in order of their ids.

        Raises:
            WrongCursor: The cursor is not one of this question.
        """
        self.engine.catch_up()
        return cut.page(self._healths(chosen, moment, _last(cut)), lambda item: [item["relationship_id"]])

    def _healths(self, chosen: Chosen, moment: Moment, after: str) -> Iterator[Shown]:
        for rows in self._chunks(chosen.within(scope(self.asker)), after, CHUNK):
            withheld = set() if self._knows else with_secret_health(self._store)
            for row in rows:
                found = self._assessed(row["id"], moment, known=row["id"] not in withheld)
                if found is not None and (chosen.band is None or found.health.band == chosen.band):
                    shown = health_shown(found)
                    if self.asker.role == "auditor":
                        shown["mentor_id"] = self._pseudonym(shown["mentor_id"])
                    yield shown

    def _assessed(self, subject: str, moment: Moment, *, known: bool) -> Assessed | None:
        if known:
            return assess_one(self._store, subject, Asked(moment.as_of or self.now, moment.known_at))
        seen = Seen.of(self._store, lambda: self.engine, self.asker, subject, self.now)
        return None if seen is None else seen.assessed(moment)

    # --- tasks ---------------------------------------------------------------------------------------------------------
    def tasks(self, chosen: task_queries.Chosen, cut: Cut) -> Page[Shown]:
        """The open tasks that are for the asker to know, those due first at the top, then those without a day.

        Raises:
            WrongCursor: The cursor is not one of this question.
        """
        size = min(cut.limit + 1, task_queries.READ)
        after, within = self._task_after(cut), _tasks_of(self.asker)
        tasks = task_queries.tasks_after(self.engine.database, chosen, within, after, size)
        found = ((id_, task) for id_, task in self._placed(tasks) if may_see_task(self.asker, task))
        # A cursor names no place: auditors don't see what tasks are put in order by.
        page = cut.page(found, lambda each: [each[0]])
        return Page([self._task(task) for _, task in page.items], page.next)

    def _task_after(self, cut: Cut) -> task_queries.Place | None:
        """The place in the list of tasks after which a page begins."""
        id_ = _last(cut)
        place = task_queries.place_of(self.engine.database, id_) if id_ else None
        if id_ and place is None:
            raise WrongCursor(OF_NO_PAGE)
        return place

    def _placed(self, tasks: Iterator[tuple[str, Shown]]) -> Iterator[tuple[str, Shown]]:
        """The tasks; one about a person, who belongs to no programme, counts as of one of the asker's in which they take part."""
        theirs: dict[str, str] | None = None
        for id_, task in tasks:
            of_person = task["programme_id"] is None and task["subject"].startswith("person:")
            if of_person and self.asker.programmes is not None:
                theirs = self._programmes_of_persons() if theirs is None else theirs
                yield id_, task | {"programme_id": theirs.get(task["subject"].lower())}
            else:
                yield id_, task

    def _programmes_of_persons(self) -> dict[str, str]:
        """A programme in which the asker stands of each person who takes part in one."""
        self.engine.catch_up()
        where, params = scope(self.asker)
        rows = self.engine.database.query(
            f"SELECT programme_id, {', '.join(PERSONS)} FROM relationships WHERE {where}",  # noqa: S608 - our own words
            params,
        )
        return {f"person:{id_}".lower(): programme for programme, *people in rows for id_ in people if id_}

    def _task(self, task: Shown) -> Shown:
        if self.asker.role != "auditor":
            return task
        return task | {
            "mentee_id": self._pseudonym(task["mentee_id"]),
            "mentor_id": self._pseudonym(task["mentor_id"]),
            "subject": self.pseudonyms(task["subject"], reference=True),
            "about": task["about"] and self.pseudonyms(task["about"]),
        }

    def _pseudonym(self, id_: str | None) -> str | None:
        return None if id_ is None else self.pseudonyms(id_)


def _last(cut: Cut) -> str:
    """The id after which a page begins."""
    match cut.after():
        case None:
            return ""
        case [str(last)] if "\0" not in last:
            return last
        case _:
            raise WrongCursor(OF_NO_PAGE)


def _id(item: Shown) -> Key:
    return [item["id"]]


def _tasks_of(asker: Asker) -> task_queries.Within:
    """Where the tasks are that may be the asker's to know: which of them are, `may_see_task` says."""
    conditions, params = [], []
    if asker.role in ("customer", "line_manager"):
        # None is theirs, so none is read.
        return task_queries.Within("1 = 0")
    if asker.role in ("mentee", "mentor", "hr", "supplier"):
        conditions.append("owner = ?")
        params.append(str(asker.role))
    if asker.role in ("mentee", "mentor"):
        conditions.append(f"(COALESCE({asker.role}_id, '') = '' OR LOWER({asker.role}_id) = ?)")
        params.append(asker.reader.id.lower())
    elif asker.programmes is not None:
        marks = ", ".join("?" * len(asker.programmes)) or "NULL"
        conditions.append(f"(programme_id IS NULL OR LOWER(programme_id) IN ({marks}))")
        params += sorted(asker.programmes)
    return task_queries.Within(" AND ".join(conditions) or "1 = 1", tuple(params))
