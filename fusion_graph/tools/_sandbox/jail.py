"""Starts one sandboxed command and outlives everything it starts. A program of its own, run by its path with `-I -S`:
it imports nothing of this package, so that what it needs to be trusted for stands on this page.

It reads one JSON object from its argument. Standard input is a leash: when it ends, so does the command, with all that
it left behind. Standard error gets one JSON line about what the jail itself had to do.
"""

from __future__ import annotations

import ctypes
import json
import os
import resource
import select
import signal
import sys
from collections.abc import Iterator
from contextlib import suppress
from typing import Any, NamedTuple

GLANCE_S = 0.01  # between two looks at how many threads the machine has: a fork bomb makes thousands in a second
MOST = 1000  # of the processes left behind are counted
LOOK_EVERY = 10  # glances to one look at the command's own processes
NICER = 19  # the command's; among thousands of its children whoever watches them still has its turn
_PAGE = resource.getpagesize()
_CREATE, _ADD, _RESTRICT = 444, 445, 446  # landlock_*; the same numbers on every processor
_NO_NEW_PRIVILEGES, _SECCOMP, _SUBREAPER, _DEATH_SIGNAL, _DROP_BOUND = 38, 22, 36, 1, 24
_NEW_PIDS = 0x20000000
_READ_FILE, _READ_FOLDER, _RUN = 1 << 2, 1 << 3, 1 << 0
_FILE_RIGHTS = 1 << 0 | 1 << 1 | 1 << 2 | 1 << 14 | 1 << 15
_DEVICES = 1 << 6 | 1 << 11  # making device nodes is given to nobody

libc = ctypes.CDLL(None, use_errno=True)


class Process(NamedTuple):
    pid: int
    pages: int
    alive: bool


def main() -> int:
    order: dict[str, Any] = json.loads(sys.argv[1])
    _control(_SUBREAPER, 1)  # who loses its parent becomes ours, so nobody gets away
    if order.get("landlock") and os.geteuid() == 0:
        libc.unshare(ctypes.c_int(_NEW_PIDS))  # may be refused: then `_filter` keeps the command in one group
    if os.geteuid() == 0:
        _try_nice(-20)  # whoever watches a fork bomb must not starve among its children
    child = os.fork()
    if child == 0:
        _become(order)
    os.close(1)  # the output ends with the command's last process, not with us
    ended, status = _watch(child, order)
    left = _end_all(child)
    os.write(2, json.dumps({"ended": ended, "left": left}).encode() + b"\n")
    return status


# --- the command ------------------------------------------------------------------------------------------------------


def _become(order: dict[str, Any]) -> None:
    """Give up everything that is not the command's, then be the command."""
    try:
        _control(_DEATH_SIGNAL, signal.SIGKILL)
        os.setsid()
        _try_nice(NICER - os.getpriority(os.PRIO_PROCESS, 0))
        null = os.open(os.devnull, os.O_RDONLY)
        os.dup2(null, 0)
        os.dup2(1, 2)
        for name, (soft, hard) in order["limits"].items():
            _limit(getattr(resource, name), soft, hard)
        if os.geteuid():  # nothing counts root's
            most = _threads_of(os.geteuid()) + order["processes"]
            _limit(resource.RLIMIT_NPROC, most, most)
        os.chdir(order["folder"])
        _control(_NO_NEW_PRIVILEGES, 1)
        filter_fd = _filter_file(order) if order.get("filter") and not order.get("landlock") else -1
        _close_others({0, 1, 2, filter_fd})
        if order.get("landlock"):
            _give_up_capabilities()
            _restrict(order["landlock"])
            _install(bytes.fromhex(order["filter"]))
        command = [part.replace("{FILTER}", str(filter_fd)) for part in order["command"]]
        os.execve(command[0], command, order["environment"])
    except BaseException as fault:  # noqa: BLE001  (whatever it was: the command must not run half confined)
        os.write(2, f"the sandbox could not be closed: {fault}\n".encode())
    finally:
        os._exit(126)


