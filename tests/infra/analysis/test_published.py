"""Published examples through the command line: relationships that last as long as those patients did, and what `rapport explore` and `rapport nps` say of them."""

import json
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import NormalDist
from typing import Any

import pytest
from typer.testing import CliRunner

from infra.bootstrap import open_rapport
from infra.cli.app import build
from infra.settings import Settings
from tests.infra.analysis.test_statistics import (
    ALL_BUT_ONE,
    ENDED,
    MAINTAINED,
    NOT_MAINTAINED,
    OF_STATA,
    PLACEBO,
    RELAPSED,
    TREATED,
)
from tests.messages import line, proposal, relationship_id

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
LATEST = timedelta(days=200)
Group = tuple[str, Sequence[int], Sequence[bool]]


def lasting(groups: Sequence[Group]) -> Iterator[bytes]:
    """A relationship for each patient, active for a day for each week; whoever was still in remission still goes on."""
    number = 0
    for programme, days, ended in groups:
        for lasted, over in zip(days, ended, strict=True):
            number += 1
            began = NOW - (LATEST if over else timedelta(days=lasted))
            fields: dict[str, Any] = {"subject": relationship_id(number), "time": began.isoformat()}
            told = json.loads(proposal(number, programme_id=programme, mentee_id=f"m{number}"))
            yield json.dumps(told | {"time": (began - timedelta(days=1)).isoformat()}).encode()
            yield line("ActivateRelationship", id=f"begin-{number}", **fields)
            if over:
                ending = {"reason": "no_longer_helping", "informed": ["mentee", "mentor"], "next_steps": "None."}
                fields["time"] = (began + timedelta(days=lasted)).isoformat()
                yield line("TerminateRelationship", ending, id=f"end-{number}", **fields)


def answer(folder: Path, told: Iterator[bytes], *asked: str) -> Any:
    """What the command answers in JSON about these messages."""
    store = f"sqlite:///{folder / 'store.sqlite'}"
    with open_rapport(Settings(store=store, synchronous="off", clock=NOW)) as rapport:
        receipts = rapport.handler.handle(list(told))
        assert [receipt.problems for receipt in receipts if receipt.status != "accepted"] == []
    environment = {"RAPPORT_STORE": store, "RAPPORT_CLOCK": NOW.isoformat()}
    found = CliRunner().invoke(build(), [*asked, "--json"], env=environment)
    assert found.exit_code == 0, found.stderr
    return json.loads(found.stdout)


def test_survival_in_the_leukaemia_trial_is_what_stata_prints(tmp_path: Path) -> None:
    """Published examples: survival and its intervals through the product, equal to theirs (Freireich and others 1963; Kleinbaum and Klein)."""
    groups: list[Group] = [("mp", TREATED, RELAPSED), ("placebo", PLACEBO, [True] * 21)]
    found = answer(tmp_path, lasting(groups), "explore", "survival", "--by", "programme")
    steps = [row for row in found["rows"] if row["group"] == "mp" and row["ended"]]
    shown = [(row["day"], row["at_risk"], row["ended"], *(round(row[name], 4) for name in ("survival", "low", "high"))) for row in steps]  # fmt: skip
    assert shown == OF_STATA
    assert (found["groups"]["mp"]["median"], found["groups"]["placebo"]["median"]) == (23, 8)
    assert (round(found["log_rank"]["statistic"], 2), found["log_rank"]["degrees"]) == (16.79, 1)


def test_survival_with_and_without_maintenance_is_what_r_prints(tmp_path: Path) -> None:
    """Published examples: `aml` of R's package survival (Miller 1981). The curve ends where fewer than five are at risk."""
    groups: list[Group] = [("maintained", MAINTAINED, ENDED), ("not-maintained", NOT_MAINTAINED, ALL_BUT_ONE)]
    found = answer(tmp_path, lasting(groups), "explore", "survival", "--by", "programme")
    steps = [(row["day"], row["at_risk"], round(row["survival"], 3)) for row in found["rows"] if row["group"] == "maintained" and row["ended"]]  # fmt: skip
    assert steps == [(9, 11, 0.909), (13, 10, 0.818), (18, 8, 0.716), (23, 7, 0.614), (31, 5, 0.491)]
    assert (found["groups"]["maintained"]["median"], found["groups"]["not-maintained"]["median"]) == (31, 23)
    assert (round(found["log_rank"]["statistic"], 1), round(found["log_rank"]["p"], 4)) == (3.4, 0.0653)


@pytest.mark.parametrize("active, of, low, high", [(0, 20, 0.0, 0.1611), (15, 148, 0.0624, 0.1605)])
def test_intervals_of_a_funnel_are_those_of_newcombe(
    tmp_path: Path, active: int, of: int, low: float, high: float
) -> None:
    """Published examples: Newcombe, Statistics in Medicine 17 (1998), table I, method 3; of groups that may be shown."""
    told = [proposal(number, mentee_id=f"m{number}") for number in range(1, of + 1)]
    told += [
        line("ActivateRelationship", id=f"begin-{number}", subject=relationship_id(number))
        for number in range(1, active + 1)
    ]
    [row] = [row for row in answer(tmp_path, iter(told), "explore", "funnel")["rows"] if row["step"] == "active"]
    assert (row["relationships"], round(row["low"], 4), round(row["high"], 4)) == (active, low, high)


def test_the_interval_of_nps_is_that_of_its_publication(tmp_path: Path) -> None:
    """Rocks, The American Statistician 70 (2016), and his R package NPS: Wald's interval of the mean with ¾, 1½ and ¾ of an answer added."""
    scores = [10] * 9 + [9] * 2 + [8] * 4 + [7] + [6] * 2 + [3, 0]
    told = [proposal(number, mentee_id=f"m{number}") for number in range(1, len(scores) + 1)]
    told += [
        line("RespondToNps", {"occasion": "mid", "score": score}, id=f"nps-{number}", actor=f"mentee:m{number}", subject=relationship_id(number))
        for number, score in enumerate(scores, 1)
    ]  # fmt: skip
    [row] = answer(tmp_path, iter(told), "nps")
    weights = {1: 11 + 0.75, 0: 5 + 1.5, -1: 4 + 0.75}
    total = sum(weights.values())
    mean = sum(value * weight for value, weight in weights.items()) / total
    variance = sum(weight * (value - mean) ** 2 for value, weight in weights.items()) / total
    half = NormalDist().inv_cdf(0.975) * (variance / total) ** 0.5
    assert (row["n"], row["nps"]) == (20, 35.0)
    assert (row["low"], row["high"]) == (round(100 * (mean - half), 1), round(100 * (mean + half), 1))
