"""Runs one server and stops it when its owner is gone, even when the owner was killed. A program of its own.

It is started as a script by `leashed.Leashed`, holds the reading end of a pipe whose other end only the owner has, and
stops the server when that pipe closes. Standard library only, and nothing of Rapport, so that it starts in an instant.

Arguments: the signal that asks the server to stop, the seconds it gets before it is killed, the account to run it as
(empty: the owner's) and the command. Its standard output gets the server's process id on the first line, its exit code
is the server's (128 + the signal's number when a signal ended it, as in a shell).

PostgreSQL refuses to run as root. Root therefore names another account, and the server keeps just one of root's powers:
it may reach files behind folders that only root can enter, so that a virtual environment below root's own folder works
and no folder's permissions have to be loosened.
"""

import contextlib
import ctypes
import os
import pwd
import select
import signal
import sys
import time

PR_SET_SECUREBITS = 28
SECBIT_NO_SETUID_FIXUP = 4
PR_CAP_AMBIENT = 47
PR_CAP_AMBIENT_RAISE = 2
CAP_DAC_OVERRIDE = 1
CAPABILITY_VERSION_3 = 0x20080522


class _Header(ctypes.Structure):
    _fields_ = (("version", ctypes.c_uint32), ("pid", ctypes.c_int))


class _Capabilities(ctypes.Structure):
    _fields_ = (("effective", ctypes.c_uint32), ("permitted", ctypes.c_uint32), ("inheritable", ctypes.c_uint32))


def become(account: str) -> None:
    """Turn from root into `account`, on Linux still able to reach every file. Raises KeyError if there is no such account."""
    user = pwd.getpwnam(account)
    linux = sys.platform == "linux"
    library = ctypes.CDLL(None)
    if linux:
        # Powers then outlive the change of account, and access(2), which PostgreSQL asks, counts them.
        library.prctl(PR_SET_SECUREBITS, SECBIT_NO_SETUID_FIXUP, 0, 0, 0)
    os.setgroups([])
    os.setgid(user.pw_gid)
    os.setuid(user.pw_uid)
    if linux:
        # All but one are given up here. Where a container took that one away, a folder out of reach fails by its name.
        bit = 1 << CAP_DAC_OVERRIDE
        sets = (_Capabilities * 2)(_Capabilities(bit, bit, bit))
        library.capset(ctypes.byref(_Header(CAPABILITY_VERSION_3, 0)), sets)
        library.prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_DAC_OVERRIDE, 0, 0)


def launch(account: str, command: list[str]) -> int:
    """Start the command with its output on our standard error and nothing to read; the process id."""
    pid = os.fork()
    if pid:
        return pid
    try:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGCHLD, signal.SIGPIPE):
            signal.signal(number, signal.SIG_DFL)
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        os.dup2(2, 1)
        if account:
            become(account)
        os.execv(command[0], command)  # noqa: S606 - a list of arguments, no shell
    except BaseException as error:  # noqa: BLE001 - whatever it was, the forked copy must not go on as a second leash
        os.write(2, f"{command[0]} can't be started: {error}\n".encode())
    os._exit(127)


def hold(pid: int, stop_signal: int, grace_seconds: float) -> int:
    """Wait until the server ends; ask it to stop when the owner lets go, kill it when it takes too long."""
    wakes, wake = os.pipe()
    for end in (wakes, wake):
        os.set_blocking(end, False)
    signal.set_wakeup_fd(wake)
    asked = False
    deadline = None
    watched = [0, wakes]
    while True:
        ended, status = os.waitpid(pid, os.WNOHANG)
        if ended:
            code = os.waitstatus_to_exitcode(status)
            return code if code >= 0 else 128 - code
        if asked and deadline is None:
            deadline = time.monotonic() + grace_seconds
            os.kill(pid, stop_signal)
            os.kill(pid, signal.SIGCONT)
        patience = None if deadline is None else max(0.0, deadline - time.monotonic())
        if patience == 0:
            os.kill(pid, signal.SIGKILL)
            patience = None
        ready = select.select(watched, [], [], patience)[0]
        if wakes in ready:
            asked = signal.SIGTERM in os.read(wakes, 512) or asked
        if 0 in ready and not os.read(0, 512):
            asked = True
            watched = [wakes]


def main(arguments: list[str]) -> int:
    """Start the server, tell its process id, hold it until it ends."""
    stop_signal, grace_seconds, account, *command = arguments
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, lambda *_: None)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    pid = launch(account, command)
    with contextlib.suppress(BrokenPipeError):
        os.write(1, f"{pid}\n".encode())
    return hold(pid, signal.Signals[stop_signal], float(grace_seconds))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
