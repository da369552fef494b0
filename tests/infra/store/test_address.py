"""Addresses of stores: what can't be understood is told without the password, wherever that stands."""

import subprocess
from pathlib import Path

import pytest

from infra.local.ports import free_port
from infra.store.address import file_of, has_password, scrubbed, server_of
from infra.store.errors import StoreError, UnknownStore
from infra.store.opening import open_database
from tests.command import own_environment, rapport_text

SECRET = "S3cr3tPw"
HOST = "db.example.org"
# Pieces of the password that an address torn in the wrong place might show.
PIECES = ("S3cr3tPw", "S3cr3t", "cr3tPw", "3tPw", "S3c")
MISTYPED = [
    f"postgresql+psycopg://booking:{SECRET}@{HOST}/rapport",
    f"postgresq://booking:{SECRET}@{HOST}/rapport",
    f"postgresql:/booking:{SECRET}@{HOST}/rapport",
    f"postgresql:booking:{SECRET}@{HOST}/rapport",
    f"postgresql//booking:{SECRET}@{HOST}/rapport",
    f"postgresql:///booking:{SECRET}@{HOST}/rapport",
    f"POSTGRESQL://booking:{SECRET}@{HOST}/rapport",
    f" postgresql://booking:{SECRET}@{HOST}/rapport",
    f'"postgresql://booking:{SECRET}@{HOST}/rapport"',
    f"booking:{SECRET}@{HOST}/rapport",
    f"//booking:{SECRET}@{HOST}/rapport",
    f"jdbc:postgresql://{HOST}/rapport?user=booking&password={SECRET}",
    f"mysql://booking:{SECRET}@{HOST}/rapport",
    f"https://booking:{SECRET}@{HOST}/rapport",
    f"host={HOST} user=booking password={SECRET} dbname=rapport",
    f"host={HOST} user=booking password='{SECRET} x' dbname=rapport",
    f"postgresql://booking:{SECRET}%zz@{HOST}/rapport",
    f"postgresql://booking:{SECRET}%@{HOST}/rapport",
    f"postgresql://booking:{SECRET}%4@{HOST}/rapport",
    f"postgresql://booking:{SECRET} x@{HOST}/rapport",
    f"postgresql://booking:x {SECRET}@{HOST}/rapport",
    f"postgresql://booking:{SECRET}@[::1:1/rapport",
    f"postgresql://booking:{SECRET}@::1]/rapport",
    f"postgresql://booking:[{SECRET}@{HOST}]/rapport",
    f"postgresql://booking:{SECRET}/rapport",
    f"postgresql://booking:{SECRET}",
    f"postgresql://{HOST}:{SECRET}@booking/x@y",
    f"postgresql://booking:S3/cr3tPw@{HOST}/rapport",
    f"postgresql://booking:54/{SECRET}@{HOST}/rapport",
    f"postgresql://booking:S3?cr3tPw@{HOST}/rapport",
    f"postgresql://booking:54?cr3tPw=x@{HOST}/rapport",
    f"postgresql://booking:S3@cr3tPw@{HOST}/rapport",
    f"postgresql://booking:@{SECRET}@{HOST}/rapport",
    f"postgresql://booking:{SECRET}@{HOST}:54x32/rapport",
    f"postgresql://booking:{SECRET}@{HOST}:/rapport?nonsense=1",
    f"postgresql://booking:{SECRET}@{HOST}/rapport?password",
    f"postgresql://{HOST}/rapport?password={SECRET}&nonsense=1",
    f"postgresql://{HOST}/rapport?password={SECRET}%zz",
    f"sqlite://booking:{SECRET}@{HOST}/rapport",
    f"sqlite:///booking:{SECRET}@{HOST}",
    f"sqlite:///booking:{SECRET}@{HOST}/rapport",
    f"sqlite:////booking:{SECRET}@{HOST}/no/such/folder",
    f"sqlite:booking:{SECRET}@{HOST}/rapport",
]


