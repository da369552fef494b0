"""The webhook: one POST of JSON a notification, signed as standardwebhooks.com has it, so that any library can check it.

`webhook-id` is the notification's id and stays the same however often it is sent. What the other side answers decides:
2xx took it; 408, 425, 429 and 5xx will be tried again; any other 4xx won't ever take it.
"""

import asyncio
import base64
from contextlib import suppress
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import ClassVar, Final
from urllib.parse import urlsplit

import httpx
import orjson
from standardwebhooks import Webhook

from infra.configured_file import read_text
from infra.notifications.outbox import Notification
from infra.notifications.route import Channel, Refusal, Route, Trouble
from infra.notifications.wording import Wording
from infra.settings import WrongSettings

# Answers of a server, or of what stands before it, that have nothing to do with this notification.
EVERYBODY: Final = frozenset({429, 502, 503, 504})
AGAIN: Final = frozenset({408, 425, 429})
BODY_SECONDS: Final = 1.0
BODY_BYTES: Final = 65_536
LONGEST_AFTER: Final = 24 * 3600.0
SECRET_BYTES: Final = range(24, 65)
PREFIX: Final = "whsec_"


async def finished(answer: httpx.Response) -> tuple[int, str | None]:
    """Status and Retry-After of an answer that has begun. Its body is read to keep the connection; not for long, and not much of it."""
    try:
        with suppress(TimeoutError, httpx.HTTPError):
            async with asyncio.timeout(BODY_SECONDS):
                left = BODY_BYTES
                async for piece in answer.aiter_raw():
                    left -= len(piece)
                    if left < 0:
                        break
    finally:
        await answer.aclose()
    return answer.status_code, answer.headers.get("retry-after")


class WebhookRoute(Route):
    """Every recipient goes this way; the other side finds them. An answer must be there within `seconds`, whole."""

    channel: ClassVar[Channel] = "webhook"

    def __init__(self, url: str, signers: tuple[Webhook, ...], seconds: float) -> None:
        self.url = url
        self.signers = signers
        self.seconds = seconds
        self._runner = asyncio.Runner()
        # The authorities that are trusted take a moment to read; without TLS nobody asks for them.
        tls = urlsplit(url).scheme == "https"
        self._client = httpx.AsyncClient(timeout=seconds, headers={"user-agent": "Rapport"}, verify=tls)

    def takes(self, recipient: str) -> bool:  # noqa: ARG002 - any recipient
        return True

    def send(self, note: Notification, wording: Wording) -> None:
        text = body(note, wording)
        headers = signed(self.signers, note.id, datetime.now(UTC), text)
        try:
            status, after = self._runner.run(self._post(text, headers))
        except TimeoutError:
            raise Trouble(f"the webhook did not answer within {self.seconds:g} s", everybody=True) from None
        except httpx.HTTPError as error:
            raise Trouble(f"the webhook can't be reached ({type(error).__name__})", everybody=True) from None
        judge(status, after)

    async def _post(self, text: str, headers: dict[str, str]) -> tuple[int, str | None]:
        """Status and Retry-After."""
        request = self._client.build_request("POST", self.url, content=text, headers=headers)
        async with asyncio.timeout(self.seconds):
            answer = await self._client.send(request, stream=True)
        return await finished(answer)

    def close(self) -> None:
        try:
            self._runner.run(self._client.aclose())
        finally:
            self._runner.close()


def body(note: Notification, wording: Wording) -> str:
    """The JSON that is sent: what it is about and for whom, the same words as an e-mail has, never content."""
    data = {
        "id": note.id,
        "recipient": note.recipient,
        "alone": note.alone,
        "template": note.template,
        "subject": note.subject,
        "parameters": wording.parameters,
        "clauses": note.clauses,
        "title": wording.title,
        "text": wording.text,
        "todo": wording.todo,
        "command": wording.command,
    }
    message = {"type": f"notification.{note.template}", "timestamp": note.at, "data": data}
    return orjson.dumps(message, option=orjson.OPT_UTC_Z).decode()


def signed(signers: tuple[Webhook, ...], id_: str, at: datetime, text: str) -> dict[str, str]:
    """The headers of a message sent at a time: by the machine's clock, for the other side checks it by its own."""
    return {
        "content-type": "application/json",
        "webhook-id": id_,
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": " ".join(signer.sign(id_, at, text) for signer in signers),
    }


def judge(status: int, retry_after: str | None) -> None:
    """Nothing if the answer says that it was taken; else raises `Trouble` or `Refusal`."""
    if 200 <= status < 300:
        return
    reason = f"the webhook answered {status}"
    if 400 <= status < 500 and status not in AGAIN:
        raise Refusal(reason)
    raise Trouble(reason, after=seconds_of(retry_after), everybody=status in EVERYBODY)


def seconds_of(retry_after: str | None) -> float:
    """How long a Retry-After asks to wait, a day at most; 0 if it says nothing that can be understood."""
    if retry_after is None:
        return 0.0
    try:
        wait = float(int(retry_after))
    except ValueError:
        try:
            wait = (parsedate_to_datetime(retry_after).astimezone(UTC) - datetime.now(UTC)).total_seconds()
        except (ValueError, OverflowError):
            return 0.0
    except OverflowError:
        return LONGEST_AFTER
    return min(max(wait, 0.0), LONGEST_AFTER)


def open_webhook(url: str, secret_file: Path, seconds: float) -> WebhookRoute:
    """The route to a URL.

    Raises:
        WrongSettings: A setting is wrong.
    """
    try:
        parts = urlsplit(url)
        right = parts.scheme in {"http", "https"} and parts.hostname and parts.port != 0
    except ValueError:
        right = False
    if not right:
        # Not shown: it may have a password in it.
        raise WrongSettings("RAPPORT_NOTIFY_WEBHOOK: expected a URL such as https://example.org/hooks/rapport")
    return WebhookRoute(url, read_secrets(secret_file), seconds)


def read_secrets(path: Path) -> tuple[Webhook, ...]:
    """Returns one signer for each line of the file.

    Raises:
        WrongSettings: A line is no secret; the message shows nothing of it.
    """
    lines = [line.strip() for line in read_text(path, "RAPPORT_NOTIFY_SECRET_FILE").splitlines() if line.strip()]
    try:
        secrets = [base64.b64decode(line.removeprefix(PREFIX), validate=True) for line in lines]
    except ValueError:
        raise WrongSettings(f"RAPPORT_NOTIFY_SECRET_FILE: {path}: expected whsec_ and Base64") from None
    if not secrets:
        raise WrongSettings(f"RAPPORT_NOTIFY_SECRET_FILE: {path} is empty: write the secret into it")
    if any(len(secret) not in SECRET_BYTES for secret in secrets):
        raise WrongSettings(f"RAPPORT_NOTIFY_SECRET_FILE: {path}: expected secrets of 24 to 64 bytes")
    return tuple(Webhook(secret) for secret in secrets)
