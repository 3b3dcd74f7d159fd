"""Who writes a run: a process of a host, told apart from a later one with the same number by when it began."""

from __future__ import annotations

import os
import socket
import sys
from functools import lru_cache
from pathlib import Path


def me() -> str:
    """`host/process/begin`."""
    return _name(os.getpid())


@lru_cache(maxsize=2)  # a fork is another process
def _name(process: int) -> str:
    return f"{socket.gethostname()}/{process}/{_began(process)}"


def is_alive(owner: str) -> bool:
    """Whether that process runs here now. Of another host nobody can tell: no."""
    host, _, rest = owner.partition("/")
    number, _, began = rest.partition("/")
    if host != socket.gethostname() or not number.isdecimal():
        return False
    if sys.platform == "win32":
        return False  # nobody tells without a risk: there, signal 0 is a Ctrl-C
    try:
        os.kill(int(number), 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:
        return True  # somebody else's
    return _began(int(number)) == began


def _began(process: int) -> str:
    """In ticks since the machine began, where the system tells (field 22 of proc(5) stat); of a process that has ended
    and was not waited for yet, its state (field 3)."""
    try:
        told = Path(f"/proc/{process}/stat").read_text("utf-8", "replace").rpartition(")")[2].split()
        return told[0] if told[0] in "ZX" else told[19]
    except (OSError, IndexError):
        return ""
