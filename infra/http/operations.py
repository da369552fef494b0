"""For those who run Rapport: does it live, is it ready, its numbers; and the documents of the API."""

import orjson
from anyio import to_thread
from fastapi import APIRouter, Request, Response
from fastapi.concurrency import run_in_threadpool
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from infra.http.document import document
from infra.http.page import POLICY, page
from infra.operations.metrics import REGISTRY
from infra.operations.process import Process
from infra.operations.vitals import Report

router = APIRouter(tags=["operations"])


@router.get("/livez", operation_id="getLiveness")
async def livez(request: Request) -> Response:
    """Whether the process lives: 200, or 503 with the part that is stuck. A restart helps then."""
    process: Process = request.app.state.process
    return _reported(process.vitals.live())


@router.get("/readyz", operation_id="getReadiness")
async def readyz(request: Request) -> Response:
    """Whether work gets done now: 200, or 503 with the part that is not well."""
    process: Process = request.app.state.process
    return _reported(await to_thread.run_sync(process.vitals.ready, limiter=request.app.state.threads_of_operations))


@router.get("/metrics", operation_id="getMetrics")
async def metrics(request: Request) -> Response:
    """The numbers of the process, for Prometheus."""
    limiter = request.app.state.threads_of_operations
    return Response(
        await to_thread.run_sync(generate_latest, REGISTRY, limiter=limiter), media_type=CONTENT_TYPE_LATEST
    )


@router.get("/openapi.json", operation_id="getOpenapi")
async def openapi(request: Request) -> Response:
    """The OpenAPI document."""
    found = await run_in_threadpool(document, request.app, request.scope.get("root_path", ""))
    return Response(orjson.dumps(found), media_type="application/json")


@router.get("/docs", operation_id="getDocs")
async def docs(request: Request) -> Response:
    """Every call with its parameters, answers and examples, as a page that needs nothing from elsewhere."""
    root_path = request.scope.get("root_path", "")
    found = await run_in_threadpool(document, request.app, root_path)
    return Response(page(found, root_path), media_type="text/html", headers={"Content-Security-Policy": POLICY})


def _reported(report: Report) -> Response:
    return Response(orjson.dumps(report.to_dict()), 200 if report.ok else 503, media_type="application/json")
