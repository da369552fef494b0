"""What the pages of one process share: the key of sessions, the ways to sign in, and how often somebody may try."""

from dataclasses import dataclass

from starlette.requests import Request

from infra.access.rates import Rates
from infra.operations.logs import logger
from infra.public_url import public_url
from infra.settings import Settings
from infra.web.demo import DemoPersons, read_demo
from infra.web.open_id import OpenId
from infra.web.session import session_key

log = logger("rapport.pages")


@dataclass(frozen=True)
class Site:
    """As the settings say; `site_of` finds it again in a request."""

    key: str
    demo: DemoPersons
    open_id: OpenId | None
    rates: Rates
    public_url: str | None

    @classmethod
    def of(cls, settings: Settings) -> "Site":
        """As the settings say.

        Raises:
            WrongSettings: A setting is wrong.
            StoreError: The address of the store can't be understood.
        """
        open_id, address = OpenId.of(settings), public_url(settings)
        if open_id is not None and address is None:
            log.warning("people can sign in at the issuer from this machine alone: set RAPPORT_PUBLIC_URL")
        return cls(
            session_key(settings),
            read_demo(settings.demo_persons),
            open_id,
            Rates(settings.sign_in_rate, "RAPPORT_SIGN_IN_RATE"),
            address,
        )


def site_of(request: Request) -> Site:
    """What the pages of this process share."""
    found: Site = request.app.state.site
    return found
