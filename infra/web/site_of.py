"""What the pages of one process share: the key of sessions, the ways to sign in, and how often somebody may try."""

from dataclasses import dataclass

from starlette.requests import Request

from infra.access.rates import Rates
from infra.settings import Settings
from infra.web.demo import DemoPersons, read_demo
from infra.web.open_id import OpenId
from infra.web.session import session_key


@dataclass(frozen=True)
class Site:
    """As the settings say; `site_of` finds it again in a request."""

    key: str
    demo: DemoPersons
    open_id: OpenId | None
    rates: Rates

    @classmethod
    def of(cls, settings: Settings) -> "Site":
        """As the settings say.

        Raises:
            WrongSettings: A setting is wrong.
            StoreError: The address of the store can't be understood.
        """
        return cls(
            session_key(settings),
            read_demo(settings.demo_persons),
            OpenId.of(settings),
            Rates(settings.sign_in_rate, "RAPPORT_SIGN_IN_RATE"),
        )


def site_of(request: Request) -> Site:
    """What the pages of this process share."""
    found: Site = request.app.state.site
    return found
