"""Signing in at an issuer (OpenID Connect): the whole way there and back, and everything that is not taken."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from joserfc.jwk import ECKey, RSAKey

from infra.public_url import public_url
from infra.settings import Settings, WrongSettings
from infra.web.open_id import OpenId
from tests.infra.web.browsing import Browser, Served, serving_pages
from tests.infra.web.issuer import CLIENT, SECRET, Issuer, issuing

PUBLIC = "https://rapport.example.org/mentoring"
BACK = "/sign-in/open-id/back"
ROLES = {"roles": ["coordinator", "gardener"], "programmes": ["telling"], "name": "Cora at work"}


@pytest.fixture(scope="module")
def issuer() -> Iterator[Issuer]:
    with issuing() as found:
        yield found


@pytest.fixture(scope="module")
def served(issuer: Issuer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    folder = tmp_path_factory.mktemp("open-id")
    (folder / "secret").write_text(SECRET)
    with serving_pages(
        folder,
        demo_persons=None,
        openid_issuer=issuer.url,
        openid_client=CLIENT,
        openid_secret_file=folder / "secret",
        public_url=f"{PUBLIC}/",
    ) as found:
        yield found


@pytest.fixture(autouse=True)
def as_usual(issuer: Issuer) -> None:
    issuer.claims, issuer.key = dict(ROLES), issuer.published


def signs_in(browser: Browser, **changed: str) -> Browser:
    """Go to the issuer and come back; `changed` are parameters that somebody put in the place of the issuer's."""
    # Cookies are the browser's own: the client's jar may hold those of the test before.
    browser._client.cookies.clear()
    got = browser._client.get("/sign-in/open-id?next=%2Fpreferences", follow_redirects=False)
    browser._keep(got)
    assert urlsplit(got.headers["location"]).path == "/authorize"
    assert parse_qs(urlsplit(got.headers["location"]).query)["code_challenge_method"] == ["S256"]
    assert parse_qs(urlsplit(got.headers["location"]).query)["redirect_uri"] == [f"{PUBLIC}/sign-in/open-id/back"]
    back = urlsplit(httpx.get(got.headers["location"]).headers["location"].replace(PUBLIC, ""))
    query = {name: values[0] for name, values in parse_qs(back.query).items()} | changed
    return browser.get(f"{back.path}?{httpx.QueryParams(query)}")


def test_a_person_signs_in_at_the_issuer_and_goes_on_where_they_wanted(served: Served) -> None:
    browser = signs_in(served.browser())
    assert browser.path == "/preferences"
    assert "Cora at work (coordinator)" in browser.words
    assert "Demo" not in browser.words


def test_the_sign_in_page_offers_the_issuer(served: Served) -> None:
    browser = served.browser().get("/sign-in")
    assert "Sign in with your organisation" in browser.words


@pytest.mark.parametrize(
    "claims",
    [
        {"aud": "another-client"},
        {"iss": "https://another.example"},
        {"exp": 1},
        {"nonce": "of another time"},
        {"sub": "not an id"},
        {"roles": "coordinator"},
    ],
)
def test_an_id_token_that_is_not_for_this_sign_in_is_not_taken(
    served: Served, issuer: Issuer, claims: dict[str, Any]
) -> None:
    issuer.claims |= claims
    browser = signs_in(served.browser())
    assert browser.status == 401
    assert browser.get("/").path.startswith("/sign-in"), browser.words


def test_an_id_token_that_another_key_signed_is_not_taken(served: Served, issuer: Issuer) -> None:
    issuer.key = ECKey.generate_key("P-256", {"kid": "one"})
    assert signs_in(served.browser()).status == 401


class Later:
    """The pages on a store of their own, whose clock for what they read of the issuer is moved on."""

    def __init__(self, served: Served) -> None:
        self.served, self.now = served, 0.0
        app: Any = served.client.app
        app.state.site.open_id._app.monotonic = lambda: self.now

    def signs_in(self) -> Browser:
        return signs_in(self.served.browser())


@pytest.fixture
def later(issuer: Issuer, tmp_path: Path) -> Iterator[Later]:
    (tmp_path / "secret").write_text(SECRET)
    set_up: dict[str, Any] = {
        "openid_issuer": issuer.url,
        "openid_client": CLIENT,
        "openid_secret_file": tmp_path / "secret",
        "public_url": f"{PUBLIC}/",
    }
    published = issuer.published
    with serving_pages(tmp_path, demo_persons=None, **set_up) as found:
        yield Later(found)
    issuer.published, issuer.name, issuer.others = published, issuer.url, []


