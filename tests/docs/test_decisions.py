"""The list of decisions names each one once, in the order of their numbers."""

import re
from pathlib import Path
from typing import Final

DECISIONS: Final = Path(__file__).parents[2] / "docs/decisions"


def test_every_decision_is_listed_once_in_order() -> None:
    listed = re.findall(r"^\| \[(\d{4})\]\(((\d{4})-[^)]+)\)", (DECISIONS / "README.md").read_text(), re.MULTILINE)
    assert [file for _, file, _ in listed] == sorted(file.name for file in DECISIONS.glob("0*.md"))
    assert all(number == of_file for number, _, of_file in listed)
