"""The HTTP application: routes, what surrounds them, and what they share.

`create_app` gives an app on an open store; `bare_app` one without a store, from which the OpenAPI document is made. Routes find
what they need in `request.app.state`: `rapport`, `process`, `tokens`, `intake` and `log_head`.
"""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from importlib import import_module
from typing import Final

from anyio import CapacityLimiter
from fastapi import Depends, FastAPI
from fastapi.concurrency import run_in_threadpool

from infra.access.rates import Rates
from infra.access.tokens import Tokens
from infra.bootstrap import Rapport
from infra.http import messages, problems
from infra.http.bodies import Limits
from infra.http.edge import Edge
from infra.http.intake import Intake
from infra.http.log_head import LogHead
from infra.http.queries import only_known
from infra.kafka.adopted import Adopted
from infra.operations.process import Process

# Each has a `router`.
ROUTERS: Final = (
    "facts",
    "webhooks",
    "reads",
    "reads_of_all",
    "reads_of_datasets",
    "reads_of_me",
    "erasure_of_me",
    "reads_of_evidence",
    "operations",
)
TITLE: Final = "Rapport"
USUAL: Final = Limits()
OPERATIONS_THREADS: Final = 8
SUMMARY: Final = "The system of record for mentoring relationships"


Part = Callable[[FastAPI], None]


def bare_app(part: Part | None = None) -> FastAPI:
    """The app with all routes and no store behind them; `part` adds more, such as the pages for people."""
    app = FastAPI(
        title=TITLE,
        summary=SUMMARY,
        version="1",
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        dependencies=[Depends(only_known)],
        telemetry={"tracing": False, "metrics": False, "logs": False},
        lifespan=_lifespan,
    )
    problems.register(app)
    messages.add_to(app.router)
    for name in ROUTERS:
        app.include_router(import_module(f"infra.http.{name}").router)
    if part is not None:
        part(app)
    app.add_middleware(Edge)
    return app


def create_app(
    rapport: Rapport, process: Process, tokens: Tokens, limits: Limits = USUAL, part: Part | None = None
) -> FastAPI:
    """The app on an open store. `process` says how this process is, and when it is to stop; `part` adds more than the API."""
    app = bare_app(part)
    app.state.rapport = rapport
    app.state.process = process
    app.state.tokens = tokens
    app.state.rates = Rates(rapport.settings.token_rate)
    app.state.failures = Rates(rapport.settings.failed_token_rate, "RAPPORT_FAILED_TOKEN_RATE")
    app.state.limits = limits
    app.state.adopted = Adopted(rapport.store)
    return app


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    """What needs the loop: it begins before the first request, and ends after the last answer."""
    intake = await run_in_threadpool(Intake, app.state.rapport)
    app.state.intake = intake
    app.state.log_head = LogHead(app.state.rapport.store)
    # In an outage every other thread may wait for the store.
    app.state.threads_of_operations = CapacityLimiter(OPERATIONS_THREADS)
    try:
        yield
    finally:
        app.state.log_head.stop()
        await run_in_threadpool(app.state.log_head.join)
        await run_in_threadpool(intake.close)
