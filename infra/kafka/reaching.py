"""Why a broker can't be reached, in a sentence that names the setting to look at.

The files of TLS are tried before a client is made. kafka-python says of every broker that it can't talk to the same; what its
connections ended with tells them apart, so each client keeps that here.
"""

import re
import ssl
from collections import deque
from collections.abc import Iterable
from functools import partial
from pathlib import Path
from typing import Any, Final

from infra.settings import Settings, WrongSettings

# What a key with a password is tried with where no file has one: else OpenSSL would ask the terminal for it.
NO_PASSWORD: Final = "none"  # noqa: S105 - it is none
FAILURES: Final = 20

OURS: Final = "our certificate"
REFUSED: Final = "it does not accept the certificate in RAPPORT_KAFKA_CERTIFICATE_FILE"
ASKED: Final = "it asks for a certificate: set RAPPORT_KAFKA_CERTIFICATE_FILE and RAPPORT_KAFKA_KEY_FILE"
OTHER_NAME: Final = (
    "its certificate is for another name: use one that it has, in RAPPORT_KAFKA and in what the broker advertises "
    "(RAPPORT_KAFKA_CHECK_HOSTNAME)"
)
TRUSTED: Final = "its certificate is not of an authority in the file that RAPPORT_KAFKA_CA_FILE names"
UNTRUSTED: Final = (
    "its certificate is not of an authority that this machine trusts: name its file in RAPPORT_KAFKA_CA_FILE"
)
# What a connection ended with, as the libraries word it, and what that means; those that tell most come first.
MEANINGS: Final = tuple(
    (re.compile(words), meaning)
    for words, meaning in (
        ("[Hh]ostname mismatch|IP address mismatch", OTHER_NAME),
        (
            "certificate has expired",
            "its certificate has expired, or that of its authority: the broker needs a new one",
        ),
        ("certificate is not yet valid", "its certificate is not valid yet: compare the clocks"),
        ("CERTIFICATE_VERIFY_FAILED", TRUSTED),
        ("ALERT_[A-Z_]*CERTIFICATE|ALERT_UNKNOWN_CA|ALERT_HANDSHAKE_FAILURE", OURS),
        (
            "SaslAuthenticationFailed",
            "it does not accept the user in RAPPORT_KAFKA_USERNAME with the password in RAPPORT_KAFKA_PASSWORD_FILE",
        ),
        ("UnsupportedSaslMechanism", "it does not offer the mechanism in RAPPORT_KAFKA_SASL"),
        ("IllegalSaslState", "it takes no user and password: RAPPORT_KAFKA_SECURITY is PLAINTEXT or SSL there"),
        ("DNS Resolution failure", "that name is not known here"),
        ("ECONNREFUSED", "nobody listens there"),
    )
)


class Connections:
    """What the connections of a client ended with lately."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.failures: deque[Exception] = deque(maxlen=FAILURES)

    def client(self, **config: Any) -> Any:
        """What kafka-python's clients talk through (their setting `kafka_client`), as they make it themselves."""
        from kafka.net.compat import KafkaNetClient

        found = KafkaNetClient(**config)
        manager = found._manager  # noqa: SLF001 - nothing else sees the errors of connections
        connect = manager._connect  # noqa: SLF001

        def noted(node: Any, connection: Any, **options: Any) -> Any:
            advertised = None if manager.cluster.is_bootstrap(node.node_id) else f"{node.host}:{node.port}"
            connection.init_future.add_errback(partial(self._failed, advertised))
            return connect(node, connection, **options)

        manager._connect = noted  # noqa: SLF001
        return found

    def _failed(self, advertised: str | None, failure: Exception) -> None:
        if advertised is None:
            self.failures.append(failure)
            return
        # This error reaches those who wait for an answer; by itself it does not name an address that none of our settings has.
        why = self._meaning([failure]) or ", ".join(map(str, failure.args))
        failure.args = (f"the broker says that it is at {advertised} (its advertised.listeners): {why}",)

    def meaning(self) -> str:
        """Why no broker answered, as far as the connections tell."""
        other = f"it expects something else than {self.settings.kafka_security}, or does not answer in time"
        return self._meaning(self.failures) or other

    def _meaning(self, failures: Iterable[Exception]) -> str | None:
        told = [f"{type(failure).__name__}: {failure}" for failure in failures]
        for words, meaning in MEANINGS:
            if any(words.search(each) for each in told):
                if meaning is OURS:
                    return REFUSED if self.settings.kafka_certificate_file else ASKED
                return UNTRUSTED if meaning is TRUSTED and self.settings.kafka_ca_file is None else meaning
        return None


def check_files(settings: Settings, password: str) -> None:
    """Try the files of TLS.

    Raises:
        WrongSettings: One of them can't be used.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    authorities, certificate, key = (
        settings.kafka_ca_file,
        settings.kafka_certificate_file,
        settings.kafka_key_file,
    )
    if authorities is not None:
        _read(authorities, "RAPPORT_KAFKA_CA_FILE")
        try:
            context.load_verify_locations(authorities)
        except ssl.SSLError:
            raise WrongSettings(f"RAPPORT_KAFKA_CA_FILE: expected certificates in PEM form in {authorities}") from None
    if certificate is None or key is None:
        return
    if b"-----BEGIN CERTIFICATE-----" not in _read(certificate, "RAPPORT_KAFKA_CERTIFICATE_FILE"):
        raise WrongSettings(f"RAPPORT_KAFKA_CERTIFICATE_FILE: expected a certificate in PEM form in {certificate}")
    text = _read(key, "RAPPORT_KAFKA_KEY_FILE")
    if b"PRIVATE KEY-----" not in text:
        raise WrongSettings(f"RAPPORT_KAFKA_KEY_FILE: expected a key in PEM form in {key}")
    try:
        context.load_cert_chain(certificate, key, password)
    except (ssl.SSLError, ValueError) as error:
        raise WrongSettings(_unusable(settings, text, error)) from None


def _unusable(settings: Settings, key: bytes, error: Exception) -> str:
    if getattr(error, "reason", None) == "KEY_VALUES_MISMATCH":
        return (
            f"RAPPORT_KAFKA_KEY_FILE: {settings.kafka_key_file} is not the key of the certificate in "
            "RAPPORT_KAFKA_CERTIFICATE_FILE"
        )
    if b"ENCRYPTED" not in key:
        return f"RAPPORT_KAFKA_CERTIFICATE_FILE and RAPPORT_KAFKA_KEY_FILE can't be used: {error}"
    if settings.kafka_key_password_file is None:
        return (
            f"RAPPORT_KAFKA_KEY_FILE: the key in {settings.kafka_key_file} has a password: write it into a file and name "
            "that in RAPPORT_KAFKA_KEY_PASSWORD_FILE"
        )
    return f"RAPPORT_KAFKA_KEY_PASSWORD_FILE: the password does not open the key in {settings.kafka_key_file}"


def _read(path: Path, setting: str) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise WrongSettings(f"{setting}: {path} can't be read: {error.strerror}") from None
