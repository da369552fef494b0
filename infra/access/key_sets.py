"""The public keys that may sign tokens: a JWKS in a file or behind a URL, read again when it changes.

The algorithm belongs to the key and is never taken from a token: Ed25519 is EdDSA, P-256 is ES256, RSA is RS256. A set's other
keys, such as those that encrypt, are left out, and of a private key only the public half is read.
"""

import json
import threading
import time
from collections.abc import Callable, Hashable, Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple, Protocol
from urllib.parse import urlsplit

import httpx
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from jwt import PyJWK, PyJWTError

from infra.access.errors import KeysNotReached
from infra.operations.logs import logger
from infra.public_url import LOOPBACK
from infra.settings import WrongSettings

log = logger("rapport.tokens")

# Seconds: how long fetched keys serve without a look, how soon an unknown key may cause the next one, how long one may take.
FRESH: Final = 600.0
# And for how long a file is taken to be as it was.
LOOK: Final = 0.1
AGAIN: Final = 30.0
WAIT: Final = 5.0
LARGEST: Final = 1024 * 1024
RSA_BITS: Final = 2048
PRIVATE: Final = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth", "k"})


class VerifyingKey(NamedTuple):
    """A public key and the one algorithm that it verifies."""

    key: Any
    algorithm: str


class KeySet(Protocol):
    """Where a token's key is looked up."""

    def find(self, kid: str | None) -> VerifyingKey | None:
        """The key of this id; without an id the only key there is. None if there is none.

        Raises:
            KeysNotReached: The keys can't be read.
        """
        ...

    def mark(self) -> Hashable:
        """What is another once the keys may have changed; waits for nothing but a look at a file."""
        ...


def keys_of(text: str | bytes) -> dict[str | None, VerifyingKey]:
    """The keys of a JWKS that may sign tokens, by their ids.

    Raises:
        ValueError: It is no JWKS.
    """
    document = json.loads(text)
    listed = document.get("keys") if isinstance(document, dict) else None
    if not isinstance(listed, list):
        raise ValueError('expected a JWKS: a JSON object with a list "keys"')  # noqa: TRY004 - one error for all that is wrong
    found: dict[str | None, VerifyingKey] = {}
    for jwk in listed:
        if isinstance(jwk, dict) and (key := _verifying(jwk)) is not None:
            found[jwk.get("kid")] = key
    return found


def _verifying(jwk: Mapping[str, Any]) -> VerifyingKey | None:
    """The key, if it is one that verifies a permitted algorithm."""
    if not for_signatures(jwk):
        return None
    public = {name: value for name, value in jwk.items() if name not in PRIVATE}
    algorithm = {("OKP", "Ed25519"): "EdDSA", ("EC", "P-256"): "ES256", ("RSA", None): "RS256"}.get(
        (str(jwk.get("kty")), jwk.get("crv"))
    )
    if algorithm is None or jwk.get("alg", algorithm) not in {
        algorithm,
        "Ed25519" if algorithm == "EdDSA" else algorithm,
    }:
        return None
    try:
        key = PyJWK(public, algorithm).key
    except (PyJWTError, ValueError, TypeError):
        return None
    if isinstance(key, RSAPublicKey) and key.key_size < RSA_BITS:
        return None
    return (
        VerifyingKey(key, algorithm)
        if isinstance(key, RSAPublicKey | EllipticCurvePublicKey | Ed25519PublicKey)
        else None
    )


def for_signatures(jwk: Mapping[str, Any]) -> bool:
    """Whether a key of a JWKS is there to check signatures, by what the set says of it."""
    return (
        jwk.get("use", "sig") == "sig"
        and "verify" in jwk.get("key_ops", ["verify"])
        and isinstance(jwk.get("kid"), str | None)
    )


def only(keys: Mapping[str | None, VerifyingKey], kid: str | None) -> VerifyingKey | None:
    """The key of this id, or the only key where a token names none."""
    if kid is None and len(keys) == 1:
        return next(iter(keys.values()))
    return keys.get(kid)


