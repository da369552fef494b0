"""What a dataset is: a table with documented columns, and rows that hold no content.

Rows hold ids, types, times, numbers and words of closed vocabularies, never content. Every row has a
`position`, the place in the log of the last event that went into it, and every dataset says through `stale_since` when
a row could not be kept up to date. A row about a relationship also has the `programme_id` of that relationship.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal, NamedTuple

from domain.words import DataClass

# integers and texts are lists, stored as JSON and exported as lists; json is for private columns alone.
Type = Literal["text", "integer", "real", "boolean", "time", "day", "integers", "texts", "json"]
Row = dict[str, Any]
Key = tuple[Any, ...]


class Column(NamedTuple):
    """One column: its name, its type, what it means, and the data class of what it holds (domain.words).

    A private column is kept in the table and left out of the dataset that people read. A `reference` names a person as messages do,
    with the role before the id (`mentor:ben`), or something else.
    """

    name: str
    type: Type
    doc: str
    data_class: DataClass = "operational"
    private: bool = False
    reference: bool = False


POSITION: Final = Column("position", "integer", "The place in the log of the last event that went into the row.")
STALE_SINCE: Final = Column(
    "stale_since",
    "integer",
    "Empty, or the place in the log of the event that could not be taken in: the row is as it was before that.",
)
RELATIONSHIP: Final = "relationship_id"
PROGRAMME: Final = Column("programme_id", "text", "The programme of the relationship.")


@dataclass(frozen=True)
class Table:
    """A table: its rows belong to one stream each, the one that the first column of the key names.

    `anonymous` rows don't say which stream they belong to: their position is that of the log, not that of a stream's last event.
    `columns` leaves out `position` and `stale_since`, which the engine adds. A table of relationships gets the column
    `programme_id` here, and the engine fills it in. `indexes` are for the queries of the docs. `order` is that of exports, where the
    key has a private column. `figures` are over enough people, with those over fewer hidden.
    """

    name: str
    doc: str
    columns: tuple[Column, ...]
    key: tuple[str, ...]
    indexes: tuple[tuple[str, ...], ...] = ()
    order: tuple[str, ...] = ()
    anonymous: bool = False
    figures: bool = False

    def __post_init__(self) -> None:
        names = [column.name for column in self.columns]
        if self.of_relationships and PROGRAMME.name not in names:
            place = names.index(RELATIONSHIP) + 1
            object.__setattr__(self, "columns", (*self.columns[:place], PROGRAMME, *self.columns[place:]))
        assert len(names) == len(set(names)), f"{self.name}: a column twice"
        assert {*self.key, *self.order} <= set(names), f"{self.name}: a key without a column"
        private = {column.name for column in self.columns if column.private}
        assert not private.intersection(self.order or self.key), f"{self.name}: ordered by what nobody sees"
        assert not {POSITION.name, STALE_SINCE.name} & set(names), f"{self.name}: a column of the engine"

    @property
    def subject(self) -> str:
        """The column that names the stream to which a row belongs."""
        return self.key[0]

    @property
    def of_relationships(self) -> bool:
        """Whether each row belongs to a relationship."""
        return self.subject == RELATIONSHIP

    @property
    def dataset(self) -> "Dataset":
        """What people read of it."""
        public = tuple(column for column in self.columns if not column.private)
        return Dataset(self.name, self.doc, (*public, POSITION, STALE_SINCE), self.order or self.key, self.figures)

    def key_of(self, row: Mapping[str, Any]) -> Key:
        """The key of a row."""
        return tuple(row[name] for name in self.key)


class Dataset(NamedTuple):
    """A table or view as people read it: its columns, and the columns that put its rows in order.

    `figures` says whether its rows are figures over enough people, with those over fewer hidden.
    """

    name: str
    doc: str
    columns: tuple[Column, ...]
    order: tuple[str, ...]
    figures: bool = False


def relationship_id(doc: str = "The relationship: the subject of its messages.", *, private: bool = False) -> Column:
    """The column by which the datasets of relationships are joined."""
    return Column(RELATIONSHIP, "text", doc, private=private)
