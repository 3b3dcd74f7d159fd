"""Why a socket cannot listen."""

from __future__ import annotations

import errno
import socket

import pytest

from fusion_graph.listening import cannot_listen


@pytest.mark.parametrize(
    ("fault", "why", "hint"),
    [
        (OSError(errno.EADDRINUSE, "while attempting"), "address already in use", "--port 0 takes a free one"),
        (OSError(errno.EACCES, "x"), "permission denied", "choose one from 1024 on with --port"),
        (OSError(errno.EADDRNOTAVAIL, "x"), "cannot assign requested address", "an address of this machine"),
        (socket.gaierror(socket.EAI_NONAME, "Name or service not known"), "name or service not", "an address of"),
        (OSError("odd"), "odd", "an address of this machine"),
    ],
)
def test_reason_and_next_step_are_told(fault: OSError, why: str, hint: str) -> None:
    told = cannot_listen("there", 80, fault, option="--port")
    assert told.message.startswith(f"cannot listen on there:80: {why}")
    assert hint in told.hint