def test_a_key_that_the_issuer_takes_back_signs_nobody_in_ten_minutes_later(issuer: Issuer, later: Later) -> None:
    assert later.signs_in().path == "/preferences"
    issuer.published = ECKey.generate_key("P-256", {"kid": "two"})
    later.now += 601
    assert later.signs_in().status == 401
    issuer.key = issuer.published
    assert later.signs_in().path == "/preferences"


def test_an_issuer_by_another_name_is_believed_once_it_calls_itself_by_its_own(issuer: Issuer, later: Later) -> None:
    issuer.name = "https://another.example"
    assert later.served.browser().get("/sign-in/open-id").status == 503
    issuer.name = issuer.url
    assert later.signs_in().path == "/preferences"


@pytest.mark.filterwarnings("ignore:Key size should be")
@pytest.mark.parametrize("bits, use, path", [(2048, "sig", "/preferences"), (1024, "sig", BACK), (2048, "enc", BACK)])
def test_weak_keys_and_keys_for_encryption_sign_nobody_in(
    issuer: Issuer, later: Later, bits: int, use: str, path: str
) -> None:
    issuer.key = RSAKey.generate_key(bits, {"kid": "another"})
    issuer.others = [dict(issuer.key.as_dict(private=False)) | {"use": use}]
    assert later.signs_in().path.split("?")[0] == path


def test_a_key_of_an_unknown_kind_keeps_nobody_out(issuer: Issuer, later: Later) -> None:
    issuer.others = [{"kty": "EC", "crv": "P-999", "x": "AA", "y": "AA", "kid": "of another time"}]
    assert later.signs_in().path == "/preferences"


def test_what_comes_back_to_another_browser_signs_nobody_in(served: Served) -> None:
    assert signs_in(served.browser(), state="of somebody else").status == 401


def test_the_issuer_says_no(served: Served) -> None:
    got = served.browser().get("/sign-in/open-id/back?error=access_denied&error_description=%3Cb%3Eno%3C/b%3E")
    assert got.status == 401
    assert "<b>" not in got.text


def test_an_issuer_that_is_away_is_said(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text(SECRET)
    away: dict[str, Any] = {
        "openid_issuer": "http://127.0.0.1:9",
        "openid_client": CLIENT,
        "openid_secret_file": tmp_path / "secret",
        "public_url": PUBLIC,
    }
    with serving_pages(tmp_path, **away) as served:
        got = served.browser().get("/sign-in/open-id")
        assert (got.status, "can't be reached right now" in got.words) == (503, True)


def test_an_issuer_without_tls_is_for_this_machine_alone(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text(SECRET)
    far = Settings(openid_issuer="http://id.example.org", openid_client=CLIENT, openid_secret_file=tmp_path / "secret")
    with pytest.raises(WrongSettings, match="expected an https URL"):
        OpenId.of(far)


@pytest.mark.parametrize(
    "host, status", [("evil.example", 503), ("localhost.evil.example", 503), ("127.0.0.1:8080", 302)]
)
def test_without_a_public_address_the_host_of_a_request_is_believed_on_this_machine_alone(
    issuer: Issuer, tmp_path: Path, host: str, status: int
) -> None:
    (tmp_path / "secret").write_text(SECRET)
    with serving_pages(
        tmp_path,
        demo_persons=None,
        openid_issuer=issuer.url,
        openid_client=CLIENT,
        openid_secret_file=tmp_path / "secret",
    ) as served:
        got = served.client.get("/sign-in/open-id", headers={"host": host}, follow_redirects=False)
        assert got.status_code == status
        if status == 302:
            asked = parse_qs(urlsplit(got.headers["location"]).query)["redirect_uri"]
            assert asked == [f"http://{host}/sign-in/open-id/back"]
        else:
            assert "RAPPORT_PUBLIC_URL" in got.text
            assert host not in got.text


@pytest.mark.parametrize(
    "address",
    ["rapport.example.org", "http://rapport.example.org", "https://", "https://a.example/?x=1", "https://a@b.example", "https://a.example/#x", "ftp://localhost", "https://[", "https://a.example/ b"],
)  # fmt: skip
def test_a_public_address_that_is_none_is_said_at_the_start(address: str) -> None:
    with pytest.raises(WrongSettings, match="RAPPORT_PUBLIC_URL: expected"):
        public_url(Settings(public_url=address))