@pytest.mark.parametrize("url", MISTYPED)
def test_a_mistyped_address_is_told_without_its_password(
    url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(StoreError) as told:
        open_database(url)
    whole: BaseException | None = told.value
    while whole is not None:
        assert not [piece for piece in PIECES if piece in str(whole)], str(whole)
        whole = whole.__cause__
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("password", [SECRET, "S3%40cr3t%2FPw", "S3#cr3t", "S3:cr3t", "S3%25cr3t"])
def test_a_right_address_that_nobody_answers_is_told_without_its_password(password: str) -> None:
    with pytest.raises(StoreError) as told:
        open_database(f"postgresql://booking:{password}@127.0.0.1:{free_port()}/rapport", timeout=0.2)
    assert "rapport at 127.0.0.1" in str(told.value)
    assert "cr3t" not in str(told.value)


@pytest.mark.parametrize(
    "url, wanted",
    [
        ("postgresql://a:b%40c@h:5433/d", {"user": "a", "password": "b@c", "host": "h", "port": "5433", "dbname": "d"}),
        ("postgresql://a@[::1]:5433/d", {"user": "a", "host": "::1", "port": "5433", "dbname": "d"}),
        ("postgresql://a@/d?host=%2Ftmp%2Fx&port=1", {"user": "a", "host": "/tmp/x", "port": "1", "dbname": "d"}),
        ("postgresql://h1:1,h2:2/d", {"host": "h1,h2", "port": "1,2", "dbname": "d"}),
        ("postgresql://%2Ftmp%2Fx/d", {"host": "/tmp/x", "dbname": "d"}),
        ("postgresql:///d", {"dbname": "d"}),
        ("postgresql://a:b#c@h/d", {"user": "a", "password": "b#c", "host": "h", "dbname": "d"}),
        ("postgresql://h/a%40b", {"host": "h", "dbname": "a@b"}),
    ],
)
def test_a_right_address_is_understood(url: str, wanted: dict[str, str]) -> None:
    assert server_of(url) == wanted


@pytest.mark.parametrize(
    "url",
    [
        "sqlite://", "sqlite:///", "sqlite:////", "sqlite:///:memory:", "sqlite:///:memory:?cache=shared", "sqlite:///file::memory:",
        "sqlite:///file:x.sqlite", "sqlite:///file:x.sqlite?mode=memory", "sqlite:///.", "sqlite:///sub/", "sqlite://host/x.sqlite",
        "sqlite:///:", "sqlite:///a\0b", "sqlite:memory", "sqlite", "", "   ", "rapport.sqlite",
    ],
)  # fmt: skip
def test_what_names_no_file_is_refused(url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UnknownStore, match="expected"):
        open_database(url)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "name",
    ["quest?ion", "per%cent", "per%20cent", "ha#sh", "a b", "semi;colon", "q'uote", "é", "a&b=c", "x?mode=memory"],
)
def test_a_path_may_have_any_character(name: str, tmp_path: Path) -> None:
    folder = tmp_path / name
    folder.mkdir()
    with open_database(f"sqlite:///{folder}/{name}.sqlite") as database:
        assert database.query("SELECT COUNT(*) FROM stored_events") == [(0,)]
    assert [path.name for path in folder.iterdir()] == [f"{name}.sqlite"]
    assert file_of(f"sqlite:///{folder}/{name}.sqlite") == str(folder / f"{name}.sqlite")


@pytest.mark.parametrize("text", [f"error at postgresql://a:{SECRET}@h/d", f"password={SECRET} x", f"a:{SECRET}@h"])
def test_a_text_is_scrubbed(text: str) -> None:
    assert SECRET not in scrubbed(text)
    assert has_password(text)


def test_a_text_without_a_password_stays() -> None:
    for text in ("sqlite:////data/rapport.sqlite", "postgresql://ana@db.example.org:5432/rapport", "no store at all"):
        assert scrubbed(text) == text
        assert not has_password(text)


# --- the commands -------------------------------------------------------------------------------------------------------
def rapport(tmp_path: Path, *arguments: str, **settings: str) -> "subprocess.CompletedProcess[str]":
    return rapport_text(*arguments, cwd=tmp_path, env=own_environment(**settings))


