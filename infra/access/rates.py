"""How many requests one token may make in a time, so that no service takes the whole server, and how often one address may try to sign in.

Each process counts its own.
"""

import math
import time
from hashlib import sha256

from limits import RateLimitItem, parse
from limits.storage import MemoryStorage
from limits.strategies import FixedWindowRateLimiter

from infra.settings import WrongSettings


class Rates:
    """Counts the requests of each token, or of each address. Threads may share it."""

    def __init__(self, rate: str, setting: str = "RAPPORT_TOKEN_RATE") -> None:
        self._rate = rate_of(rate, setting)
        self._limiter = FixedWindowRateLimiter(MemoryStorage())

    def wait_for(self, token: str) -> int:
        """Count one request; 0 if it may be made, else after how many seconds it may come again."""
        key = sha256(token.encode(errors="replace")).hexdigest()
        if self._limiter.hit(self._rate, key):
            return 0
        return max(1, math.ceil(self._limiter.get_window_stats(self._rate, key).reset_time - time.time()))


def rate_of(text: str, setting: str) -> RateLimitItem:
    """A rate such as `100/second` or `5000/minute`.

    Raises:
        WrongSettings: The text is none.
    """
    try:
        return parse(text)
    except ValueError:
        raise WrongSettings(f"{setting}: {text!r} is no rate: expected one such as 100/second or 5000/minute") from None
