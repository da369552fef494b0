"""What is made of rows for analysts: which are left out, and in which order they come."""

import pytest

from projections.catalogue import datasets
from projections.readers import READERS, DatasetReader, Masking, is_ordered_by_person


def backwards(value: str, reference: bool = False) -> str:
    """A pseudonym that comes the later the earlier the id does."""
    return f"p_{100 - int(value[1:])}"


@pytest.mark.parametrize("reader", READERS)
def test_people_stand_where_their_pseudonyms_do_within_what_comes_before_them(reader: DatasetReader) -> None:
    practices = datasets()["practices"]
    blank = dict.fromkeys(column.name for column in practices.columns)
    places = [
        ("a.one", "p1", mentor, month) for mentor in ("m11", "m12", "m13") for month in ("2026-01", "2026-02")
    ] + [("a.two", "p1", mentor, "2026-01") for mentor in ("m12", "m13")]
    stored = [blank | dict(zip(practices.order, place, strict=True)) for place in places]
    seen = list(Masking(practices, reader, backwards).rows(stored, {}))
    assert [(row["clause"], row["mentor_id"], row["month"]) for row in seen] == [
        ("a.one", "p_87", "2026-01"),
        ("a.one", "p_87", "2026-02"),
        ("a.one", "p_88", "2026-01"),
        ("a.one", "p_88", "2026-02"),
        ("a.one", "p_89", "2026-01"),
        ("a.one", "p_89", "2026-02"),
        ("a.two", "p_87", "2026-01"),
        ("a.two", "p_88", "2026-01"),
    ]


def test_no_masked_dataset_is_in_the_order_of_persons() -> None:
    """What names a person and puts rows in order: `subject` of the timeline, which comes as the log does, and mentors."""
    assert {name for name, dataset in datasets().items() if is_ordered_by_person(dataset)} == {"mentors", "practices"}
    for name, dataset in datasets().items():
        masking = Masking(dataset, "analyst", backwards)
        persons = {column.name for column in dataset.columns if column.data_class == "identity"}
        assert persons.isdisjoint(masking.order) or is_ordered_by_person(dataset), name
