"""The app with its pages in this process, and browsers that look at them: each keeps its own cookies, as people's browsers do."""

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from html import unescape
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from starlette.testclient import TestClient

from infra.access import local_key
from infra.access.tokens import Tokens
from infra.bootstrap import Rapport, open_rapport
from infra.http.app import create_app
from infra.operations import tracing
from infra.operations.process import Process
from infra.settings import Settings
from infra.web.site import pages

CSRF = re.compile(r'name="csrf" value="([^"]+)"')
DEMO = """
[[person]]
id = "cora"
name = "Cora Lind"
roles = ["coordinator"]
programmes = ["telling"]
[[person]]
id = "cleo"
name = "Cleo"
roles = ["coordinator"]
programmes = ["telling"]
[[person]]
id = "dora"
name = "Dora, of another programme"
roles = ["coordinator"]
programmes = ["none-of-these"]
[[person]]
id = "axel"
name = "Axel, of one programme"
roles = ["auditor"]
programmes = ["telling"]
[[person]]
id = "duo"
name = "Duo"
roles = ["analyst", "auditor"]
""" + "".join(
    f'[[person]]\nid = "{id_}"\nname = "{id_.title()}"\nroles = ["{role}"]\n'
    for role, id_ in {
        "mentee": "ana",
        "mentor": "ben",
        "customer": "carl",
        "line_manager": "lina",
        "supplier": "sam",
        "hr": "hugo",
        "auditor": "ada",
        "analyst": "alf",
    }.items()
)


class Browser:
    """A person's browser: it keeps cookies, follows redirects, and sends forms as the page has them."""

    def __init__(self, client: TestClient) -> None:
        self._client = client
        self.cookies: dict[str, str] = {}
        self.text = ""
        self.content = b""
        self.status = 0
        self.path = ""
        self.headers: Any = {}

    def get(self, path: str, **headers: str) -> "Browser":
        return self._ask("GET", path, None, headers)

    def post(self, path: str, data: dict[str, Any], *, csrf: str | None = "of the page", **headers: str) -> "Browser":
        if csrf == "of the page":
            found = CSRF.search(self.text)
            csrf = found[1] if found else None
        return self._ask("POST", path, data | ({} if csrf is None else {"csrf": csrf}), headers)

    def sign_in(self, id_: str, then: str = "/") -> "Browser":
        self.get("/sign-in")
        return self.post("/sign-in/demo", {"person": id_, "next": then})

    @property
    def words(self) -> str:
        """What a person reads: the page without its tags."""
        body = re.sub(r"<(script|style)\b.*?</\1>", " ", self.text, flags=re.DOTALL)
        return " ".join(unescape(re.sub(r"<[^>]+>", " ", body)).split())

    def _ask(self, method: str, path: str, data: dict[str, Any] | None, headers: dict[str, str]) -> "Browser":
        for _ in range(5):
            self._client.cookies.clear()
            cookie = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
            given = {"accept": "text/html", **({"cookie": cookie} if cookie else {}), **headers}
            got = self._client.request(method, path, data=data, headers=given, follow_redirects=False)
            self._keep(got)
            if got.status_code not in {302, 303, 307}:
                break
            target = urlsplit(got.headers["location"])
            method, data, path = "GET", None, target.path + (f"?{target.query}" if target.query else "")
        self.text, self.content = got.text, got.content
        self.status, self.path, self.headers = got.status_code, path, got.headers
        return self

    def _keep(self, got: Any) -> None:
        for name, value in got.headers.multi_items():
            if name == "set-cookie":
                cookie, _, attributes = value.partition(";")
                key, _, content = cookie.partition("=")
                if "1970" in attributes:
                    self.cookies.pop(key, None)
                else:
                    self.cookies[key] = content


class Served:
    """The app in this process on a store of its own."""

    def __init__(self, rapport: Rapport, client: TestClient) -> None:
        self.rapport, self.client = rapport, client
        self._first = True

    def browser(self, id_: str | None = None) -> Browser:
        """Somebody's browser, at a page of the app: the first at what there is to do, others where nothing is to be worked out."""
        found = Browser(self.client)
        if id_ is None:
            return found
        first, self._first = self._first, False
        return found.sign_in(id_, "/" if first else "/preferences")

    def tell(self, lines: Sequence[bytes]) -> None:
        receipts = self.rapport.handler.handle(list(lines))
        refused = [receipt for receipt in receipts if receipt.status != "accepted"]
        assert not refused, refused


@contextmanager
def serving_pages(folder: Path, *, demo: str = DEMO, **settings: Any) -> Iterator[Served]:
    (folder / "demo.toml").write_text(demo)
    given = Settings(
        store=f"sqlite:///{folder / 'store.sqlite'}",
        synchronous="off",
        **{"sign_in_rate": "1000/second", "demo_persons": folder / "demo.toml", **settings},
    )
    local_key.make(local_key.place(given))
    with open_rapport(given) as rapport:
        process = Process("serve", tracing.configure("serve"))
        app = create_app(rapport, process, Tokens.of(given), part=pages(given))
        with TestClient(app, base_url="http://testserver", client=("127.0.0.1", 50000)) as client:
            yield Served(rapport, client)