@pytest.mark.parametrize("url", [MISTYPED[0], MISTYPED[14], MISTYPED[16], MISTYPED[31], MISTYPED[39]])
def test_no_command_prints_the_password_of_the_setting(url: str, tmp_path: Path) -> None:
    for arguments in (["tasks"], ["copy", "--to", f"sqlite:///{tmp_path}/x.sqlite"]):
        found = rapport(tmp_path, *arguments, RAPPORT_STORE=url)
        assert found.returncode == 2
        assert found.stderr.startswith("error: ")
        assert not [piece for piece in PIECES if piece in found.stdout + found.stderr]
    found = rapport(tmp_path, "copy", RAPPORT_COPY_TO=url)
    assert found.returncode == 2
    assert not [piece for piece in PIECES if piece in found.stdout + found.stderr]


@pytest.mark.parametrize("option", ["--to", "--from"])
def test_copy_takes_no_password_from_the_command_line(option: str, tmp_path: Path) -> None:
    found = rapport(tmp_path, "copy", option, f"postgresql://booking:{SECRET}@127.0.0.1:1/rapport")
    assert found.returncode == 2
    assert f"RAPPORT_COPY_{option[2:].upper()}" in found.stderr
    assert SECRET not in found.stdout + found.stderr


@pytest.mark.parametrize("name", ["/dev/zero", ".", "gone"])
def test_copy_reads_an_address_from_a_file_and_nothing_else(name: str, tmp_path: Path) -> None:
    done = rapport(tmp_path, "copy", "--from", f"@{name}", "--to", "sqlite:///x.sqlite")
    assert done.returncode == 2
    assert "is no file" in done.stderr


def test_copy_takes_both_addresses_from_settings_or_files(tmp_path: Path) -> None:
    open_database(f"sqlite:///{tmp_path}/one.sqlite").close()
    (tmp_path / "target").write_text(f"\ufeffsqlite:///{tmp_path}/two.sqlite\n", encoding="utf-8")
    assert rapport(tmp_path, "copy", "--to", "@target", RAPPORT_STORE="sqlite:///one.sqlite").returncode == 0
    settings = {"RAPPORT_COPY_FROM": "sqlite:///two.sqlite", "RAPPORT_COPY_TO": "sqlite:///three.sqlite"}
    assert rapport(tmp_path, "copy", **settings).returncode == 0
    assert rapport(tmp_path, "copy").returncode == 2
    assert rapport(tmp_path, "copy", "--to", "@nowhere").returncode == 2
    ids = set()
    for name in ("one", "two", "three"):
        with open_database(f"sqlite:///{tmp_path}/{name}.sqlite") as database:
            ids.add(database.query("SELECT id FROM store_identity")[0])
    assert len(ids) == 1


@pytest.mark.parametrize(
    "settings",
    [
        {"RAPPORT_KAFKA": f"booking:{SECRET}@{HOST}:9092"},
        {"RAPPORT_KAFKA": f"kafka://booking:{SECRET}@{HOST}:9092"},
        {"RAPPORT_KAFKA": f"sasl.password={SECRET},{HOST}:9092"},
    ],
)
def test_the_address_of_a_broker_is_told_without_a_password(settings: dict[str, str], tmp_path: Path) -> None:
    found = rapport(tmp_path, "publish", RAPPORT_STORE=f"sqlite:///{tmp_path}/x.sqlite", **settings)
    assert found.returncode == 2
    assert SECRET not in found.stdout + found.stderr


@pytest.mark.parametrize(
    "settings",
    [
        {"RAPPORT_SMTP": f"smtp://booking:{SECRET}@{HOST}", "RAPPORT_SMTP_FROM": "a@example.org"},
        {"RAPPORT_SMTP": f"smtp://booking:{SECRET}@[::1", "RAPPORT_SMTP_FROM": "a@example.org"},
        {"RAPPORT_NOTIFY_WEBHOOK": f"https://booking:{SECRET}@[::1"},
        {"RAPPORT_NOTIFY_WEBHOOK": f"ftp://booking:{SECRET}@{HOST}"},
        {"RAPPORT_NOTIFY_WEBHOOK": f"https://booking:{SECRET}"},
    ],
)
def test_ways_out_for_notifications_are_told_without_a_password(settings: dict[str, str], tmp_path: Path) -> None:
    found = rapport(tmp_path, "work", "--once", RAPPORT_STORE=f"sqlite:///{tmp_path}/x.sqlite", **settings)
    assert found.returncode == 2
    assert SECRET not in found.stdout + found.stderr
    assert "Traceback" not in found.stderr
