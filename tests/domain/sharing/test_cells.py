"""Cells of the matrix by hand: for some circumstances, who sees an event that the mentee said, and the clause that keeps the others out."""

from typing import Any

import pytest

from domain.sharing.answer import may_read
from domain.words import DATA_CLASSES
from tests.domain.sharing.scene import fact, reader, scene
from tests.domain.sharing.spoken import ALL_CODES, READERS

# y sees it, - does not. Columns: mentee mentor | customer line_manager supplier | coordinator hr | service analyst auditor | public
NOTHING_SETTLED_UNDER_PENTALOG = """
operational         yy y-y y- yyy -  none
identity            yy yyy y- y-- -  none
attendance          yy y-y y- yy- -  pentalog.mentor-free
schedule            yy y-y y- yy- -  pentalog.mentor-free
time_spent          yy y-y y- yy- -  pentalog.mentor-free
goal_presence       yy y-y y- yy- -  pentalog.mentor-free
goal_types          yy y-y y- yy- -  pentalog.mentor-free
goal_outcomes       yy y-y y- yy- -  pentalog.mentor-free
process_improvement yy y-y y- yy- -  pentalog.mentor-free
nps_score           y- --- -- --- -  pentalog.mentor-free pentalog.mentor-with-consent
goals               yy --- -- --- -  pentalog.mentor-with-consent
challenges          yy --- -- --- -  pentalog.mentor-with-consent
feedback            y- --- -- --- -  pentalog.mentor-with-consent
nps_comment         y- --- -- --- -  pentalog.mentor-with-consent
testimonial         y- --- -- --- -  pentalog.mentor-with-consent pentalog.supplier-with-consent
success_story       yy y-y y- --- -  pentalog.supplier-with-consent
session_content     -- --- -- --- -  pentalog.session-content
contact_details     y- --y y- --- -  none
assessment          y- --y y- --- -  pentalog.assessment-visible
profile             -- --y y- --- -  none
safeguarding        y- --- -- --- -  none
process             yy --y y- --- -  none
"""
EVERY_CONSENT_AND_AGREEMENT_UNDER_PENTALOG = """
operational         yy y-y y- yyy -  none
identity            yy yyy y- y-- -  none
attendance          yy yyy y- yyy -  pentalog.mentor-free
goal_outcomes       yy yyy y- yyy -  pentalog.mentor-free
nps_score           yy --- -- --y -  pentalog.mentor-free
goals               yy yyy y- --y -  pentalog.mentor-with-consent
challenges          yy yyy y- --y -  pentalog.mentor-with-consent
feedback            y- y-y y- --y -  pentalog.mentor-with-consent
nps_comment         y- y-y y- --y -  pentalog.mentor-with-consent
testimonial         y- yyy y- --y y  pentalog.mentor-with-consent
success_story       yy y-y y- --y y  pentalog.supplier-with-consent
session_content     -- --- -- --y -  pentalog.session-content
contact_details     yy --y y- --- -  none
assessment          yy yyy y- --y -  pentalog.assessment-visible
profile             y- --y y- --- y  none
safeguarding        y- --- -- --- -  none
process             yy --y y- --- -  none
"""
NOTHING_SETTLED_UNDER_LEAPFROG = """
operational         yy y-y y- yyy -  none
identity            yy yyy y- y-- -  none
attendance          yy --- -- --- -  leapfrog.confidentiality
schedule            yy --- -- --- -  leapfrog.confidentiality
goal_outcomes       yy --- -- --- -  leapfrog.confidentiality
nps_score           y- --- -- --- -  leapfrog.confidentiality
goals               yy --- -- --- -  leapfrog.confidentiality
challenges          yy --- -- --- -  leapfrog.confidentiality
feedback            y- --- -- --- -  leapfrog.confidentiality
session_content     -- --- -- --- -  leapfrog.confidentiality
contact_details     y- --y y- --- -  leapfrog.confidentiality
assessment          y- --y y- --- -  leapfrog.confidentiality
safeguarding        y- --- -- --- -  leapfrog.confidentiality
process             yy --y y- --- -  leapfrog.confidentiality
"""
EVERYTHING_AGREED_UNDER_CMN = """
operational         yy y-y y- yyy -  none
attendance          yy yyy y- yy- -  cmn.outputs
time_spent          yy yyy y- yy- -  cmn.outputs
nps_score           y- --- -- --- -  cmn.outputs cmn.confidentiality-level
goals               yy yyy y- --- -  cmn.outputs cmn.confidentiality-level
challenges          yy yyy y- --- -  cmn.outputs cmn.confidentiality-level
feedback            y- --- -- --- -  cmn.end-feedback
session_content     -- yyy yy --- -  cmn.confidentiality-level
assessment          y- --y y- --- -  cmn.outputs cmn.confidentiality-level
safeguarding        y- --- -- --- -  cmn.disclosure
process             yy --y y- --- -  cmn.outputs cmn.confidentiality-level
"""
NOTHING_SETTLED_UNDER_NOTTINGHAM = """
operational         yy y-y y- yyy -  none
attendance          yy --y y- yy- -  nottingham.confidentiality none
goals               yy --- -- --- -  nottingham.confidentiality none
feedback            y- --- y- --- -  nottingham.coordinator-feedback
session_content     -- --- -- --- -  nottingham.confidentiality
contact_details     y- --y y- --- -  nottingham.contact-details
profile             -- --y y- --- -  nottingham.profile
safeguarding        y- --- -- --- -  nottingham.confidentiality
process             yy --y y- --- -  nottingham.confidentiality none
"""
EVERY_CONSENT_AND_AGREEMENT_UNDER_ALL_FIVE = """
operational         yy y-y y- yyy -  none
attendance          yy yyy y- yyy -  pentalog.mentor-free cmn.outputs leapfrog.confidentiality
goals               yy yyy y- --y -  pentalog.mentor-with-consent leapfrog.confidentiality
feedback            y- y-y y- --y -  nottingham.coordinator-feedback
nps_comment         y- y-y y- --y -  pentalog.mentor-with-consent
session_content     -- --- -- --y -  pentalog.session-content
success_story       yy y-y y- --y y  pentalog.supplier-with-consent
assessment          yy yyy y- --y -  pentalog.assessment-visible
safeguarding        y- --- -- --- -  nottingham.confidentiality
process             yy --y y- --- -  nottingham.confidentiality leapfrog.confidentiality cmn.outputs
"""
BLOCKS = (
    (NOTHING_SETTLED_UNDER_PENTALOG, ["pentalog"], False, False),
    (EVERY_CONSENT_AND_AGREEMENT_UNDER_PENTALOG, ["pentalog"], True, True),
    (NOTHING_SETTLED_UNDER_LEAPFROG, ["leapfrog"], False, False),
    (EVERYTHING_AGREED_UNDER_CMN, ["cmn"], False, True),
    (NOTHING_SETTLED_UNDER_NOTTINGHAM, ["nottingham"], False, False),
    (EVERY_CONSENT_AND_AGREEMENT_UNDER_ALL_FIVE, list(ALL_CODES), True, True),
)
ROWS = [
    (*line.replace("-  ", "- ").split(maxsplit=1), codes, consented, agreed)
    for block, codes, consented, agreed in BLOCKS
    for line in block.strip().splitlines()
]


