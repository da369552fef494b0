"""The start page: what concerns the reader's role."""

from fastapi import APIRouter, Request, Response

from infra.web.errors import PageRoute
from infra.web.page import page
from infra.web.visitor import VisitorOf

router = APIRouter(route_class=PageRoute)


@router.get("/")
def start(request: Request, visitor: VisitorOf) -> Response:
    """The start page."""
    return page(request, "start", visitor=visitor)
