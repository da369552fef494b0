"""Audit: is the record whole, what does the tree stand at, evidence to take along, who read words, and what was tried in vain."""

from base64 import b64encode
from typing import Annotated, Any, Final, Literal

from fastapi import APIRouter, Path, Query, Request, Response

from infra.access.audited import Audited, Listed
from infra.access.lists import Chosen, Lists
from infra.access.pages import Cut
from infra.access.standing import stands_in
from infra.bootstrap import Rapport
from infra.evidence.bundle import bundle
from infra.evidence.note import Checkpoint
from infra.http.asking import Desk, DeskOf
from infra.http.problems import forbidden, not_found
from infra.http.reads_of_evidence import READERS, ZIP
from infra.web.errors import PageRoute
from infra.web.form import FormOf
from infra.web.page import page, see_other
from infra.web.verification import Verification
from infra.web.visitor import Visitor, VisitorOf, of_roles
from infra.web.vocabulary import PROBLEMS

router = APIRouter(prefix="/audit", route_class=PageRoute)

# Rows of a list on one page.
ROWS: Final = 50
# Relationships that the form for evidence offers; any other may be named by its id.
OFFERED: Final = 200
# A short check is over before its page is shown.
PATIENCE_SECONDS: Final = 1.0
RelationshipQuery = Annotated[str, Query(max_length=100, description="The UUID of the relationship.")]
PageQuery = Annotated[int, Query(alias="page", ge=1, le=100_000, description="Which page of the list, from 1.")]


@router.get("")
def audit(request: Request, at: DeskOf, visitor: VisitorOf) -> Response:
    """How the last check went, the checkpoint, and the ways to evidence, reads and attempts."""
    of_roles(visitor, "auditor")
    at.engine.catch_up()
    rapport: Rapport = request.app.state.rapport
    checkpoints = rapport.checkpoints()
    note = checkpoints.signed()
    newest = checkpoints.newest()
    made = Checkpoint.of(note)
    return page(
        request,
        "audit",
        # What was found in the whole record is for who audits all of it.
        check=verification_of(request).state if visitor.asker.programmes is None else None,
        checkpoint={"origin": made.origin, "size": made.size, "root": b64encode(made.root).decode()},
        key=str(checkpoints.verifier()),
        choices=_choices(at, visitor),
        newest=None if newest is None else newest.checkpoint.size,
    )


def _choices(at: Desk, visitor: Visitor) -> list[tuple[str, str]]:
    """The relationships that an auditor may take evidence about: the id, and who they are under pseudonyms."""
    lists = Lists(at.engine, visitor.asker, at.pseudonyms, at.now)
    items = lists.relationships(Chosen(), Cut(("evidence", str(visitor.asker.reader)), None, OFFERED)).items
    return [(each["id"], f"{each['mentee_id']}, {each['mentor_id']} ({each['programme_id']})") for each in items]


def verification_of(request: Request) -> Verification:
    """The check of this process's store; there is one at a time."""
    found: Verification | None = getattr(request.app.state, "verification", None)
    if found is None:
        found = request.app.state.verification = Verification(request.app.state.rapport)
    return found


@router.post("/verify")
def verify(request: Request, visitor: VisitorOf, _: FormOf) -> Response:
    """Begin to check the whole record, unless that is going on already."""
    of_roles(visitor, "auditor")
    if visitor.asker.programmes is not None:
        raise forbidden(
            "the whole record is of all programmes, and you audit some: verify their relationships one by one",
            code="role",
        )
    check = verification_of(request)
    check.begin()
    check.wait(PATIENCE_SECONDS)
    return see_other(request, "/audit#check")


@router.get("/checkpoint")
def checkpoint(request: Request, visitor: VisitorOf) -> Response:
    """A checkpoint of the tree, signed now, as a file to keep elsewhere."""
    of_roles(visitor, *READERS)
    rapport: Rapport = request.app.state.rapport
    note = rapport.checkpoints().signed()
    name = f"rapport-{Checkpoint.of(note).size}.checkpoint"
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "private, no-store"}
    return Response(bytes(note), media_type="text/plain; charset=utf-8", headers=headers)


@router.get("/bundle")
def take_bundle(
    request: Request,
    at: DeskOf,
    visitor: VisitorOf,
    relationship: RelationshipQuery,
) -> Response:
    """The evidence about a relationship as a zip file that checks itself."""
    of_roles(visitor, *READERS)
    subject = relationship.strip().lower()
    engine = at.engine
    if ":" in subject or not stands_in(at.store, lambda: engine, visitor.asker, subject):
        raise not_found()
    rapport: Rapport = request.app.state.rapport
    checkpoints = rapport.checkpoints()
    made = bundle(at.store, subject, checkpoints.signer(), checkpoints.signed(), at.now)
    headers = {"Content-Disposition": f'attachment; filename="{subject}.zip"', "Cache-Control": "private, no-store"}
    return Response(made, media_type=ZIP, headers=headers)


@router.get("/{what}")
def listed(
    request: Request,
    at: DeskOf,
    visitor: VisitorOf,
    what: Annotated[Literal["reads", "attempts"], Path()],
    number: PageQuery = 1,
    relationship: RelationshipQuery = "",
    by: Annotated[Literal["", "all"], Query(description="`all`: messages of Rapport's workers as well.")] = "",
) -> Response:
    """Who read words, or which messages were refused, of one relationship or of all, the newest first."""
    of_roles(visitor, "auditor")
    subject = relationship.strip().lower()
    found = _list(at, visitor, what, number, subject or None, of_workers=by == "all")
    values: dict[str, Any] = {
        "what": what,
        "found": found,
        "number": number,
        "relationship": subject,
        "by": by,
        "choices": _choices(at, visitor),
    }
    if what == "reads":
        values["with_reasons"] = any(isinstance(each["why"], str) for each in found.items)
    else:
        values["meanings"] = PROBLEMS
    return page(request, f"audit_{what}", **values)


def _list(at: Desk, visitor: Visitor, what: str, number: int, subject: str | None, *, of_workers: bool) -> Listed:
    audited = Audited(at.engine, visitor.asker, at.pseudonyms, at.now)
    skip = (number - 1) * ROWS
    if what == "reads":
        return audited.reads(skip, ROWS, subject)
    return audited.attempts(skip, ROWS, subject, of_workers=of_workers)
