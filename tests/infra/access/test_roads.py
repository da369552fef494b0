"""No road shows more than the matrix allows: every text of every command is a canary, and each reader finds those alone that the one function opens.

Which canaries a reader may find is worked out here from the events themselves, field by field. With a reason to read, the history shows them
all and no others; every other read shows some of them; without a reason no read shows any.
"""

import asyncio
import json
from io import BytesIO
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import httpx
import pytest
import typer
from pyarrow.parquet import read_table

from domain.relationship.events import RelationshipProposed
from domain.sharing.answer import may_know, may_read
from domain.sharing.others import may_read_other
from domain.sharing.question import Reader
from domain.words import ROLES
from infra.access import tokens
from infra.access.fact_reader import FactReader
from infra.access.others import case as case_seen
from infra.access.others import mentor as mentor_seen
from infra.access.seen import Seen
from infra.access.standing import READERS, Asker, stands_in
from infra.access.tokens import Tokens
from infra.cli import explore
from infra.evidence.bundle import bundle
from infra.export.exporting import export
from infra.http.app import create_app
from infra.http.facts import BY_NAME
from infra.kafka.adopted import Adopted
from infra.kafka.facts import WITHOUT_IDS
from infra.operations.process import Process
from infra.operations.tracing import Tracing
from infra.projection_engine.pseudonyms import Pseudonyms
from infra.queries.as_at import NOW, Moment
from infra.queries.preview import history_as, history_read
from infra.queries.reading import Reading, read_content
from infra.queries.report import Asked, NoReport, report
from projections.catalogue import datasets
from tests.command import own_environment, rapport
from tests.e2e.contract.outside import iso
from tests.infra.access.roads import HOUSE, LATER, STRANGERS, Told, allowed_in, found_in, reader
from tests.infra.sealing.test_erasure_drill import birds_in

pytestmark = pytest.mark.xdist_group("roads")


# --- with a reason ---------------------------------------------------------------------------------------------------
def test_with_a_reason_a_history_shows_what_the_matrix_opens_and_nothing_else(story: Told) -> None:
    store, engine = story.read_once, story.rapport.engine
    wrong, shown = [], set()
    for subject in story.events:
        for who in story.readers(subject):
            allowed = allowed_in(story, subject, who)
            reading = Reading.by_operator("root", "a drill", who)
            roads = {
                "history": history_read(store, engine, subject, reading, NOW, LATER),
                "content": read_content(store, engine, Reading.by_caller(who, "a drill"), subject, LATER),
            }
            shown |= {(str(who.role), bird) for bird in allowed}
            wrong += [
                (subject, str(who), road, found_in(got) ^ allowed)
                for road, got in roads.items()
                if found_in(got) != allowed
            ]
    assert wrong == []
    # Somebody finds something: most of all the parties, of others' words the fewest machines.
    assert {role for role, _ in shown} >= {"mentee", "mentor", "coordinator", "supplier", "customer", "hr"}


