"""The same reads on PostgreSQL: every one answers, and those that differ by nothing but the store are alike."""

from pathlib import Path

import pytest

from tests.infra.http.server import serving
from tests.infra.http.telling import CANARY, PARTIES, PROGRAMME, QUIET, READERS, REPORTED, tell
from tests.infra.http.test_reads import OF_ALL, OF_ONE, of

CLOCK = {"RAPPORT_CLOCK": "2026-03-20T09:00:00Z"}
# Positions, ids of messages, hashes and pseudonyms are a store's own, so the others are asked for their status alone.
SAME = {of(REPORTED, what) for what in ("", "/health", "/can-share?data_class=goals")} | {"/v1/codes", "/v1/me"}


@pytest.mark.timeout(600)
def test_every_read_answers_on_postgresql_as_on_sqlite(postgres_url: str, tmp_path: Path) -> None:
    answers = []
    for store in (postgres_url, f"sqlite:///{tmp_path}/store.sqlite"):
        with serving(store, tmp_path, "--api-only", **CLOCK) as server:
            with server.client("service:booking", acts_for=[*PARTIES, "coordinator"]) as client:
                tell(client)
            found = {}
            for actor in READERS:
                with server.client(actor, programmes=[PROGRAMME]) as client:
                    for path in (*OF_ALL, *(of(subject, what) for subject in (REPORTED, QUIET) for what in OF_ONE)):
                        got = client.get(path)
                        assert got.status_code in {200, 403, 404}, (path, got.text)
                        assert CANARY not in got.text, path
                        found[actor, path] = (got.status_code, got.json() if path in SAME else None)
                    for path in (*(of("x%00y", what) for what in OF_ONE), "/v1/audit/bundles/x%00y", "/v1/mentors/%00"):
                        assert client.get(path).status_code in {403, 404}, path
                    for query in (
                        "relationships?programme=%00",
                        "health?mentor=b%00",
                        "tasks?programme=%00",
                        "nps?mentor=%00",
                    ):
                        got = client.get(f"/v1/{query}")
                        assert (got.status_code, got.json()["problems"][0]["code"]) == (400, "bad_character"), query
            answers.append(found)
    assert answers[0] == answers[1]
