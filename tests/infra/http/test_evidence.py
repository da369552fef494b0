"""`GET /v1/checkpoint` and `/v1/audit/bundles/{id}`."""

import time
import uuid
from pathlib import Path

import pytest

from tests.command import own_environment, rapport
from tests.infra.http.server import Server
from tests.infra.http.test_messages import contact, post, proposal


def test_a_checkpoint_is_a_signed_note_or_json(server: Server) -> None:
    with server.client() as client:
        post(client, proposal())
        note = client.get("/v1/checkpoint")
        told = client.get("/v1/checkpoint", headers={"Accept": "application/json"}).json()
    assert note.headers["content-type"].startswith("text/plain")
    origin, size, root, *_ = note.text.split("\n")
    assert origin.startswith("rapport/")
    assert {"origin": origin, "size": int(size), "root": root}.items() <= told.items()
    assert told["key"].startswith(f"{origin}+")


def test_a_bundle_is_checked_without_the_store(server: Server, tmp_path: Path) -> None:
    sent = proposal()
    with server.client() as client, server.client("auditor:aud") as auditor:
        post(client, sent)
        key = client.get("/v1/checkpoint", headers={"Accept": "application/json"}).json()["key"]
        for reader in (client, auditor):
            got = reader.get(f"/v1/audit/bundles/{sent['subject']}")
            assert (got.status_code, got.headers["content-type"]) == (200, "application/zip"), got.text
            (tmp_path / "bundle.zip").write_bytes(got.content)
            env = own_environment(RAPPORT_STORE="sqlite:////nowhere/else.sqlite")
            done = rapport("audit", "check-bundle", tmp_path / "bundle.zip", "--key", key, env=env)
            assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("accept", ["text/plain", "application/json", None])
def test_evidence_is_304_to_who_has_it_until_the_record_grows(server: Server, accept: str | None) -> None:
    sent = proposal()
    path = "/v1/checkpoint" if accept else f"/v1/audit/bundles/{sent['subject']}"
    with server.client() as client:
        post(client, sent)
        # Workers answer a proposal: the record grows no more when they have.
        time.sleep(2)
        headers = {"Accept": accept or "*/*"}
        first = client.get(path, headers=headers)
        assert first.headers["Cache-Control"] == "private, no-cache"
        headers["If-None-Match"] = first.headers["ETag"]
        again = client.get(path, headers=headers)
        assert (again.status_code, again.content, again.headers["ETag"]) == (304, b"", first.headers["ETag"])
        assert again.headers["Vary"] == first.headers["Vary"]
        post(client, contact(sent["subject"], "1"))
        assert client.get(path, headers=headers).status_code == 200


def test_a_bundle_is_for_those_who_answer_for_the_relationship(server: Server) -> None:
    sent = proposal()
    with server.client() as client, server.client("mentee:ana") as ana:
        post(client, sent)
        assert ana.get(f"/v1/audit/bundles/{sent['subject']}").status_code == 403
        assert client.get(f"/v1/audit/bundles/{uuid.uuid4()}").status_code == 404
    with server.client("auditor:aud", programmes=["other"]) as other:
        assert other.get(f"/v1/audit/bundles/{sent['subject']}").status_code == 404


@pytest.mark.parametrize("stranger", ["mentee:zoe", "hr:hana", "supplier:sue", "service:booking", "analyst:alf"])
def test_a_bundle_is_not_found_by_who_may_not_know_of_the_relationship(server: Server, stranger: str) -> None:
    sent = proposal()
    with server.client() as client, server.client(stranger, programmes=["other"]) as other:
        post(client, sent)
        hidden = other.get(f"/v1/audit/bundles/{sent['subject']}")
        unknown = other.get(f"/v1/audit/bundles/{uuid.uuid4()}")
    assert (hidden.status_code, hidden.content) == (404, unknown.content)
