"""CSV that every reader takes for the same rows, and no spreadsheet for formulas."""

import csv
import io
from datetime import UTC, date, datetime
from pathlib import Path

import duckdb
import pytest

from infra.export.csv_text import Cells, guarded, row

TEXTS = [
    "cr\rmid",
    "lf\nmid",
    "crlf\r\n",
    "a,b",
    'say "x"',
    "\u2028",
    "\x85",
    " lead",
    "trail ",
    "",
    "a;b",
    "'x",
    "#",
    "日本",
]


@pytest.mark.parametrize("sign", [*list("=+-@\t\r\n"), "＝", "＋", "－", "＠", " =", "\u200b=", "\ufeff@", "\x00="])  # noqa: RUF001
def test_a_formula_begins_with_an_apostrophe_unless_it_is_wanted_raw(sign: str) -> None:
    text = f"{sign}cmd|' /C calc'!A1"
    assert guarded(text) == f"'{text}"
    assert next(csv.reader(io.StringIO(row([text], guard=True), newline=""))) == [f"'{text}"]
    assert next(csv.reader(io.StringIO(row([text], guard=False), newline=""))) == [text]


@pytest.mark.parametrize("text", ["-5", "-5.25", "ana", "6f1e-x", "a=b", "1+1", ""])
def test_plain_numbers_and_words_stay(text: str) -> None:
    assert guarded(text) == text


@pytest.mark.parametrize("text", ["-5+1", "-1e3=", "--5", "-", "+5", "-٣"])
def test_what_only_looks_like_a_number_is_guarded(text: str) -> None:
    assert guarded(text) == f"'{text}"


def test_any_text_comes_back_as_it_was(tmp_path: Path) -> None:
    lines = "".join(row([text, "end", -1, None], guard=False) for text in TEXTS)
    assert [found[0] for found in csv.reader(io.StringIO(lines, newline=""))] == TEXTS
    file = tmp_path / "t.csv"
    file.write_text("text,end,number,none\n" + lines, encoding="utf-8", newline="")
    read = duckdb.execute(f"SELECT text FROM read_csv('{file}', header=true, allow_quoted_nulls=false)").fetchall()
    assert [found[0] for found in read] == TEXTS


def test_typed_cells_are_bare_and_the_same_on_every_python() -> None:
    cells = [datetime(2026, 3, 2, 9, tzinfo=UTC), date(2026, 3, 2), True, None, -1, 0.5, "", "p1", "x\ry"]
    assert row(cells, guard=True) == '2026-03-02T09:00:00Z,2026-03-02,true,,-1,0.5,"",p1,"x\ry"\n'


def test_the_texts_of_a_column_are_those_of_its_cells_whichever_database_they_come_from() -> None:
    times = [datetime(2026, 3, 2, 9, tzinfo=UTC), datetime(2026, 3, 2, 9, 0, 0, 250_000, tzinfo=UTC), None]
    texts = ["2026-03-02T09:00:00Z", "2026-03-02T09:00:00.250000Z", ""]
    assert Cells("time", guard=True).of(times) == texts
    assert Cells("time", guard=True).of(["2026-03-02T09:00:00.000000Z", "2026-03-02T09:00:00.250000Z", None]) == texts
    assert Cells("boolean", guard=True).of([True, 0, None, 1]) == ["true", "false", "", "true"]
    assert Cells("texts", guard=True).of([["a", "b"], '["a","b"]']) == ['"[""a"",""b""]"'] * 2
    assert Cells("integers", guard=True).of([[1, 2], "[1,2]", None]) == ['"[1,2]"', '"[1,2]"', ""]
    assert Cells("integer", guard=True).of([-1, 0, None]) == ["-1", "0", ""]
    assert Cells("real", guard=True).of([-0.5, 2.0]) == ["-0.5", "2.0"]


@pytest.mark.parametrize("guard", [True, False])
def test_a_column_is_quoted_and_guarded_like_a_row(guard: bool) -> None:
    values = [*TEXTS, "=1+1", "-5", "@x", "x.000000Z", None, *TEXTS]
    cells = Cells("text", guard=guard).of(values)
    assert [f"{cell}\n" for cell in cells] == [row([value], guard=guard) for value in values]


def test_no_more_texts_are_kept_than_fit() -> None:
    cells = Cells("text", guard=True)
    texts = [f"id{number}" for number in range(2 * Cells.KEPT + 1)]
    assert cells.of(texts) == texts
    assert len(cells) <= Cells.KEPT