def test_callers_find_nothing_that_the_matrix_keeps_from_them(story: Told) -> None:
    store, engine = story.read_once, story.rapport.engine
    wrong, count = [], 0
    for subject in story.relationships:
        for who in story.readers(subject):
            asker = Asker(who, None)
            if who.role not in READERS or not stands_in(store, engine, asker, subject, or_was_told=True):
                assert allowed_in(story, subject, who) == set() or who.role == "analyst"
                continue
            seen = Seen.of(store, engine, asker, subject, LATER)
            assert seen is not None
            half = Moment(version=len(story.events[subject]) // 2 + 1)
            roads = {
                "show": seen.show_with_words(NOW, "a drill") if seen.shows_state else None,
                "show at a version": seen.show_with_words(half, "a drill") if seen.shows_state else None,
                "history": seen.history(NOW, "a drill"),
                "history at a version": seen.history(half, "a drill"),
                "report": _report(story, subject, who),
            }
            quiet = {
                "show without a reason": seen.show_with_words(NOW, None) if seen.shows_state else None,
                "history without a reason": seen.history(NOW),
                "preview": history_as(store, engine, subject, who, NOW, LATER),
                "decisions": seen.decisions(),
            }
            allowed = allowed_in(story, subject, who)
            wrong += [
                (subject, str(who), road, found_in(got) - allowed)
                for road, got in roads.items()
                if found_in(got) - allowed
            ]
            wrong += [(subject, str(who), road, found_in(got)) for road, got in quiet.items() if found_in(got)]
            count += len(roads) + len(quiet)
    assert wrong == []
    assert count > 1_000


def _report(story: Told, subject: str, who: Reader) -> Any:
    if who.role not in {"line_manager", "customer", "coordinator"}:
        return None
    try:
        return report(story.rapport.store, story.rapport.engine, subject, Asked(who.role), LATER, str(who))
    except NoReport:
        return None


def test_mentors_and_cases_show_no_more_either(story: Told) -> None:
    engine = story.rapport.engine()
    pseudonyms = Pseudonyms(story.rapport.store.identity.secret)
    seen = 0
    for subject in story.others:
        kind, _, id_ = subject.partition(":")
        for who in [*story.readers(subject), reader("mentor:m1"), reader("mentee:m1")]:
            asker, got = Asker(who, None), None
            if kind == "case":
                got = case_seen(engine, asker, id_, NOW, LATER, "a drill")
            elif kind == "mentor":
                got = mentor_seen(engine, asker, id_, pseudonyms, NOW, LATER, "a drill")
            assert found_in(got) <= allowed_in(story, subject, who), (subject, str(who))
            assert got is None or str(who) not in STRANGERS, (subject, str(who))
            seen += len(found_in(got))
    # The office, hr and the service that look after the mentor, and the two that look after the case.
    assert seen >= 5


# --- over HTTP, all that can be asked --------------------------------------------------------------------------------
def test_no_answer_over_http_has_words_without_a_reason_nor_more_than_allowed_with_one(story: Told) -> None:
    asyncio.run(_ask_everything(story))


async def _ask_everything(story: Told) -> None:
    settings = story.rapport.settings
    app = create_app(story.rapport, Process("drill", Tracing(enabled=False)), Tokens.of(settings))
    subject = max(story.relationships, key=lambda each: len(story.events[each]))
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://here") as client,
    ):
        document = (await client.get("/openapi.json")).json()
        paths = [path for path, calls in document["paths"].items() if "get" in calls and path.startswith("/v1/")]
        assert len(paths) > 15
        ids = {"{id}": (subject, "m1", "c1"), "{name}": tuple(datasets())}
        answered = own = 0
        for who in story.readers(subject):
            if who.role not in ROLES or who.role == "worker":
                continue
            headers = {"Authorization": f"Bearer {tokens.issue(settings, who.role, who.id)}"}
            allowed = set[str]().union(*(allowed_in(story, each, who) for each in [subject, *story.others]))
            for path in paths:
                placeholder = path[path.index("{") : path.index("}") + 1] if "{" in path else ""
                for id_ in ids.get(placeholder, ("",)):
                    asked = path.replace(placeholder, id_) if placeholder else path
                    for query in ("", "?reveal=drill") if placeholder == "{id}" else ("",):
                        got = await client.get(asked + query, headers=headers)
                        assert got.status_code < 500, (asked, got.text)
                        answered += got.status_code == 200
                        found = birds_in(got.text)
                        if path == "/v1/me/data":
                            # All that is held about somebody is theirs to read without a reason.
                            assert found & story.birds <= story.mine(who.id), (str(who), asked)
                            own += len(found)
                        else:
                            assert found <= (allowed if query else set()), (str(who), asked)
        assert answered > 150
        assert own > 10


