"""The files that pages load: styles and scripts, ours alone. An address names its version, so browsers may keep them."""

import mimetypes
from typing import Annotated

from fastapi import APIRouter, Path, Query, Response

from infra.http.problems import not_found
from infra.web.page import STATIC, digest

router = APIRouter()


@router.get("/static/{name}")
def asset(
    name: Annotated[str, Path(pattern=r"^[a-z0-9][a-z0-9.-]{0,60}$")],
    version: Annotated[str | None, Query(alias="v", max_length=40)] = None,
) -> Response:
    """A file under static/."""
    file = STATIC / name
    if not file.is_file():
        raise not_found()
    kind = mimetypes.guess_type(name)[0] or "application/octet-stream"
    kept = "public, max-age=31536000, immutable" if version == digest(name) else "no-cache"
    return Response(file.read_bytes(), media_type=kind, headers={"Cache-Control": kept})
