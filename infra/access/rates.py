"""How many requests one token may make in a time, so that no service takes the whole server, and how often one address may try to sign in.

Each process counts its own.
"""

import math
import time
from collections import Counter
from threading import Lock

from limits import RateLimitItem, parse

from infra.settings import WrongSettings


class Rates:
    """Counts the requests of each token, or of each address, in windows of time that are the same for all. Threads may share it."""

    def __init__(self, rate: str, setting: str = "RAPPORT_TOKEN_RATE") -> None:
        self._rate = rate_of(rate, setting)
        self._counts: Counter[str] = Counter()
        self._ends = 0.0
        self._turn = Lock()

    def wait_for(self, token: str) -> int:
        """Count one request; 0 if it may be made, else after how many seconds it may come again."""
        now = time.monotonic()
        with self._turn:
            if now >= self._ends:
                self._counts.clear()
                self._ends = now + self._rate.get_expiry()
            self._counts[token] += 1
            if self._counts[token] <= self._rate.amount:
                return 0
            return max(1, math.ceil(self._ends - now))


def rate_of(text: str, setting: str) -> RateLimitItem:
    """A rate such as `100/second` or `5000/minute`.

    Raises:
        WrongSettings: The text is none.
    """
    try:
        return parse(text)
    except ValueError:
        raise WrongSettings(f"{setting}: {text!r} is no rate: expected one such as 100/second or 5000/minute") from None
