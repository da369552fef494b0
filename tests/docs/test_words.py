"""Plain English: the phrases that a reader has to take in twice are gone from the code and the pages.

Which words to use instead: CONTRIBUTING.md. The texts of the codes are their authors' own.
"""

import re
from pathlib import Path
from typing import Final

import pytest

ROOT: Final = Path(__file__).parents[2]
PACKAGES: Final = ("domain", "projections", "workers", "infra", "examples")
# Pages that say what was once said stay as they were written.
AS_WRITTEN: Final = ("docs/decisions", "CHANGELOG.md")
PHRASES: Final = (
    r"whoever",
    r"whomever",
    r", for that",
    r"what (?:\w+ ){1,4}ha(?:s|ve) otherwise",
    r"(?:are|is) others? than",
    r"on the supposition that",
    r"saves a look",
    r"is not held against",
)
# Names that made way for words a stranger would guess.
NAMES: Final = ("voices", "seeing", "detours", "roll", "stirred", "astray", "House", "Office")
HARD: Final = re.compile(rf"\b(?:{'|'.join(PHRASES)})\b".replace(r"\b(?:", r"(?<!\w)(?:", 1), re.IGNORECASE)


def texts() -> list[Path]:
    found = [path for name in PACKAGES for path in (ROOT / name).rglob("*.py")]
    found += [*(ROOT / "docs").rglob("*.md"), *ROOT.glob("*.md")]
    return [path for path in found if not path.relative_to(ROOT).as_posix().startswith(AS_WRITTEN)]


def test_no_sentence_has_to_be_read_twice() -> None:
    texts_ = texts()
    assert len(texts_) > 200
    found = {
        path.relative_to(ROOT).as_posix(): hard
        for path in texts_
        if (hard := HARD.findall(" ".join(path.read_text(encoding="utf-8").split())))
    }
    assert found == {}


def test_the_phrases_are_found_where_they_are() -> None:
    assert HARD.findall("Gives those whose states are others than whoever looked has seen, for that they changed.")
    assert HARD.search("What the new generations have otherwise than the live ones")
    assert not HARD.search("Returns the subjects whose state changed, for the next batch.")


@pytest.mark.parametrize("name", NAMES)
def test_no_class_or_function_has_a_name_that_made_way(name: str) -> None:
    defined = re.compile(rf"^\s*(?:class|def) {name}\b", re.MULTILINE)
    assert [path for path in texts() if path.suffix == ".py" and defined.search(path.read_text(encoding="utf-8"))] == []


# A word for two things is read wrongly at least once. Each of these has one meaning, and one file that defines it.
ONE_MEANING: Final = {
    "Batch": "infra/intake/batch.py",
    "PendingCommit": "infra/intake/pending_commit.py",
    "Claim": "domain/relationship/state.py",
}


@pytest.mark.parametrize("name", ONE_MEANING)
def test_a_class_of_this_name_is_one_thing(name: str) -> None:
    defined = re.compile(rf"^class {name}\b", re.MULTILINE)
    assert {
        path.relative_to(ROOT).as_posix()
        for path in texts()
        if path.suffix == ".py" and defined.search(path.read_text(encoding="utf-8"))
    } == {ONE_MEANING[name]}
