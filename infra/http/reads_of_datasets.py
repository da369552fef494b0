"""`GET /v1/datasets/{name}`: a dataset as JSON lines, CSV or Parquet, whichever the caller accepts."""

import tempfile
from collections.abc import Iterator
from hashlib import file_digest
from typing import IO, Annotated, Final

from fastapi import APIRouter, Path, Request, Response
from fastapi.responses import StreamingResponse

from domain.problem import Problem
from infra.access import datasets
from infra.export.writing import WRITERS, Format
from infra.http.asking import READER, AskerOf, DeskOf, MomentOf, tagged, unchanged
from infra.http.log_head import Visible
from infra.http.problems import HttpProblem, forbidden

router = APIRouter(prefix="/v1/datasets", tags=["figures"], dependencies=[Visible])

# The first of a form is what answers say; the first of all is what everybody gets who accepts anything.
MEDIA_TYPES: Final[dict[str, Format]] = {
    "application/x-ndjson": "jsonl",
    "application/jsonl": "jsonl",
    "application/x-jsonlines": "jsonl",
    "text/csv": "csv",
    "application/vnd.apache.parquet": "parquet",
    "application/x-parquet": "parquet",
}
IN_MEMORY: Final = 1 << 22
CHUNK: Final = 1 << 16
FORMS: Final = "application/x-ndjson, text/csv, application/vnd.apache.parquet"


@router.get("/{name}", operation_id="getDataset")
def dataset(
    request: Request,
    at: DeskOf,
    who: AskerOf,
    moment: MomentOf,
    name: Annotated[
        str, Path(description="The dataset, such as relationships or commitment_health.", examples=["relationships"])
    ],
) -> Response:
    """A dataset: the rows of the caller's programmes, persons as pseudonyms for analysts and auditors."""
    media_type = accepted(request.headers.get("accept"))
    form = MEDIA_TYPES[media_type]
    try:
        found = datasets.open_dataset(at.engine, who, name, at.pseudonyms, moment, at.now)
    except datasets.MayNot:
        raise forbidden(
            f"expected a role that reads this dataset: {', '.join(sorted(datasets.READERS))}", code="role"
        ) from None
    except datasets.UnknownDataset as error:
        raise HttpProblem(404, Problem("not_found", str(error))) from None
    file = written(found, form)
    headers = tagged(at, file_digest(file, "sha256").hexdigest(), f"Accept, {READER}")
    if (kept := unchanged(request, headers)) is not None:
        file.close()
        return kept
    file.seek(0)
    headers["Content-Disposition"] = f'attachment; filename="{name}.{form}"'
    kind = f"{media_type}; charset=utf-8" if form == "csv" else media_type
    return StreamingResponse(pieces(file), media_type=kind, headers=headers)


def written(found: datasets.Rows, form: Format) -> tempfile.SpooledTemporaryFile[bytes]:
    """A dataset as a file. It is written whole before the first piece leaves: what goes wrong is an answer, never half a file."""
    out = tempfile.SpooledTemporaryFile(IN_MEMORY)  # noqa: SIM115 - closed when it was sent
    try:
        WRITERS[form](out, found.columns, found.rows)
        out.seek(0)
    except BaseException:
        out.close()
        raise
    return out


def pieces(out: IO[bytes]) -> Iterator[bytes]:
    """The rest of a file, piece by piece; it is closed after the last."""
    with out:
        while part := out.read(CHUNK):
            yield part


def accepted(header: str | None) -> str:
    """The media type that a caller likes best among those that there are.

    Raises:
        HttpProblem: There is none.
    """
    best, quality = None, 0.0
    for place in (header or "*/*").split(","):
        name, *parameters = (part.strip().lower() for part in place.split(";"))
        liked = _quality(parameters)
        if liked > quality and (found := _matching(name)) is not None:
            best, quality = found, liked
    if best is None:
        raise HttpProblem(406, Problem("not_acceptable", f"expected to accept one of {FORMS}", field="Accept"))
    return best


def _matching(name: str) -> str | None:
    group, _, kind = name.partition("/")
    return next(
        (each for each in MEDIA_TYPES if name in {"*/*", each} or (kind == "*" and each.startswith(f"{group}/"))), None
    )


def _quality(parameters: list[str]) -> float:
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        if name == "q":
            try:
                return float(value)
            except ValueError:
                return 0.0
    return 1.0
