"""`rapport` as a process of its own, with the standard streams that a test gives it."""

import os
import pty
import subprocess
from typing import Any

from tests import command
from tests.command import RAPPORT, own_environment, rapport
from tests.messages import relationship_id

SUBJECT = relationship_id(1)
# What a terminal would obey or hide: a line erased, a title set, a colour, C1, DEL, bidi marks, separators, zero width, markup.
NASTY = "ana\x1b[2K\x1b[1A\x1b]0;owned\x07\x1b[31mRED\x9b1m\x85\x7f\u202e\u2066\u200e\u061c\u2028\u2029\u200b[red]日本\r\nforged line"


def environment(store: str, **more: str) -> dict[str, str]:
    """The variables of this process without its settings, and with a store."""
    # A disk that is waited for changes no answer.
    return own_environment(**{"RAPPORT_STORE": store, "RAPPORT_SYNCHRONOUS": "off"} | more)


def run(store: str, *arguments: str, stdin: bytes = b"", **more: Any) -> subprocess.CompletedProcess[bytes]:
    """Run it to its end, its output caught."""
    return rapport(*arguments, stdin=stdin, env=environment(store, **more.pop("env", {})), **more)


def shell(store: str, line: str, **env: str) -> subprocess.CompletedProcess[bytes]:
    """Run a line of bash in which $R is the command, started anew unless R says how."""
    given = environment(store, **({"R": RAPPORT} | env))
    return subprocess.run(
        ["bash", "-o", "pipefail", "-c", line], check=False, capture_output=True, env=given, timeout=120
    )


def at_terminal(store: str, *arguments: str, **env: str) -> tuple[int, str]:
    """Run it at a pseudo-terminal of 80 columns; its exit code and all that the terminal was sent."""
    given = environment(store, TERM="xterm-256color", COLORTERM="truecolor", **env)
    terminal, theirs = pty.openpty()
    process = command.start(*arguments, env=given, files=(theirs, theirs, theirs), own_session=True)
    os.close(theirs)
    sent = b""
    while True:
        try:
            chunk = os.read(terminal, 65_536)
        except OSError:
            break
        if not chunk:
            break
        sent += chunk
    os.close(terminal)
    return process.wait(60), sent.decode().replace("\r\n", "\n")