def _try_nice(step: int) -> None:
    with suppress(OSError):
        os.nice(step)


def _limit(kind: int, soft: int, hard: int) -> None:
    """Never above what this process has itself."""
    most = resource.getrlimit(kind)[1]
    if most != resource.RLIM_INFINITY:
        soft, hard = min(soft, most), min(hard, most)
    resource.setrlimit(kind, (soft, hard))


def _filter_file(order: dict[str, Any]) -> int:
    """bubblewrap reads the filter from a file."""
    descriptor = os.memfd_create("filter")
    os.write(descriptor, bytes.fromhex(order["filter"]))
    os.lseek(descriptor, 0, os.SEEK_SET)
    os.set_inheritable(descriptor, True)
    return descriptor


def _close_others(keep: set[int]) -> None:
    for name in os.listdir("/proc/self/fd"):
        if int(name) not in keep:
            try:
                os.close(int(name))
            except OSError:
                continue  # the listing's own


def _control(*arguments: int) -> None:
    padded = [ctypes.c_ulong(a) for a in (*arguments, 0, 0, 0, 0)[:5]]
    if libc.prctl(*padded) != 0:
        raise OSError(ctypes.get_errno(), f"prctl {arguments[0]}: {os.strerror(ctypes.get_errno())}")


def _give_up_capabilities() -> None:
    """Root without them is an ordinary user whose number is 0."""
    for capability in range(64):
        if libc.prctl(_DROP_BOUND, ctypes.c_ulong(capability), 0, 0, 0) != 0:
            break
    header = (ctypes.c_uint32 * 2)(0x20080522, 0)
    if libc.capset(header, (ctypes.c_uint32 * 6)()) != 0:
        raise OSError(ctypes.get_errno(), "capset")


