"""How a command is confined: by bubblewrap, else by Landlock, else not at all and only if that was asked for by name.

Every level also has limits, a clean environment, a process group that ends with the command (`_sandbox/jail`), and
output that is cut with a note.
"""

from __future__ import annotations

import asyncio
import json
import platform
import subprocess
import sys
import tempfile
import threading
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any

from fusion_graph.errors import UsageError
from fusion_graph.tools._sandbox.confines import Caps, Level, find_bwrap, machine, write_order

JAIL = Path(__file__).with_name("jail.py")
LANDLOCK_AT_LEAST = 3  # before it, files outside could be cut to nothing
SIGNALS_SINCE = 6
PROBE_S = 10.0
TOLD: Mapping[Level, str] = {
    "bubblewrap": "own view of the disk, of processes and of the network; .git is read-only, .env is hidden",
    "landlock": "files outside are closed, sockets and chmod are refused; .git and .env of the folder are open",
    "none": "nothing is confined but time, memory and processes",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Ran:
    """How a command went. `ended`: why it was stopped, "" if it ended by itself. `left`: processes it left behind."""

    code: int
    output: str
    seconds: float
    ended: str = ""
    left: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Sandbox:
    """A level in force, with its network and caps."""

    level: Level
    why: str = ""  # what kept a better level away
    network: bool = False
    caps: Caps = field(default_factory=Caps)

    @property
    def told(self) -> str:
        """`landlock (...), network off`; for `doctor`."""
        shown = TOLD[self.level]
        if self.level == "landlock" and _landlock() < SIGNALS_SINCE:
            shown += ", and so are your other processes to signals"
        return f"{self.level} ({shown}), network {self._network}"

    @property
    def brief(self) -> str:
        """The level in force, for every result; that nothing is confined is said in full."""
        return self.told if self.level == "none" else f"sandbox: {self.level}, network {self._network}"

    @property
    def _network(self) -> str:
        return "not confined" if self.level == "none" else "on" if self.network else "off"

    async def run(self, command: str, root: Path, *, seconds: float | None = None) -> Ran:
        """Run it with bash in `root`, an absolute path without links. Never raises for what the command does;
        cancelling ends it and all it started."""
        caps = self.caps if seconds is None else self.caps._replace(seconds=min(seconds, self.caps.seconds))
        with tempfile.TemporaryDirectory(prefix="fusion-bash-", ignore_cleanup_errors=True) as scratch:
            order = self._order(command, root, Path(scratch), caps)
            ran = await _run(order, caps)
        return replace(ran, left=0) if self.level == "bubblewrap" else ran  # its own first process is no leftover

    def _order(self, command: str, root: Path, scratch: Path, caps: Caps) -> dict[str, Any]:
        return write_order(self.level, command, root=root, scratch=scratch, network=self.network, caps=caps)


# --- which level ------------------------------------------------------------------------------------------------------


def find_sandbox(*, unsafe: bool = False, network: bool = False, best: Level = "bubblewrap") -> Sandbox | None:
    """The best level that works here, tried and not assumed; None when nothing confines and `unsafe` was not asked
    for. `best` begins further down."""
    why = _bubblewrap() if best == "bubblewrap" else "not asked for"
    if not why:
        return Sandbox(level="bubblewrap", network=network)
    why = f"bubblewrap: {why}"
    lacking = _no_landlock() if best != "none" else "not asked for"
    if not lacking:
        return Sandbox(level="landlock", why=why, network=network)
    if unsafe and sys.platform == "linux":
        return Sandbox(level="none", why=f"{why}; Landlock: {lacking}", network=True)
    return None


def require_sandbox(*, unsafe: bool = False, network: bool = False) -> Sandbox:
    """Raises UsageError where there is none."""
    found = find_sandbox(unsafe=unsafe, network=network)
    if found is None:
        raise UsageError(
            f"no sandbox for bash here: {lacks()}",
            hint="install bubblewrap, or pass --unsafe-bash to run commands unconfined",
        )
    return found


def lacks() -> str:
    """Why neither level works here."""
    return f"bubblewrap: {_bubblewrap() or 'works'}; Landlock: {_no_landlock() or 'works'}"


@cache
def _bubblewrap() -> str:
    """Why it cannot be used; "" when a probe went well."""
    if unfit := _unfit():
        return unfit
    if not find_bwrap():
        return "not installed"
    probe = replace(Sandbox(level="bubblewrap"), caps=Caps(seconds=PROBE_S))
    return _probe(probe)


@cache
def _no_landlock() -> str:
    if unfit := _unfit():
        return unfit
    if _landlock() < LANDLOCK_AT_LEAST:
        return f"the kernel has version {_landlock()}, {LANDLOCK_AT_LEAST} is needed"
    return _probe(replace(Sandbox(level="landlock"), caps=Caps(seconds=PROBE_S)))


def _unfit() -> str:
    """What both levels need and this machine lacks."""
    if sys.platform != "linux":
        return "only on Linux"
    if machine() is None:
        return f"no system call numbers for {platform.machine()}"
    told = Path(f"/proc/self/task/{threading.get_native_id()}/children").exists()
    return "" if told else "the kernel does not tell which processes are a command's"


@cache
def _landlock() -> int:
    """The kernel's version of it, asked by the jail's own code in this process: it only asks."""
    import ctypes

    libc = ctypes.CDLL(None, use_errno=True)
    return max(int(libc.syscall(444, None, ctypes.c_size_t(0), ctypes.c_uint32(1))), 0)


def _probe(sandbox: Sandbox) -> str:
    """One `true` in a folder of its own, started as every command is."""
    with tempfile.TemporaryDirectory(prefix="fusion-probe-") as folder, tempfile.TemporaryDirectory() as scratch:
        order = sandbox._order("true", Path(folder).resolve(), Path(scratch), sandbox.caps)  # noqa: SLF001
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL}
        with subprocess.Popen(_jail(order), env={}, **pipes) as process:  # type: ignore[call-overload]  # noqa: S603
            try:
                code = process.wait(PROBE_S)
            except subprocess.TimeoutExpired:
                code = 137
                process.kill()
            told = process.stdout.read().decode(errors="replace").strip().splitlines()
    return "" if code == 0 else f"does not work here ({told[-1] if told else f'code {code}'})"


