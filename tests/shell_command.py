"""`rapport` for the lines of a shell without the wait for its imports: a small program on the path that asks for a fork.

The program hands its arguments, environment, working folder and standard streams to the test process, which forks the command
(`tests.command`) and says how it ended. Signals that the program gets are passed on, and it ends as the fork does.
"""

import marshal
import os
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from select import select
from typing import Final

from tests.command import PACK, RAPPORT, STANDARD, Fork, at_start, start

PROGRAM: Final = """#!{python} -IS
import marshal, os, signal, socket, sys
connection = socket.socket(socket.AF_UNIX)
connection.connect({address!r})
data = marshal.dumps((sys.argv[1:], dict(os.environ), os.getcwd()))
socket.send_fds(connection, [len(data).to_bytes({pack})], [0, 1, 2])
connection.sendall(data)
for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
    signal.signal(number, lambda number, _: connection.sendall(bytes([number])))
code = int.from_bytes(connection.recv({pack}, socket.MSG_WAITALL), signed=True)
if code < 0:
    signal.signal(-code, signal.SIG_DFL) if -code != signal.SIGKILL else None
    os.kill(os.getpid(), -code)
sys.exit(code)
"""


@contextmanager
def on_the_path(folder: Path) -> Iterator[None]:
    """While the block lasts, `rapport` in this folder is the program."""
    with tempfile.TemporaryDirectory() as place, socket.socket(socket.AF_UNIX) as door:
        address = str(Path(place) / "door")
        door.bind(address)
        door.listen()
        program = folder / "rapport"
        program.write_text(PROGRAM.format(python=sys.executable, address=address, pack=PACK))
        program.chmod(0o755)
        taking = threading.Thread(target=_take, args=(door,))
        taking.start()
        try:
            yield
        finally:
            door.shutdown(socket.SHUT_RDWR)
            taking.join()


def _take(door: socket.socket) -> None:
    answering: list[threading.Thread] = []
    while True:
        try:
            connection, _ = door.accept()
        except OSError:
            break
        answering.append(threading.Thread(target=_answer, args=(connection,)))
        answering[-1].start()
    for thread in answering:
        thread.join()


def _answer(connection: socket.socket) -> None:
    with connection:
        header, files, _, _ = socket.recv_fds(connection, PACK, len(STANDARD))
        arguments, environment, folder = marshal.loads(connection.recv(int.from_bytes(header), socket.MSG_WAITALL))
        try:
            process = _started(arguments, environment, folder, files)
        finally:
            for file in files:
                os.close(file)
        ended = threading.Thread(target=_say_the_end, args=(process, connection))
        ended.start()
        while ended.is_alive():
            if select([connection], [], [], 0.05)[0]:
                # Nothing more to read: the program itself was killed, or has heard the end.
                number = connection.recv(1)
                if not number:
                    process.kill()
                    break
                process.send_signal(number[0])
        ended.join()


def _started(
    arguments: Sequence[str], environment: dict[str, str], folder: str, files: Sequence[int]
) -> "Fork | subprocess.Popen[bytes]":
    if at_start(environment) == at_start(os.environ):
        return start(*arguments, env=environment, files=files, cwd=folder)
    stdin, stdout, stderr = files
    return subprocess.Popen(
        [RAPPORT, *arguments], env=environment, cwd=folder, stdin=stdin, stdout=stdout, stderr=stderr
    )


def _say_the_end(process: "Fork | subprocess.Popen[bytes]", connection: socket.socket) -> None:
    code = process.wait()
    with suppress(OSError):
        connection.sendall(code.to_bytes(PACK, signed=True))
