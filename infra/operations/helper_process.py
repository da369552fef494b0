"""Other processes of this Rapport that do part of a long piece of work: what is given to them and what they answer.

A helper runs a function of ours with its standard input and output, and reads and writes pickles there. It ends when its parent does.
"""

import os
import pickle
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any, Final

import infra

# Not `-m infra…`: a folder called infra in the working folder would be taken for ours.
OURS: Final = "from rapport_command import take_our_packages; take_our_packages(); "


class HelperEnded(Exception):
    """A process that helps ended before its work did; its own message is on stderr."""


def program(module: str) -> str:
    """The program that calls `main` of a module of ours."""
    return f"{OURS}from {module} import main; main()"


@contextmanager
def helper(program: str, *task: Any) -> "Iterator[subprocess.Popen[bytes]]":
    """A process that runs a program and is given a task, killed at the end of the block."""
    home = str(Path(str(infra.__file__)).parents[1])
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, (home, os.environ.get("PYTHONPATH"))))}
    process = subprocess.Popen(
        [sys.executable, "-c", program],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=environment,
        # An interrupt is for the process that it helps, which then ends the others.
        start_new_session=True,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        give(process, task)
        yield process
    finally:
        process.kill()
        with suppress(BrokenPipeError):
            process.stdin.close()
        process.stdout.close()
        process.wait()


def give(helper: "subprocess.Popen[bytes]", what: object) -> None:
    """Hand something to a helper.

    Raises:
        HelperEnded: It has ended.
    """
    assert helper.stdin is not None
    try:
        pickle.dump(what, helper.stdin)
        helper.stdin.flush()
    except BrokenPipeError as error:
        raise HelperEnded("a process that helps has ended") from error


def taken(helper: "subprocess.Popen[bytes]") -> Any:
    """What a helper answers next.

    Raises:
        HelperEnded: It has ended.
    """
    assert helper.stdout is not None
    try:
        return pickle.load(helper.stdout)  # noqa: S301 - our own process wrote it
    except (EOFError, pickle.UnpicklingError) as error:
        raise HelperEnded("a process that helps has ended") from error


def processes_at_hand() -> int:
    """How many processes can run at once here."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


# --- in the other process ------------------------------------------------------------------------------------------
def serve(work: Callable[[Callable[[], Any], Callable[[object], None]], None]) -> None:
    """Run a helper's work until its parent has nothing more for it: `work` is given how to take and how to answer."""
    given, answers = sys.stdin.buffer, sys.stdout.buffer
    # Whatever prints, prints for a person.
    sys.stdout = sys.stderr
    try:
        work(lambda: pickle.load(given), lambda what: _answer(answers, what))  # noqa: S301 - the parent wrote it
    except (EOFError, BrokenPipeError):
        # The parent has ended; there is nothing to clean up.
        os._exit(0)


def _answer(answers: IO[bytes], what: object) -> None:
    pickle.dump(what, answers, pickle.HIGHEST_PROTOCOL)
    answers.flush()