class FileKeys:
    """A JWKS in a file, read again when the file changes. Threads may share it.

    `may_be_missing`: no file is no keys, until somebody makes it.
    """

    def __init__(
        self,
        path: Path,
        read: Callable[[bytes], dict[str | None, VerifyingKey]] = keys_of,
        *,
        may_be_missing: bool = False,
    ) -> None:
        self._path, self._read, self._may_be_missing = path, read, may_be_missing
        self._turn = threading.Lock()
        self._stamp: tuple[int, int, int] | None = None
        self._keys: dict[str | None, VerifyingKey] = {}
        self._looked_at = -LOOK
        self._seen: tuple[int, int, int] | None = None

    def find(self, kid: str | None) -> VerifyingKey | None:
        """The key of this id; see `KeySet`.

        Raises:
            KeysNotReached: The file holds no JWKS now.
        """
        with self._turn:
            self._fetch_again()
            return only(self._keys, kid)

    def check(self) -> None:
        """Read the file now.

        Raises:
            WrongSettings: It can't be read, or has no key that may sign tokens.
        """
        try:
            with self._turn:
                self._fetch_again()
        except KeysNotReached as error:
            raise WrongSettings(f"RAPPORT_TOKEN_KEYS: {error}") from None
        if not self._keys:
            raise WrongSettings(
                f"RAPPORT_TOKEN_KEYS: {self._path} has no key that may sign tokens: expected Ed25519, P-256 or RSA of "
                f"{RSA_BITS} bits or more"
            )

    def mark(self) -> Hashable:
        """The state of the file, as it was `LOOK` seconds ago at most; None where it can't be looked at.

        Each look lets other threads go first, which takes longer than the look: so there is not one for every request.
        """
        if time.monotonic() - self._looked_at >= LOOK:
            self._looked_at = time.monotonic()
            try:
                self._seen = self._state()
            except OSError:
                self._seen = None
        return self._seen

    def _state(self) -> tuple[int, int, int]:
        found = self._path.stat()
        return found.st_mtime_ns, found.st_size, found.st_ino

    def _fetch_again(self) -> None:
        try:
            stamp = self._state()
            if stamp != self._stamp:
                self._keys = self._read(self._path.read_bytes())
                self._stamp = stamp
        except OSError as error:
            if self._may_be_missing and isinstance(error, FileNotFoundError):
                self._keys, self._stamp = {}, None
                return
            raise KeysNotReached(f"{self._path} can't be read: {error.strerror}") from None
        except ValueError as error:
            raise KeysNotReached(f"{self._path} can't be understood: {error}") from None


class UrlKeys:
    """A JWKS behind a URL, fetched at first use and kept.

    It is fetched again when it is no longer fresh, and at a key that nobody knows, at most every `AGAIN` seconds: a stranger
    who makes up key ids does not make Rapport ask. Old keys serve on while the server can't be reached.
    """

    def __init__(
        self, url: str, monotonic: Callable[[], float] = time.monotonic, fresh: float = FRESH, again: float = AGAIN
    ) -> None:
        parts = urlsplit(url)
        if parts.scheme != "https" and not (parts.scheme == "http" and parts.hostname in LOOPBACK):
            raise WrongSettings(
                "RAPPORT_TOKEN_KEYS: expected a file or an https URL; http is for this machine (localhost) alone"
            )
        self._url, self._monotonic, self._fresh, self._again = url, monotonic, fresh, again
        self._turn = threading.Lock()
        self._keys: dict[str | None, VerifyingKey] = {}
        self._fetched_at: float | None = None
        self._tried_at: float | None = None

    def find(self, kid: str | None) -> VerifyingKey | None:
        """The key of this id; see `KeySet`.

        Raises:
            KeysNotReached: The server never answered with keys.
        """
        with self._turn:
            if self._age(self._fetched_at) > self._fresh or only(self._keys, kid) is None:
                self._fetch()
            if self._fetched_at is None:
                raise KeysNotReached("the keys that sign tokens can't be fetched now: try again later")
            return only(self._keys, kid)

    def mark(self) -> Hashable:
        """When the keys were fetched."""
        return self._fetched_at

    def _age(self, moment: float | None) -> float:
        return float("inf") if moment is None else self._monotonic() - moment

    def _fetch(self) -> None:
        if self._age(self._tried_at) <= self._again:
            return
        self._tried_at = self._monotonic()
        try:
            with httpx.stream("GET", self._url, timeout=WAIT, follow_redirects=False) as answer:
                answer.raise_for_status()
                self._keys = keys_of(_bounded(answer))
        except (httpx.HTTPError, ValueError) as error:
            log.warning("the keys that sign tokens can't be fetched", error=type(error).__name__)
            return
        self._fetched_at = self._monotonic()


def _bounded(answer: httpx.Response) -> bytes:
    body = bytearray()
    for part in answer.iter_bytes():
        body += part
        if len(body) > LARGEST:
            raise ValueError("the answer is too large for a JWKS")
    return bytes(body)
