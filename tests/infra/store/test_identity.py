"""Every store has an id and a secret of its own, made once and kept."""

from contextlib import suppress
from uuid import UUID

import psycopg
import pytest

from infra.store.errors import DamagedStore
from infra.store.identity import Identity
from infra.store.log import EventStore
from infra.store.opening import open_database
from infra.store.session import Database
from tests.stores import by_hand
from tests.writers import answer, started, tell


def identity_of(url: str) -> Identity:
    with open_database(url) as database:
        return EventStore(database).identity


def test_a_store_keeps_the_identity_that_it_was_born_with(store_url: str) -> None:
    born = identity_of(store_url)
    assert UUID(born.id).version == 4
    assert len(born.secret) == 32
    assert [identity_of(store_url) for _ in range(2)] == [born, born]


def test_no_two_stores_have_the_same_identity(tmp_path_factory: pytest.TempPathFactory) -> None:
    found = [identity_of(f"sqlite:///{tmp_path_factory.mktemp('store') / 'store.sqlite'}") for _ in range(3)]
    assert len({each.id for each in found}) == 3
    assert len({each.secret for each in found}) == 3


def test_processes_that_open_a_fresh_store_at_once_agree(store_url: str) -> None:
    with started([("tests.infra.store.opener", store_url, f"s{number}") for number in range(4)]) as opening:
        for each in opening:
            tell(each, "")
        told = {answer(each) for each in opening}
    born = identity_of(store_url)
    assert told == {f"{born.id} {born.secret.hex()}"}


def test_the_secret_is_not_shown_where_the_identity_is_printed(database: Database) -> None:
    born = EventStore(database).identity
    for text in (repr(born), str(born), f"{born}", f"{born!r}"):
        assert born.id in text
        assert repr(born.secret) not in text


def test_a_lost_identity_is_told(database: Database) -> None:
    with by_hand(database) as session:
        session.execute("DELETE FROM store_identity")
    with pytest.raises(DamagedStore, match=r"lost its identity.*backup"):
        _ = EventStore(database).identity


@pytest.mark.parametrize("role", ["rapport_analyst", "rapport_auditor", "PUBLIC"])
def test_default_privileges_of_the_database_do_not_show_the_secret(postgres_url: str, role: str) -> None:
    with psycopg.connect(postgres_url, autocommit=True) as admin:
        for name in ("rapport_service", "rapport_analyst", "rapport_auditor"):
            # Another test may be making them for its database.
            with suppress(psycopg.errors.DuplicateObject, psycopg.errors.UniqueViolation):
                admin.execute(f"CREATE ROLE {name}")
        for owner in ("postgres", "rapport_service"):
            admin.execute(f"ALTER DEFAULT PRIVILEGES FOR ROLE {owner} GRANT SELECT ON TABLES TO {role}")
        open_database(postgres_url).close()
        reader = "rapport_analyst" if role == "PUBLIC" else role
        admin.execute(f"SET ROLE {reader}")
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            admin.execute("SELECT secret FROM store_identity")
