"""The address at which people reach the pages, as the operator says it: nothing that a request says of its host is believed."""

from typing import Final
from urllib.parse import urlsplit

from infra.settings import Settings, WrongSettings

LOOPBACK: Final = frozenset({"localhost", "127.0.0.1", "::1"})


def public_url(settings: Settings) -> str | None:
    """The address without a slash at its end; None where the operator says none.

    Raises:
        WrongSettings: It is no address, or others could listen on the way there.
    """
    if settings.public_url is None:
        return None
    try:
        parts = urlsplit(settings.public_url)
        is_whole = bool(parts.hostname) and not (parts.query or parts.fragment or "@" in parts.netloc)
        is_local = parts.hostname in LOOPBACK
        _ = parts.port
    except ValueError:
        is_whole = is_local = False
        parts = urlsplit("")
    if not is_whole or not settings.public_url.isprintable() or " " in settings.public_url:
        raise WrongSettings(
            "RAPPORT_PUBLIC_URL: expected an address such as https://rapport.example.org, without ? and #"
        )
    if parts.scheme != "https" and not (parts.scheme == "http" and is_local):
        raise WrongSettings("RAPPORT_PUBLIC_URL: expected an https URL: without TLS others could read what people do")
    return settings.public_url.rstrip("/")
