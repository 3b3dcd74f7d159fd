"""The system calls that a sandboxed command may not make, as a filter the kernel reads. Pure: numbers in, bytes out.

A filter sees numbers and never what a pointer leads to, so paths are not its business: those are bubblewrap's and
Landlock's.
"""

from __future__ import annotations

import struct
from collections.abc import Collection, Mapping
from types import MappingProxyType
from typing import NamedTuple

UNIX, INET, INET6, NETLINK = 1, 2, 10, 16
"""Families of sockets. All others (vsock, packet, ...) are never given: no namespace holds some of them."""

_LOAD, _EQUAL, _AT_LEAST, _RETURN = 0x20, 0x15, 0x35, 0x06
_ALLOW, _REFUSE, _KILL = 0x7FFF0000, 0x00050001, 0x80000000  # refused calls see EPERM
_NUMBER, _MACHINE, _FIRST, _SECOND = 0, 4, 16, 24  # where they stand in the kernel's record of a call
_X32 = 0x40000000


class Machine(NamedTuple):
    """A processor's audit word, and its numbers of the calls that matter here."""

    audit: int
    socket: int
    utimensat: int
    of_others: tuple[tuple[int, int], ...]  # prlimit, priorities, affinity: and the argument that is 0 for oneself
    groups: tuple[int, ...]  # setsid, setpgid: leaving the group in which a command is ended
    always: tuple[int, ...]  # io_uring, keys, bpf, perf, userfaultfd, mounts, namespaces, modules, reboot, swap, clock
    by_path: tuple[int, ...]  # mode, owner, times and attributes of a path, which Landlock does not hold


MACHINES: Mapping[str, Machine] = MappingProxyType(
    {
        "x86_64": Machine(
            audit=0xC000003E,
            socket=41,
            utimensat=280,
            groups=(112, 109),
            of_others=(*((n, _FIRST) for n in (302, 203, 144, 314, 142)), (141, _SECOND), (251, _SECOND)),
            always=(
                425, 426, 427, 248, 249, 250, 321, 298, 323, 165, 166, 155, 161, 272, 308, 304, 428, 429, 430, 432, 442,
                175, 313, 176, 169, 246, 320, 167, 168, 163, 164, 227, 305,
            ),
            by_path=(90, 268, 452, 92, 94, 260, 132, 235, 261, 188, 189, 197, 198, 463, 466, 469),
        ),
        "aarch64": Machine(
            audit=0xC00000B7,
            socket=198,
            utimensat=88,
            groups=(157, 154),
            of_others=(*((n, _FIRST) for n in (261, 122, 119, 274, 118)), (140, _SECOND), (30, _SECOND)),
            always=(
                425, 426, 427, 217, 218, 219, 280, 241, 282, 40, 39, 41, 51, 97, 268, 265, 428, 429, 430, 432, 442,
                105, 273, 106, 142, 104, 294, 224, 225, 89, 170, 112, 266,
            ),
            by_path=(53, 452, 54, 5, 6, 14, 15, 463, 466, 469),
        ),
    }
)  # fmt: skip


def write_filter(machine: Machine, families: Collection[int], *, paths_are_open: bool, one_group: bool) -> bytes:
    """The program for one command. `families`: sockets it may make. `paths_are_open`: it sees paths that are not its
    own (Landlock), so whatever changes a path's mode, owner or times is refused, and so are limits and priorities of
    other processes. `one_group`: it may not leave its process group."""
    program = [
        (_LOAD, 0, 0, _MACHINE),
        (_EQUAL, 1, 0, machine.audit),
        (_RETURN, 0, 0, _KILL),  # another machine's numbers mean other calls
        (_LOAD, 0, 0, _NUMBER),
        (_AT_LEAST, 0, 1, _X32),
        (_RETURN, 0, 0, _REFUSE),
    ]
    refused = machine.always + (machine.by_path if paths_are_open else ()) + (machine.groups if one_group else ())
    for number in refused:
        program += [(_EQUAL, 0, 1, number), (_RETURN, 0, 0, _REFUSE)]
    if paths_are_open:
        for number, argument in machine.of_others:
            program += _only_when_zero(number, argument)
        program += _only_when_zero(machine.utimensat, _SECOND)  # no path: an open file
    allowed = [(_EQUAL, 0, 1, family) for family in sorted(families)]
    checks = [line for test in allowed for line in (test, (_RETURN, 0, 0, _ALLOW))]
    inside = [(_LOAD, 0, 0, _FIRST), *checks, (_RETURN, 0, 0, _REFUSE)]
    program += [(_EQUAL, 0, len(inside), machine.socket), *inside, (_RETURN, 0, 0, _ALLOW)]
    return b"".join(struct.pack("=HBBI", *line) for line in program)


def _only_when_zero(number: int, argument: int) -> list[tuple[int, int, int, int]]:
    """Refuse a call unless all 64 bits of this argument are zero."""
    return [
        (_EQUAL, 0, 7, number),
        (_LOAD, 0, 0, argument),
        (_EQUAL, 1, 0, 0),
        (_RETURN, 0, 0, _REFUSE),
        (_LOAD, 0, 0, argument + 4),
        (_EQUAL, 1, 0, 0),
        (_RETURN, 0, 0, _REFUSE),
        (_RETURN, 0, 0, _ALLOW),
    ]
