"""Time stamps on checkpoints (RFC 3161): somebody else's word that a checkpoint was there at a time.

A stamp is what the authority answered, kept as it is beside the checkpoint. It is trusted by the authority's root certificates, which come
from elsewhere; without them its time is told and not vouched for.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

from infra.store.errors import StoreError

if TYPE_CHECKING:
    from cryptography.x509 import Certificate
    from rfc3161_client import TimeStampResponse

SUFFIX: Final = ".tsr"
SECONDS: Final = 10.0
MOST_BYTES: Final = 65_536
_ASKED: Final = {"Content-Type": "application/timestamp-query", "Accept": "application/timestamp-reply"}


class NoStamp(StoreError):
    """A stamp was not given, can't be read or is not of this checkpoint; the message says why."""


class Stamp(NamedTuple):
    """What a stamp says: when, and by whom where that is vouched for by a root certificate."""

    at: datetime
    trusted: bool

    def told(self) -> str:
        """In a sentence."""
        vouched = (
            "by an authority that you trust" if self.trusted else "by an authority that no root certificate vouches for"
        )
        return f"stamped at {self.at:%Y-%m-%dT%H:%M:%SZ} {vouched}"


def file_of(checkpoint: Path) -> Path:
    """Where the stamp of a checkpoint is kept."""
    return checkpoint.with_name(checkpoint.name + SUFFIX)


def ask(url: str, checkpoint: bytes) -> bytes:
    """The stamp of an authority on a checkpoint.

    Raises:
        NoStamp: It gives none.
    """
    import httpx
    from rfc3161_client import TimestampRequestBuilder

    request = TimestampRequestBuilder().data(checkpoint).nonce(nonce=True).cert_request(cert_request=True).build()
    try:
        answer = httpx.post(url, content=request.as_bytes(), headers=_ASKED, timeout=SECONDS)
        answer.raise_for_status()
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise NoStamp(f"the time stamp authority gives no stamp: {error}") from None
    if len(answer.content) > MOST_BYTES:
        raise NoStamp(f"the time stamp authority answers with {len(answer.content)} bytes, which is no stamp")
    if _decoded(answer.content).tst_info.nonce != request.nonce:
        raise NoStamp("the time stamp authority answers another question")
    read(answer.content, checkpoint, ())
    return answer.content


def read(stamp: bytes, checkpoint: bytes, roots: "Sequence[Certificate]") -> Stamp:
    """What a stamp says of a checkpoint; by these root certificates it is trusted.

    Raises:
        NoStamp: It can't be read, is of something else, or no root vouches for it though there are some.
    """
    from hashlib import sha256, sha384, sha512

    from rfc3161_client import VerificationError, VerifierBuilder

    found = _decoded(stamp)
    if found.tst_info.message_imprint.message not in {hash_(checkpoint).digest() for hash_ in (sha256, sha384, sha512)}:
        raise NoStamp("the time stamp is of something else")
    at = found.tst_info.gen_time.astimezone(UTC)
    if not roots:
        return Stamp(at, trusted=False)
    try:
        VerifierBuilder(roots=list(roots)).build().verify_message(found, checkpoint)
    except (VerificationError, ValueError) as error:
        raise NoStamp(f"the time stamp can't be trusted: {error}") from None
    return Stamp(at, trusted=True)


def read_roots(file: Path) -> "list[Certificate]":
    """The root certificates in a PEM file.

    Raises:
        NoStamp: It can't be read, or has none.
    """
    from cryptography.x509 import load_pem_x509_certificates

    try:
        return load_pem_x509_certificates(file.read_bytes())
    except OSError as error:
        raise NoStamp(f"the root certificates in {file} can't be read: {error.strerror}") from None
    except ValueError as error:
        raise NoStamp(f"{file} has no certificates in PEM form: {error}") from None


def _decoded(stamp: bytes) -> "TimeStampResponse":
    from rfc3161_client import PKIStatus, decode_timestamp_response

    try:
        found = decode_timestamp_response(stamp)
        status = PKIStatus(found.status)
    except ValueError as error:
        raise NoStamp(f"that is no time stamp: {error}") from None
    if status is not PKIStatus.GRANTED:
        raise NoStamp(f"the time stamp authority refuses: {'; '.join(found.status_string) or status.name}")
    return found
