"""Play the examples into a fresh store and show a person what came of them: `python -m examples.play`, or `make run`."""

import tempfile
from collections import Counter
from pathlib import Path
from typing import Any, Final

import orjson
from rich.console import Console
from rich.padding import Padding
from rich.text import Text

from infra.bootstrap import Rapport, open_rapport
from infra.intake.receipt import Receipt
from infra.queries.as_at import NOW
from infra.queries.history import history
from infra.queries.subject import show_subject
from infra.settings import Settings

HERE: Final = Path(__file__).parent
FILES: Final = ("pentalog", "mentor247", "cmn", "leapfrog", "nottingham", "refusals")
STATES: Final = {"contracting": "yellow", "active": "green", "paused": "cyan", "terminated": "magenta"}
# The events that a relationship's history in brief is made of, and how each is said.
MILESTONES: Final = {
    "RelationshipProposed": "proposed",
    "RelationshipActivated": "active",
    "RelationshipPaused": "paused",
    "RelationshipResumed": "resumed",
    "CommitmentConcernRaised": "concern",
    "TrustBreakdownReported": "trust broken",
    "TrustRestored": "trust restored",
    "FactContested": "contested",
    "FactCorrected": "corrected",
    "RelationshipTerminated": "ended",
    "EndReviewRecorded": "reviewed",
    "RecordsSecured": "records secured",
}


def main() -> None:
    """Submit every example, then print each relationship, the refusals, and what to type next."""
    console = Console(highlight=False)
    store = Path(tempfile.mkdtemp(prefix="rapport-")) / "rapport.sqlite"
    with open_rapport(Settings(store=f"sqlite:///{store}")) as rapport:
        refused: list[Receipt] = []
        for name in FILES:
            lines = (HERE / f"{name}.jsonl").read_bytes().splitlines()
            receipts = rapport.handler.handle(lines)
            refused += [receipt for receipt in receipts if receipt.status != "accepted"]
            statuses = Counter(receipt.status for receipt in receipts)
            told = ", ".join(f"{count} {status}" for status, count in statuses.items())
            console.rule(Text(f"examples/{name}.jsonl: {len(lines)} messages, {told}", style="bold"), align="left")
            for subject in _proposed(lines):
                _print_relationship(console, rapport, subject)
    _print_refusals(console, refused)
    _print_next(console, store)


def _proposed(lines: list[bytes]) -> list[str]:
    messages = map(orjson.loads, lines)
    return [message["subject"] for message in messages if message["type"] == "rapport.ProposeRelationship"]


def _print_relationship(console: Console, rapport: Rapport, subject: str) -> None:
    shown = show_subject(rapport.store, subject, NOW, rapport.clock.now())
    assert shown is not None, "what was proposed is there"
    state = (shown["state"], f"bold {STATES[shown['state']]}")
    between = f"{shown['mentee_id']} with {shown['mentor_id']}, under {', '.join(shown['codes'])}"
    if shown["follows"]:
        between += f", follows {shown['follows']}"
    console.print(Text.assemble(state, f" {subject}  {between}"), soft_wrap=True)
    if gates := shown["unmet_gates"]:
        told = f"open gates: {', '.join(gate['clause'] for gate in gates)}"
        console.print(Padding.indent(Text(told, style="yellow"), 2))
    counted = [_counted(shown, "sessions"), _counted(shown, "goals"), f"version {shown['version']}"]
    console.print(Padding.indent("; ".join(part for part in counted if part), 2))
    console.print(Padding.indent(Text(_brief(history(rapport.store, subject)), style="dim"), 2), "")


def _counted(shown: dict[str, Any], what: str) -> str:
    statuses = Counter(each["status"] for each in shown[what])
    return f"{what}: " + ", ".join(f"{count} {status}" for status, count in statuses.items()) if statuses else ""


def _brief(entries: list[dict[str, Any]]) -> str:
    """The milestones, each with its day; a reason or clause where the event names one."""
    said = []
    for entry in entries:
        if word := MILESTONES.get(entry["type"].removeprefix("rapport.")):
            why = entry["data"].get("clause") or (entry["data"].get("reason") if word == "ended" else None)
            said.append(f"{entry['occurred_at']:%Y-%m-%d} {word}" + (f" ({why})" if why else ""))
    return " · ".join(said)


def _print_refusals(console: Console, refused: list[Receipt]) -> None:
    """One line a clause (or a code, where no clause spoke), with what the first refusal said."""
    console.rule(Text(f"{len(refused)} refusals, as they were meant to be", style="bold"), align="left")
    spoke = {problem.clause or problem.code: problem.message for each in reversed(refused) for problem in each.problems}
    for clause, message in sorted(spoke.items()):
        told = Text.assemble((f"  {clause:<{max(map(len, spoke))}}  ", "yellow"), message)
        console.print(told, no_wrap=True, overflow="ellipsis")
    console.print()


def _print_next(console: Console, store: Path) -> None:
    console.rule(Text("What to type next", style="bold"), align="left")
    cmn = _proposed((HERE / "cmn.jsonl").read_bytes().splitlines())[0]
    for line in (
        f"export RAPPORT_STORE=sqlite:///{store}  # the store with all of the above; delete the folder when done",
        f".venv/bin/rapport show {cmn} --as-of 2024-11-20T00:00Z  # as it stood while paused",
        f".venv/bin/rapport history {cmn}",
        ".venv/bin/rapport audit verify",
        ".venv/bin/rapport codes show cmn.pause-or-stop",
        ".venv/bin/rapport submit examples/cmn.jsonl  # again: every message is a duplicate",
        ".venv/bin/rapport simulate --relationships 100 --seed 7 | .venv/bin/rapport submit --walk - > receipts.jsonl",
    ):
        console.print(Text(f"  {line}"), soft_wrap=True)


if __name__ == "__main__":
    main()
