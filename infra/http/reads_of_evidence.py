"""Evidence over HTTP: a signed checkpoint of the tree, and a bundle that can be checked without this store.

A checkpoint says nothing of anybody, so every caller may keep one. A bundle is for those who answer for a relationship, and for auditors.
"""

from base64 import b64encode
from hashlib import sha256
from typing import Final

from fastapi import APIRouter, Request, Response

from domain.words import Role
from infra.access.standing import stands_in
from infra.bootstrap import Rapport
from infra.evidence.bundle import bundle, digest_of
from infra.evidence.note import Checkpoint
from infra.http.asking import READER, AskerOf, DeskOf, answered, tagged, unchanged
from infra.http.caller import ActorOf
from infra.http.log_head import Visible
from infra.http.problems import forbidden, not_found
from infra.http.reads import IdPath

# Events are proved as they are stored, and so is that something was reported: suppliers may not know of that.
READERS: Final[frozenset[Role]] = frozenset({"auditor", "coordinator"})
ZIP: Final = "application/zip"

router = APIRouter(prefix="/v1", tags=["evidence"], dependencies=[Visible])


@router.get("/checkpoint", operation_id="getCheckpoint")
def checkpoint(request: Request, at: DeskOf, _: ActorOf) -> Response:
    """A checkpoint of the tree over all events and receipts, signed now: a signed note (C2SP), or JSON where `Accept` asks for it."""
    rapport: Rapport = request.app.state.rapport
    checkpoints = rapport.checkpoints()
    note = checkpoints.signed()
    if "application/json" not in request.headers.get("accept", ""):
        headers = tagged(at, sha256(bytes(note)).hexdigest(), f"Accept, {READER}")
        return unchanged(request, headers) or Response(bytes(note), 200, headers, "text/plain; charset=utf-8")
    made = Checkpoint.of(note)
    tree = {"origin": made.origin, "size": made.size, "root": b64encode(made.root).decode()}
    found = answered(request, at, {**tree, "checkpoint": bytes(note).decode(), "key": str(checkpoints.verifier())})
    found.headers["Vary"] = f"Accept, {READER}"
    return found


@router.get("/audit/bundles/{id}", operation_id="getBundle")
def audit_bundle(
    request: Request,
    at: DeskOf,
    who: AskerOf,
    id_: IdPath,
) -> Response:
    """The evidence about a relationship as a zip file: events and receipts with their proofs, a checkpoint, and a check of its own."""
    subject = id_.lower()
    if not stands_in(at.store, lambda: at.engine, who, subject) or ":" in subject:
        raise not_found()
    if who.role not in READERS:
        raise forbidden(f"expected one of the roles {', '.join(sorted(READERS))}", code="role")
    rapport: Rapport = request.app.state.rapport
    checkpoints = rapport.checkpoints()
    made = bundle(at.store, subject, checkpoints.signer(), checkpoints.signed(), at.now)
    headers = tagged(at, digest_of(made))
    # Weak: the same evidence made at another time says so in its page.
    headers["ETag"] = f"W/{headers['ETag']}"
    if (kept := unchanged(request, headers)) is not None:
        return kept
    headers["Content-Disposition"] = f'attachment; filename="{subject}.zip"'
    return Response(made, media_type=ZIP, headers=headers)