def _jail(order: Mapping[str, Any]) -> list[str]:
    return [sys.executable, "-I", "-S", str(JAIL), json.dumps(order)]


# --- running ----------------------------------------------------------------------------------------------------------


async def _run(order: Mapping[str, Any], caps: Caps) -> Ran:
    loop = asyncio.get_running_loop()
    began = loop.time()
    process = await asyncio.create_subprocess_exec(
        *_jail(order),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env={},
        start_new_session=True,
    )
    assert process.stdout is not None
    ended, kept = "", _Kept(caps.shown)
    try:
        try:
            async with asyncio.timeout(caps.seconds):
                while piece := await process.stdout.read(1 << 16):
                    kept.add(piece)
                    if kept.size > caps.written:
                        ended = f"more than {caps.written >> 20} MB of output"
                        break
                else:
                    await process.wait()
        except TimeoutError:
            ended = f"not finished within {caps.seconds:g} s"
        report = await _end(process)
    finally:
        if process.returncode is None:
            with suppress(asyncio.CancelledError):
                await asyncio.shield(_end(process))
    said = _report(report)
    return Ran(
        code=process.returncode or 0,
        output=kept.text,
        seconds=loop.time() - began,
        ended=ended or (said["ended"] if said["ended"] != "leash" else ""),
        left=0 if ended else said["left"],
    )


async def _end(process: asyncio.subprocess.Process) -> bytes:
    """Let go of the leash: whatever still runs ends now. What the jail reports."""
    assert process.stdin is not None
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdin.close()
    while await process.stdout.read(1 << 16):
        pass  # a full pipe would never end
    report = await process.stderr.read()
    await process.wait()
    return report


def _report(text: bytes) -> dict[str, Any]:
    try:
        return dict(json.loads(text.splitlines()[-1]))
    except (ValueError, IndexError):
        return {"ended": "the sandbox itself ended early", "left": 0}


class _Kept:
    """The beginning and the end of what was written; the rest is counted and dropped."""

    def __init__(self, shown: int) -> None:
        self._half = shown // 2
        self._head = bytearray()
        self._tail = bytearray()
        self.size = 0

    def add(self, piece: bytes) -> None:
        self.size += len(piece)
        room = self._half - len(self._head)
        self._head += piece[:room]
        self._tail += piece[room:]
        if len(self._tail) > 4 * self._half:
            del self._tail[: -self._half]

    @property
    def text(self) -> str:
        head, tail = bytes(self._head), bytes(self._tail[-self._half :])
        cut = self.size - len(head) - len(tail)
        if cut <= 0:
            return (head + tail).decode(errors="replace")
        return f"{head.decode(errors='replace')}\n[... {cut} bytes cut ...]\n{tail.decode(errors='replace')}"
