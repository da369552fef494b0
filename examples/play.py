"""Play the examples into a fresh store, show a person what came of them, and serve it: `python -m examples.play`, or `make run`.

Without a terminal it ends by itself; `--serve` and `--no-serve` say what is wanted.
"""

import argparse
import shlex
import sys
import tempfile
from collections import Counter
from datetime import UTC, datetime, timedelta
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
FILES: Final = ("people", "pentalog", "mentor247", "cmn", "leapfrog", "nottingham", "refusals")
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
    """Submit every example, then print each relationship, the refusals, and what to type next; serve the store if asked to."""
    parser = argparse.ArgumentParser(description="Play the examples into a fresh store and serve it.")
    parser.add_argument("--serve", action=argparse.BooleanOptionalAction, default=sys.stdin.isatty())
    parser.add_argument("--port", type=int, default=8080, help="the port to listen on; 0: a free one")
    wanted = parser.parse_args()
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
    if wanted.serve:
        _serve(console, store, wanted.port)


def _serve(console: Console, store: Path, port: int) -> None:
    """Serve the store until Ctrl-C."""
    from examples import demo
    from infra.access import local_key
    from infra.access.tokens import Tokens
    from infra.http.serving import CannotListen, Place, listening, serve
    from infra.operations.process import observed
    from infra.web.site import pages

    settings = Settings(store=f"sqlite:///{store}", token_key_file=store.parent / "token-key", log_level="warning")
    local_key.make(local_key.place(settings))
    place = Place(port=port)
    with open_rapport(settings) as rapport, observed("serve", settings) as process:
        process.watch_store(rapport.store)
        persons = demo.save(demo.tell(rapport), store.parent / "persons.toml")
        with_demo = settings.model_copy(update={"demo_persons": persons})
        try:
            with listening(place) as (listener, url):
                serve(
                    rapport,
                    process,
                    Tokens.of(settings),
                    place,
                    listener,
                    part=pages(with_demo),
                    started=lambda: _print_requests(console, settings, url),
                )
        except CannotListen as error:
            sys.exit(f"{error}; make run ARGS='--port 0' takes a free port")


def _print_requests(console: Console, settings: Settings, url: str) -> None:
    """Where the pages are, and three things to ask of the API."""
    from infra.access.tokens import issue

    token = issue(settings, "coordinator", "cora", lasting=timedelta(hours=12))
    cmn = _proposed((HERE / "cmn.jsonl").read_bytes().splitlines())[0]
    contact = {
        "specversion": "1.0",
        "id": "try-1",
        "source": "/try",
        "type": "rapport.ReviewRelationship",
        "subject": cmn,
        "time": f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}",
        "actor": "coordinator:cora",
        "data": {"note": "tried over HTTP"},
    }
    console.print()
    console.rule(Text("Look at it in your browser; Ctrl-C stops it", style="bold"), align="left")
    console.print(Text.assemble("  ", (url, "bold underline"), "  sign in as somebody of the demo, without a password"))
    console.print()
    console.rule(Text("Or ask the API", style="bold"), align="left")
    given = '-H "Authorization: Bearer $TOKEN"'
    sent = shlex.quote(orjson.dumps(contact).decode())
    for line in (
        f"TOKEN={token}  # of coordinator:cora, for 12 hours",
        f"curl {given} {url}/v1/relationships/{cmn}",
        f"curl {given} '{url}/v1/events?after=0&limit=5'  # facts; add -H 'Accept: text/event-stream' to be sent them as they come",
        f"curl {given} -H 'Content-Type: application/cloudevents+json' -d {sent} {url}/v1/messages",
    ):
        console.print(Text(f"  {line}"), soft_wrap=True)


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
    console.print(Text.assemble(state, f" {subject}"))
    console.print(Padding.indent(Text(between), 2))
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
    console.rule(Text("What to type next, in another terminal while this one serves", style="bold"), align="left")
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
