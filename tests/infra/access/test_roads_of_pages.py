"""No page shows more than the matrix allows: every page and every form of the app, as everybody who may sign in, on the store of the roads.

The pages are those that the app has, so a new one is tried without being named here. Whoever opens a page finds canaries alone that the
one function opens to them, and what they found is on record as read; the office finds names at most before it gives a reason.
"""

from collections import defaultdict
from collections.abc import Iterator
from importlib import import_module
from io import BytesIO
from typing import NamedTuple
from zipfile import ZipFile

import pytest
from fastapi.routing import APIRoute
from starlette.testclient import TestClient

from domain.registry import COMMANDS
from domain.relationship.permissions import may_send
from domain.sharing.question import Reader
from domain.words import NAMED_ROLES
from infra.access.tokens import TOKEN_ROLES, Tokens
from infra.http.app import create_app
from infra.operations.process import Process
from infra.operations.tracing import Tracing
from infra.web.figures import FIGURES
from infra.web.senders import OF_OTHERS
from infra.web.site import ROUTERS, pages
from projections.catalogue import datasets
from tests.infra.access.roads import Told, allowed_in, found_in, names_known_in
from tests.infra.sealing.test_erasure_drill import birds_in
from tests.infra.web.browsing import Browser
from tests.sizes import size

pytestmark = pytest.mark.xdist_group("roads")

# Pages that are the same for everybody, and those that send a visitor to an issuer elsewhere.
ASIDE = {"/static/{name}", "/sign-in/open-id", "/sign-in/open-id/back"}
# What a form sends that is no command: it shows more of what is recorded, for a reason.
SHOWS_MORE = {"words", "events", "verify"}
WHY = "a drill"
# Of who stands in a relationship one in so many opens its events one by one, or reads for a reason; each role does in some.
SHARE = size(3, 1)
OTHERS = ("mentor:m1", "person:p1", "case:c1")
# Whoever has no part in the relationship whose pages are tried, nor in anything else.
NOBODY = "zoe"


class Pages(NamedTuple):
    """The app with its pages on the store of the story, and a browser for everybody who signed in."""

    story: Told
    client: TestClient
    browsers: dict[Reader, Browser]

    def browser(self, who: Reader) -> Browser:
        if who not in self.browsers:
            browser = Browser(self.client).sign_in(who.id, "/preferences")
            self.browsers[who] = browser.get("/role").post("/role", {"role": who.role})
        return self.browsers[who]

    def allowed(self, who: Reader, subject: str) -> set[str]:
        """The canaries of the whole record that the matrix opens to a reader, on pages about a relationship."""
        story = self.story
        return names_known_in(story, subject, who).union(*(allowed_in(story, each, who) for each in story.events))


def people(story: Told, subject: str) -> list[Reader]:
    """Everybody who may sign in and stands in a relationship, and somebody who does not, in each role."""
    return [who for who in story.readers(subject) if who.role in TOKEN_ROLES and who.role != "service"]


@pytest.fixture(scope="module")
def served(story: Told, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pages]:
    roles: dict[str, set[str]] = defaultdict(set)
    for who in (who for subject in story.relationships for who in people(story, subject)):
        roles[who.id].add(who.role)
    demo = tmp_path_factory.mktemp("pages") / "demo.toml"
    tables = (f'[[person]]\nid = "{id_}"\nname = "{id_}"\nroles = {sorted(of)}\n' for id_, of in roles.items())
    demo.write_text("".join(tables))
    settings = story.rapport.settings.model_copy(update={"demo_persons": demo, "sign_in_rate": "1000/second"})
    process = Process("drill", Tracing(enabled=False))
    app = create_app(story.rapport, process, Tokens.of(settings), part=pages(settings))
    with TestClient(app, base_url="http://testserver", client=("127.0.0.1", 50000)) as client:
        yield Pages(story, client, {})


def templates(method: str) -> list[str]:
    """The paths of all pages, as their routes write them."""
    routers = (import_module(f"infra.web.{name}").router for name in ROUTERS)
    routes = (route for router in routers for route in router.routes if isinstance(route, APIRoute))
    return [route.path for route in routes if method in (route.methods or ()) and route.path not in ASIDE]


def addresses(template: str, subject: str, role: str) -> Iterator[str]:
    """The addresses behind a path: about the relationship, about others, and of all forms that a role may send."""
    if "{command}" in template and "{subject}" in template:
        for each in OTHERS:
            for command, may in OF_OTHERS[each.partition(":")[0]].items():
                if role in may:
                    yield template.format(subject=each, command=command.__name__)
        return
    if "{command}" in template:
        for name, command in COMMANDS.items():
            if role in may_send(command):
                yield template.format(id=subject, command=name)
        return
    if "{id}" in template:
        yield template.replace("{id}", "c1" if template.startswith("/cases") else subject)
        return
    named = {
        "{clause}": ["pentalog.trust"],
        "{what}": ["reads", "attempts"],
        "{name}": list(datasets()) if "/data/" in template else list(FIGURES),
    }
    for placeholder, values in named.items():
        if placeholder in template:
            yield from (template.replace(placeholder, value) for value in values)
            return
    assert "{" not in template, f"{template}: what stands there?"
    yield {
        "/audit/bundle": f"{template}?relationship={subject}",
        "/codes": f"{template}?relationship={subject}",
        "/what-if": f"{template}?term=points_no_next_session&value=90",
    }.get(template, template)