@pytest.mark.clause(
    "pentalog.mentor-free",
    "pentalog.mentor-with-consent",
    "pentalog.supplier-with-consent",
    "pentalog.assessment-visible",
    "pentalog.session-content",
    "cmn.outputs",
    "leapfrog.confidentiality",
    "nottingham.profile",
    "nottingham.contact-details",
    "nottingham.confidentiality",
)
@pytest.mark.parametrize("data_class, row, codes, consented, agreed", ROWS)
def test_a_row_by_hand(data_class: Any, row: str, codes: list[str], consented: bool, agreed: bool) -> None:
    cells, clauses = _split(row)
    everybody = [
        (giver, each, role) for giver in ("mentee", "mentor", "customer") for each in DATA_CLASSES for role in READERS
    ]
    situation = scene(
        codes,
        consents=everybody if consented else (),
        shared=[(each, role) for each in DATA_CLASSES for role in READERS] if agreed else (),
    )
    about = fact(data_class, "mentee")
    for role, cell in zip(READERS, cells, strict=True):
        answer = may_read(situation, reader(role), data_class, about)
        assert answer.allowed is (cell == "y"), (role, answer)
        if not answer.allowed and role != "public":
            assert (answer.clause or "none") in clauses, (role, answer)


def _split(row: str) -> tuple[str, set[str]]:
    """The eleven cells of a row, and the clauses behind it."""
    words = row.split()
    first = next(place for place, word in enumerate(words) if set(word) - {"y", "-"})
    return "".join(words[:first]), set(words[first:])
