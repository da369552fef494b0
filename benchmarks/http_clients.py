"""Clients that post or read over HTTP as fast as they are answered, in a process of their own that costs little beside the server.

python -m benchmarks.http_clients < a JSON object with `port`, `clients`, `requests` (each the bytes of one, as text), `seconds`
"""

import asyncio
import json
import re
import sys
import time
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

import uvloop

# A contact at the time of another is recorded once.
BEGIN, SECONDS = datetime(2024, 1, 3, tzinfo=UTC), 60_000_000
LENGTH = re.compile(rb"\r\ncontent-length: (\d+)", re.IGNORECASE)


class Load:
    """What was sent, and how long each answer took in seconds."""

    def __init__(self) -> None:
        self.took: list[float] = []
        self.wrong: list[str] = []


async def _answer(reader: asyncio.StreamReader) -> bytes:
    head = await reader.readuntil(b"\r\n\r\n")
    found = LENGTH.search(head)
    body = await reader.readexactly(int(found[1])) if found else b""
    return head + body


async def _client(asked: dict[str, Any], numbers: "count[int]", until: float, load: Load) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", asked["port"])
    kinds = asked["requests"]
    while time.perf_counter() < until:
        number = next(numbers)
        request = made(kinds[number % len(kinds)], number)
        began = time.perf_counter()
        writer.write(request)
        answer = await _answer(reader)
        load.took.append(time.perf_counter() - began)
        if (
            not answer.startswith((b"HTTP/1.1 200", b"HTTP/1.1 304"))
            or b'"refused"' in answer
            or b'"invalid"' in answer
        ):
            load.wrong.append(answer.decode()[:600])
            break
    writer.close()


def made(kind: dict[str, Any], number: int) -> bytes:
    """A request: `head`, and a body in which NUMBER stands for a number that no other has, and TIME for its time."""
    head, body = kind["head"], kind.get("body", "")
    body = re.sub(r"NUMBER(?::(\d+))?", lambda found: f"{number}-{found[1] or 0}", body)
    body = body.replace("TIME", (BEGIN + timedelta(seconds=number % SECONDS)).isoformat())
    lines = f"{head}\r\nHost: x\r\nContent-Length: {len(body)}\r\n" if body else f"{head}\r\nHost: x\r\n"
    return f"{lines}\r\n{body}".encode()


async def _run(asked: dict[str, Any]) -> dict[str, Any]:
    load, numbers = Load(), count(asked.get("first", 0))
    began = time.perf_counter()
    clients = [_client(asked, numbers, began + asked["seconds"], load) for _ in range(asked["clients"])]
    await asyncio.gather(*clients)
    seconds, took = time.perf_counter() - began, sorted(load.took)
    p50, p99 = (round(took[min(int(len(took) * share), len(took) - 1)] * 1000, 2) for share in (0.5, 0.99))
    return {"rate": len(took) / seconds, "count": len(took), "p50": p50, "p99": p99, "wrong": load.wrong[:3]}


if __name__ == "__main__":
    print(json.dumps(uvloop.run(_run(json.load(sys.stdin)))))
