"""The pages for people as a part of the HTTP app: their routes and sessions. Everything works without JavaScript."""

from collections.abc import Callable
from importlib import import_module
from typing import Final

from fastapi import FastAPI

from infra.settings import Settings
from infra.web import errors
from infra.web.names import Names
from infra.web.session import Sessions
from infra.web.site_of import Site
from infra.web.verification import OneByOne
from infra.web.warming import warming

# Each has a `router`; a page is added by its line here.
ROUTERS: Final = (
    "start",
    "sign_in",
    "preferences",
    "assets",
    "proposal",
    "relationship",
    "commands",
    "subject_commands",
    "cases",
    "mine",
    "time_machine",
    "audit",
    "codes",
    "what_if",
    "programme",
)


def pages(settings: Settings) -> Callable[[FastAPI], None]:
    """What adds the pages to an app that has the API already; what surrounds every request is added after them.

    Raises:
        WrongSettings: A setting is wrong.
        StoreError: The address of the store can't be understood.
    """
    site = Site.of(settings)

    def add(app: FastAPI) -> None:
        app.state.site = site
        app.state.names = Names()
        app.state.checks = OneByOne()
        for name in ROUTERS:
            app.include_router(import_module(f"infra.web.{name}").router, include_in_schema=False)
        errors.register(app)
        app.state.warming = warming
        app.add_middleware(Sessions, key=site.key)

    return add