# --- what leaves without anybody's asking ----------------------------------------------------------------------------
def test_a_fact_goes_to_those_alone_who_may_know_that_it_happened(story: Told) -> None:
    """`GET /v1/events`, asked or streamed, and webhooks, which get what services get."""
    told = dict.fromkeys((*BY_NAME, *WITHOUT_IDS), 0)
    for role in told:
        facts = FactReader(story.rapport.store, "/rapport", Adopted(story.rapport.store), role, None)
        after, more = 0, True
        while more:
            page = facts.page(after, 1_000)
            after, more = page.position, page.more
            for _, body in page.facts:
                fact = json.loads(body)
                assert birds_in(body.decode()) == set()
                subject, _, version = fact["id"].rpartition("/")
                if subject not in story.relationships:
                    continue
                proposed = story.events[subject][0].data
                assert isinstance(proposed, RelationshipProposed)
                who = reader(f"{role}:{proposed.supplier_id if role == 'supplier' else HOUSE[role]}")
                matter = story.matter(subject, who)
                assert matter is not None
                asked = matter.fact(int(version))
                assert asked is not None
                assert may_know(matter.situation, who, asked), (role, fact["type"])
                assert may_read(matter.situation, who, "operational", asked).allowed, (role, fact["type"])
                told[role] += 1
    assert min(told.values()) > 50, told


def test_exports_and_bundles_hold_no_words(story: Told, tmp_path: Path) -> None:
    engine = story.rapport.engine()
    for name in datasets():
        target = tmp_path / f"{name}.parquet"
        export(engine, name, target)
        assert found_in(read_table(target).to_pylist()) == set(), name
    env = own_environment(
        RAPPORT_STORE=story.rapport.settings.store, RAPPORT_CLOCK=iso(LATER), RAPPORT_SYNCHRONOUS="off"
    )
    target = tmp_path / "bundle.zip"
    done = rapport("audit", "bundle", story.busiest, "-o", target, cwd=tmp_path, env=env)
    assert done.returncode == 0, done.stderr
    assert _birds_in_zip(target.read_bytes()) == set()
    checkpoints = story.rapport.checkpoints()
    note, signer = checkpoints.signed(), checkpoints.signer()
    for subject in story.events:
        assert _birds_in_zip(bundle(story.rapport.store, subject, signer, note, LATER)) == set(), subject


def _birds_in_zip(packed: bytes) -> set[str]:
    with ZipFile(BytesIO(packed)) as found:
        return set().union(*(birds_in(found.read(name).decode()) for name in found.namelist()))


@pytest.mark.timeout(900)
def test_explorations_hold_no_words(story: Told, tmp_path: Path) -> None:
    env = own_environment(
        RAPPORT_STORE=story.rapport.settings.store, RAPPORT_CLOCK=iso(LATER), RAPPORT_SYNCHRONOUS="off"
    )
    app = typer.Typer()
    explore.register(app)
    [questions] = [group.typer_instance for group in app.registered_groups]
    assert questions is not None
    for question in [str(each.name) for each in questions.registered_commands]:
        done = rapport("explore", question, "--json", cwd=tmp_path, env=env, timeout=600)
        assert done.returncode == 0, done.stderr
        assert birds_in(done.stdout.decode()) == set(), question


# --- notices ---------------------------------------------------------------------------------------------------------
def test_nobody_is_notified_of_what_they_may_not_know(story: Told) -> None:
    query = "SELECT n.recipient, n.template, d.evidence_of, d.evidence FROM notifications n JOIN decisions d ON d.id = n.decision"
    found, asked = set(), 0
    for recipient, template, subject, evidence in story.rapport.database.query(query):
        role, _, id_ = recipient.partition(":")
        who = reader(f"{role}:{id_ or HOUSE.get(role, 'somebody')}")
        if ":" in subject:
            asked += 1
            author = next(iter(story.rapport.store.read(subject))).actor
            if not may_read_other(subject, who, "operational", author).allowed:
                found.add((template, role))
            continue
        # hr is told of what it is to look into, and of that alone.
        if role == "hr":
            continue
        matter = story.matter(subject, who)
        assert matter is not None
        for version in json.loads(evidence):
            fact = matter.fact(version)
            asked += 1
            if fact is not None and not may_know(matter.situation, who, fact):
                found.add((template, role))
    assert found == set()
    assert asked > 300
