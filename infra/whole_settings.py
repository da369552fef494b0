"""Settings that only make sense together: a half of them would be ignored in silence, or would end in an error far from its cause.

Each rule names what is set and what has to be set, or unset, with it. `Settings` applies them all when it is made.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final
from urllib.parse import urlsplit

SASL: Final = ("kafka_sasl", "kafka_username", "kafka_password_file")
TLS: Final = ("kafka_ca_file", "kafka_certificate_file", "kafka_key_file", "kafka_key_password_file")
SMTP: Final = ("smtp_from", "smtp_password_file", "smtp_starttls", "addresses")
OPENID: Final = ("openid_issuer", "openid_client", "openid_secret_file")
# A setting, and what it needs beside it, whatever else is set.
NEEDS: Final = (
    ("kafka_certificate_file", "kafka_key_file", " (the same file, if it holds both)"),
    ("kafka_key_file", "kafka_certificate_file", ""),
    ("kafka_key_password_file", "kafka_key_file", ""),
    ("smtp", "smtp_from", ""),
    ("notify_webhook", "notify_secret_file", ""),
    ("notify_secret_file", "notify_webhook", ""),
    *((name, "smtp", "") for name in SMTP),
    *((name, other, "") for name in OPENID for other in OPENID if name != other),
    ("openid_scope", "openid_issuer", ""),
)


def halves(settings: Mapping[str, Any]) -> Iterator[str]:
    """A sentence for each setting that lacks another one. `settings` holds those that differ from their defaults."""
    for name, needed, hint in NEEDS:
        if name in settings and needed not in settings:
            yield f"{variable(name)} is set: set {variable(needed)} too{hint}"
    yield from _kafka(settings)
    yield from _smtp(settings)


def variable(name: str) -> str:
    """The environment variable of a setting."""
    return f"RAPPORT_{name.upper()}"


def _kafka(settings: Mapping[str, Any]) -> Iterator[str]:
    security = settings.get("kafka_security", "PLAINTEXT")
    sasl, tls = _names(settings, SASL), _names(settings, TLS)
    if not settings.get("kafka_check_hostname", True):
        tls.append("kafka_check_hostname")
    if security.startswith("SASL"):
        if missing := [name for name in SASL if name not in settings]:
            yield f"RAPPORT_KAFKA_SECURITY is {security}: set {_and(missing)} too"
    elif sasl:
        secure = "SASL_SSL" if security == "SSL" or tls else "SASL_SSL or SASL_PLAINTEXT"
        yield f"{_and(sasl)} would be ignored: RAPPORT_KAFKA_SECURITY is {security}; set it to {secure}"
    if tls and not security.endswith("SSL"):
        secure = "SASL_SSL" if sasl else "SSL or SASL_SSL"
        yield f"{_and(tls)} would be ignored: RAPPORT_KAFKA_SECURITY is {security}; set it to {secure}"
    if "kafka" not in settings and (secured := [*_names(settings, ("kafka_security",)), *sasl, *tls]):
        yield f"{_and(secured)} would be ignored: set RAPPORT_KAFKA too"


def _smtp(settings: Mapping[str, Any]) -> Iterator[str]:
    if "smtp" not in settings:
        return
    try:
        parts = urlsplit(settings["smtp"])
    except ValueError:
        # Opening the route says what is wrong with the address.
        return
    if parts.username and "smtp_password_file" not in settings:
        yield "RAPPORT_SMTP names a user: set RAPPORT_SMTP_PASSWORD_FILE too"
    if not parts.username and "smtp_password_file" in settings:
        yield "RAPPORT_SMTP_PASSWORD_FILE would be ignored: RAPPORT_SMTP names no user (smtp://user@host)"
    if parts.scheme == "smtps" and "smtp_starttls" in settings:
        yield "RAPPORT_SMTP_STARTTLS would be ignored: RAPPORT_SMTP is smtps://, which is TLS from the first byte"


def _names(settings: Mapping[str, Any], wanted: tuple[str, ...]) -> list[str]:
    return [name for name in wanted if name in settings]


def _and(names: list[str]) -> str:
    return " and ".join(map(variable, names))