def _install(program: bytes) -> None:
    class Program(ctypes.Structure):
        _fields_ = (("length", ctypes.c_ushort), ("code", ctypes.c_char_p))

    whole = Program(len(program) // 8, program)
    if libc.prctl(_SECCOMP, ctypes.c_ulong(2), ctypes.byref(whole), 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "seccomp")


# --- Landlock ---------------------------------------------------------------------------------------------------------


def landlock_version() -> int:
    """The kernel's version of Landlock, 0 without."""
    return max(int(libc.syscall(_CREATE, None, ctypes.c_size_t(0), ctypes.c_uint32(1))), 0)


def _restrict(order: dict[str, Any]) -> None:
    """Close every path but these, every TCP port unless the network is open, and every other process to signals."""
    version = landlock_version()
    rights = (1 << (16 if version >= 5 else 15)) - 1
    network = 3 if version >= 4 and not order["network"] else 0
    scoped = 3 if version >= 6 else 0
    size = 24 if version >= 6 else 16 if version >= 4 else 8
    attributes = (ctypes.c_uint64 * 3)(rights, network, scoped)
    rules = libc.syscall(_CREATE, attributes, ctypes.c_size_t(size), ctypes.c_uint32(0))
    if rules < 0:
        raise OSError(ctypes.get_errno(), "Landlock")
    for path in order["read"]:
        _open_path(rules, path, _READ_FILE | _READ_FOLDER | _RUN)
    for path in order["write"]:
        _open_path(rules, path, rights & ~_DEVICES)
    if libc.syscall(_RESTRICT, ctypes.c_int(rules), ctypes.c_uint32(0)) != 0:
        raise OSError(ctypes.get_errno(), "Landlock")


def _open_path(rules: int, path: str, rights: int) -> None:
    try:
        descriptor = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except OSError:
        return  # what is not there need not be opened
    if not os.path.isdir(path):
        rights &= _FILE_RIGHTS
    rule = ctypes.create_string_buffer(rights.to_bytes(8, sys.byteorder) + descriptor.to_bytes(4, sys.byteorder), 12)
    failed = libc.syscall(_ADD, ctypes.c_int(rules), ctypes.c_int(1), rule, ctypes.c_uint32(0))
    os.close(descriptor)
    if failed:
        raise OSError(ctypes.get_errno(), f"Landlock: {path}")


# --- the watch --------------------------------------------------------------------------------------------------------


def _watch(child: int, order: dict[str, Any]) -> tuple[str, int]:
    """Why the command ended ("" = by itself) and its exit code."""
    ending, usual, glances = os.pidfd_open(child), _threads(), 0
    while True:
        ready = select.select([0, ending], [], [], GLANCE_S)[0]
        if ending in ready:
            return "", _code(os.waitpid(child, 0)[1])
        if 0 in ready and not os.read(0, 1):
            return "leash", 137
        glances += 1
        if glances % LOOK_EVERY and _threads() - usual <= order["processes"]:
            continue
        found = list(_below(os.getpid(), order["processes"] + 1, dead=True))  # whom nobody has buried counts too
        if len(found) > order["processes"]:
            return f"more than {order['processes']} processes", 137
        if sum(p.pages for p in found) * _PAGE > order["memory"]:
            return f"more than {order['memory'] >> 20} MB of memory", 137


def _threads() -> int:
    """Of the whole machine, as the kernel counts them."""
    with open("/proc/loadavg", "rb") as stream:
        return int(stream.read().split()[3].partition(b"/")[2])


def _code(status: int) -> int:
    code = os.waitstatus_to_exitcode(status)
    return 128 - code if code < 0 else code


def _end_all(child: int) -> int:
    """Kill every descendant; how many there were (counting ends early). First the command's group, which the kernel
    does in one go: so ends a fork bomb, and bubblewrap with its whole world. Then whoever left the group, stopped first
    so that none is born meanwhile."""
    left = sum(process.pid != child for process in _below(os.getpid(), MOST))
    for pid in (child, *_children(child)[:1]):  # who takes the others along must have its turn to die
        with suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, pid, -20)
    with suppress(OSError):  # the group may be gone with its first process
        os.killpg(child, signal.SIGKILL)
    for number in (signal.SIGSTOP, signal.SIGKILL):
        done: set[int] = set()
        while new := {p.pid for p in _below(os.getpid())} - done:
            for pid in new:
                _send(pid, number)
            done |= new
    while True:
        try:
            os.waitpid(-1, 0)
        except ChildProcessError:
            return left
        for process in _below(os.getpid()):  # whom the dead have left to us
            _send(process.pid, signal.SIGKILL)


def _threads_of(user: int) -> int:
    """How many a user has; each counts as a process."""
    count = 0
    for name in os.listdir("/proc"):
        if name.isdecimal():
            try:
                if os.stat(f"/proc/{name}").st_uid == user:
                    count += len(os.listdir(f"/proc/{name}/task"))
            except OSError:
                continue
    return count


def _send(pid: int, number: int) -> None:
    with suppress(OSError):
        os.kill(pid, number)


def _below(ancestor: int, most: int = 1 << 22, *, dead: bool = False) -> Iterator[Process]:
    """Living descendants (or all), as many as are wanted: a fork bomb makes them faster than they can be counted."""
    waiting = [ancestor]
    while waiting and most > 0:
        for pid in _children(waiting.pop()):
            process = _look(pid)
            if process is not None and (dead or process.alive):
                most -= 1
                yield process
                waiting.append(pid)


def _children(pid: int) -> list[int]:
    """Of all its threads; of a parent of thousands the first hundreds, as more cannot be read while it bears them."""
    found: list[int] = []
    with suppress(OSError):  # it may end meanwhile
        for thread in os.listdir(f"/proc/{pid}/task"):
            descriptor = os.open(f"/proc/{pid}/task/{thread}/children", os.O_RDONLY)
            read = os.read(descriptor, 4096)
            os.close(descriptor)
            found += map(int, read[: read.rfind(b" ") + 1].split())
    return found


def _look(pid: int) -> Process | None:
    """None when it is gone."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as stream:
            fields = stream.read().rpartition(b")")[2].split()
    except OSError:
        return None
    return Process(pid, int(fields[21]), fields[0] != b"Z")


if __name__ == "__main__":
    sys.exit(main())