def birds_on(browser: Browser) -> set[str]:
    """The canaries in an answer; a file that is packed is unpacked."""
    if browser.headers["content-type"] == "application/zip":
        with ZipFile(BytesIO(browser.content)) as found:
            return set().union(*(birds_in(found.read(name).decode()) for name in found.namelist()))
    return birds_in(browser.text)


def test_no_page_shows_words_that_the_matrix_keeps_from_who_opens_it(served: Pages) -> None:
    story, opened, shown = served.story, 0, set[str]()
    subject = story.busiest
    for who in people(story, subject):
        # To pages a party who stands elsewhere is as another.
        if who.id == NOBODY and who.role not in {"mentee", "supplier"}:
            continue
        browser, on_pages, allowed = served.browser(who), set[str](), served.allowed(who, subject)
        for template in templates("GET"):
            for address in addresses(template, subject, who.role):
                got = browser.get(address)
                assert got.status in {200, 400, 403, 404}, (str(who), address, got.words)
                opened += got.status == 200
                found = birds_on(got) & story.birds
                # All that is held about somebody is theirs to read, in whatever role it names them.
                mine = story.mine(who.id) if template.startswith("/mine/data") else set[str]()
                assert found <= allowed | mine, (str(who), address)
                if who.role not in NAMED_ROLES:
                    assert found <= story.names, (str(who), address)
                on_pages |= found
        assert on_pages <= read_by(story, who), str(who)
        shown |= {who.role} if on_pages else set()
    assert opened > 300
    assert shown >= {"mentee", "mentor", "customer", "supplier", "coordinator"}


def test_an_event_of_every_kind_opens_no_more_than_the_matrix_does(served: Pages) -> None:
    """In the time machine, and in the form that puts it right: who does that reads what was recorded, others give a reason first."""
    story, kinds, opened = served.story, set[type](), 0
    for subject in story.relationships:
        news = {type(each.data): each.version for each in story.events[subject] if found_in(each.data.model_dump())}
        versions = [version for kind, version in news.items() if kind not in kinds]
        kinds |= set(news)
        standing = [who for who in people(story, subject) if who.id != NOBODY]
        for place, who in enumerate(standing if versions else ()):
            if (place + len(kinds)) % SHARE:
                continue
            browser, allowed = served.browser(who), served.allowed(who, subject)
            shown = set[str]()
            quiet = allowed if who.role in NAMED_ROLES else story.names & allowed
            for path, may in (("time?event={}", quiet), ("do/CorrectFact?version={}", allowed)):
                for version in versions:
                    address = f"/relationships/{subject}/{path.format(version)}"
                    got = browser.get(address)
                    assert got.status in {200, 403, 404}, (str(who), address, got.words)
                    opened += got.status == 200
                    assert birds_on(got) & story.birds <= may, (str(who), address)
                    shown |= birds_on(got) & story.birds
            assert shown <= read_by(story, who), str(who)
    assert len(kinds) > 40
    assert opened > 60


def test_with_a_reason_a_page_shows_what_the_matrix_opens_and_no_more(served: Pages) -> None:
    story, shown = served.story, defaultdict[Reader, set[str]](set)
    more = [each for each in templates("POST") if each.rpartition("/")[2] in SHOWS_MORE]
    for number, subject in enumerate(story.relationships):
        # Of the others the words alone: checking a record takes long, and cases and audits are the same for all.
        busiest = subject == story.busiest
        paths = (
            more if busiest else [each for each in more if each.startswith("/relationships/") and "verify" not in each]
        )
        for place, who in enumerate(people(story, subject)):
            if not busiest and (who.id == NOBODY or (place + number) % SHARE):
                continue
            browser, allowed = served.browser(who).get("/preferences"), served.allowed(who, subject)
            for address in (address for path in paths for address in addresses(path, subject, who.role)):
                got = browser.post(address, {"why": WHY})
                assert got.status in {200, 403, 404}, (str(who), address, got.words)
                found = birds_on(got) & story.birds
                assert found <= allowed, (str(who), address)
                shown[who] |= found
    assert {str(who): found - read_by(story, who) for who, found in shown.items() if found - read_by(story, who)} == {}
    opened = {who.role for who, found in shown.items() if found - story.names}
    assert opened >= {"mentee", "mentor", "supplier", "coordinator", "hr"}


def read_by(story: Told, who: Reader) -> set[str]:
    """The canaries of events that a reader wrote, or has read as the record of readings says."""
    sql = "SELECT DISTINCT subject, version FROM content_reads WHERE reader = ?"
    read = {(subject, version) for subject, version in story.rapport.database.query(sql, (str(who),))}
    return set[str]().union(*(story.birds_of.get(event, set()) for event in read | story.written_by(who)))
