"""What to say when a socket cannot listen: why, and what to do next."""

from __future__ import annotations

import errno
import os

from fusion_graph.errors import UsageError


def cannot_listen(host: str, port: int, fault: OSError, *, option: str) -> UsageError:
    """`option` is the one that names the port."""
    # an event loop wraps the reason in more words; a name that nobody knows has no errno
    code = fault.errno or 0
    why = os.strerror(code) if code > 0 else str(fault.strerror or fault)
    hint = {
        errno.EADDRINUSE: f"choose another one with {option}; {option} 0 takes a free one",
        errno.EACCES: f"low ports are the system's: choose one from 1024 on with {option}",
    }.get(code, "choose an address of this machine, like 127.0.0.1")
    return UsageError(f"cannot listen on {host}:{port}: {why.lower()}", hint=hint)
