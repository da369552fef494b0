"""What analysts and auditors see of the datasets: the matrix of sharing (`domain.sharing.cells`), read for each column.

The matrix is asked for the data class of a column, so a new column is covered by what it declares. Persons appear under
pseudonyms. Rows that come of a report, a disclosure or a case stay, with their kind withheld and nobody's name; those that come of how
somebody answered are left out whole, and no row comes at a place that tells the id behind a pseudonym (decision 0072). Where a relationship stands under a code that reads the matrix otherwise (leapfrog), what that code closes is empty.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import groupby
from typing import Any, Final, Literal, NamedTuple, get_args

from domain.sharing import confidential
from domain.sharing.cells import UNDER, cell
from domain.words import DataClass
from projections.dataset import POSITION, RELATIONSHIP, Column, Dataset, Row

DatasetReader = Literal["analyst", "auditor"]
Pseudonym = Callable[[str, bool], str]
READERS: Final[tuple[DatasetReader, ...]] = get_args(DatasetReader)
# What becomes of a value: as it is, under a pseudonym, or left out.
View = Literal["plain", "pseudonym", "empty"]
# What stands in the place of a kind that is withheld.
WITHHELD: Final = "withheld"


class Withheld(NamedTuple):
    """Which rows of a dataset give away what is confidential: those with one of these values in one of these columns, or all.

    `says` is the column that reads "withheld", `hides` are those that are empty then. A value that ends in `*` stands for all that
    begin so.
    """

    says: str
    hides: tuple[str, ...] = ()
    where: Mapping[str, frozenset[str]] | None = None

    def holds(self, row: Mapping[str, Any]) -> bool:
        """Whether a row is one of them."""
        if self.where is None:
            return True
        return any(matches(row[column], values) for column, values in self.where.items())


def matches(value: Any, values: frozenset[str]) -> bool:
    """Whether a value is one of these."""
    return value in values or any(
        wanted.endswith("*") and str(value).startswith(wanted[:-1]) for wanted in values if value is not None
    )


_OF_SIGNALS: Final = Withheld("signal", ("points", "clauses", "evidence"), {"signal": confidential.SIGNALS})
WITHHELD_ROWS: Final[Mapping[str, Withheld]] = {
    "relationships": Withheld("ending_reason", (), {"ending_reason": confidential.ENDINGS}),
    "commitment_signals": _OF_SIGNALS,
    "signals_history": _OF_SIGNALS,
    "concerns": Withheld(
        "kind",
        ("clause", "evidence", "about", "raised_by", "settled_by"),
        {"kind": frozenset({"recommendation"})},
    ),
    "cases": Withheld("kind", ("about", "mentor_id", "relationship_id", "escalated_to")),
    "tasks": Withheld(
        "kind",
        ("clause", "clauses", "evidence", "settled_by", "about", "owner", "mentee_id", "mentor_id"),
        {"kind": confidential.TASKS, "subject": frozenset({"case:*"})},
    ),
    # The type of an event, the worker of a deadline, the history of a case.
    "timeline": Withheld(
        "type",
        ("actor_role", "actor_id", "session_id", "goal_id", "clause", "deadline", "due_at"),
        {"type": confidential.EVENTS, "actor_id": confidential.WORKERS, "subject": frozenset({"case:*"})},
    ),
}


# Rows that are for neither, by the values of a column.
LEFT_OUT: Final[Mapping[str, Mapping[str, frozenset[str]]]] = {"tasks": {"kind": confidential.ANSWERED}}
# Numbers that go on with what is not shown as well: their gaps tell that there was some. A deadline's change shares them with decisions.
GOING_ON: Final[Mapping[str, frozenset[str]]] = {"timeline": frozenset({"sequence"})}
# The order of a dataset that is too large to be put in order anew: it follows the log, whose place is in each row.
AS_IT_CAME: Final[Mapping[str, tuple[str, ...]]] = {"timeline": (POSITION.name, "source", "sequence")}


def view_of(data_class: DataClass, reader: DatasetReader, *, figures: bool = False) -> View:
    """What a reader sees of a class, unless a code reads the matrix otherwise. `figures` are those of enough people."""
    match cell(data_class, reader):
        case "yes":
            return "plain"
        case "pseudonym":
            return "pseudonym"
        case "few" if figures:
            return "plain"
        case _:
            # What needs somebody's consent, a grant or an event is in no dataset.
            return "empty"


def view(dataset: Dataset, column: Column, reader: DatasetReader) -> View:
    """What a reader sees of a column."""
    if column.name in GOING_ON.get(dataset.name, ()):
        return "empty"
    found = view_of(column.data_class, reader, figures=dataset.figures)
    return "empty" if found == "pseudonym" and column.type != "text" else found


def strict_codes(dataset: Dataset, column: Column, reader: DatasetReader) -> frozenset[str]:
    """The codes that close a column of a relationship that adopted one of them to a reader who sees it elsewhere."""
    if all(each.name != RELATIONSHIP for each in dataset.columns) or view(dataset, column, reader) == "empty":
        return frozenset()
    open_ = cell(column.data_class, reader)
    return frozenset(code for code in UNDER if cell(column.data_class, reader, code) != open_)


def is_ordered_by_person(dataset: Dataset) -> bool:
    """Whether the place of a row in the order of its dataset tells the id of a person."""
    persons = {column.name for column in dataset.columns if column.data_class == "identity"}
    return dataset.name not in AS_IT_CAME and not persons.isdisjoint(dataset.order)


class Masking:
    """Makes of the rows of a dataset what a reader sees of them. `pseudonym` gives that of an id; of a reference, with a role before it.

    `order` is that in which `rows` takes them.
    """

    def __init__(self, dataset: Dataset, reader: DatasetReader, pseudonym: Pseudonym) -> None:
        self.order = AS_IT_CAME.get(dataset.name, dataset.order)
        self._by_person = is_ordered_by_person(dataset)
        self._left_out = LEFT_OUT.get(dataset.name, {})
        self._withheld = WITHHELD_ROWS.get(dataset.name)
        self._hides = frozenset() if self._withheld is None else frozenset(self._withheld.hides)
        self._columns = [
            (column, view(dataset, column, reader), strict_codes(dataset, column, reader)) for column in dataset.columns
        ]
        self._pseudonym = pseudonym
        persons = {column.name for column in dataset.columns if column.data_class == "identity"}
        first = next((place for place, name in enumerate(self.order) if name in persons), len(self.order))
        self._before, self._from = self.order[:first], self.order[first:]

    def rows(self, rows: Iterable[Row], codes: Mapping[str, frozenset[str]]) -> Iterator[Row]:
        """The rows that are for the reader, as they see them: a person's stand where the pseudonym does, not where the id did.

        `codes` are those that each relationship adopted.
        """
        found = (self.row(row, codes.get(row.get(RELATIONSHIP, ""), frozenset())) for row in rows)
        seen = (shown for shown in found if shown is not None)
        if not self._by_person:
            yield from seen
            return
        for _, same in groupby(seen, key=lambda row: [row[name] for name in self._before]):
            yield from sorted(same, key=lambda row: [(row[name] is not None, row[name]) for name in self._from])

    def row(self, row: Row, codes: frozenset[str] = frozenset()) -> Row | None:
        """A row as the reader sees it, None if it is not for them; `codes` are those of its relationship, where it is about one."""
        if any(matches(row[column], values) for column, values in self._left_out.items()):
            return None
        withheld = self._withheld
        if withheld is None or not withheld.holds(row):
            says, hides = None, frozenset[str]()
        else:
            says, hides = withheld.says, self._hides
        seen: Row = {}
        for column, view_, strict in self._columns:
            name = column.name
            value = row[name]
            if name == says:
                seen[name] = WITHHELD
            elif value is None or view_ == "empty" or name in hides or strict & codes:
                seen[name] = None
            else:
                seen[name] = value if view_ == "plain" else self._pseudonym(value, column.reference)
        return seen
