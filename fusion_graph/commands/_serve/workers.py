"""Several servers on one port: the same program N times, and one process above them that starts, watches and ends them.

A worker that ends unasked is told of and replaced; one that cannot even start ends all. Workers end when the process
above them is gone, however it went.
"""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Sequence
from queue import SimpleQueue

from fusion_graph.commands import TERMINATED, _console
from fusion_graph.errors import UsageError

PASSED_ON = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


def multiply(count: int, port: int | None) -> int:
    """The same command line so many times on one port; ends when all have. Limits of keys hold for each process."""
    if port == 0:
        raise UsageError("several workers need a port of their own choice, not 0", hint="--port 8377")
    return _Workers([sys.executable, "-m", "fusion_graph", *alone(sys.argv[1:])]).run(count)


class _Workers:
    """The processes. Used from the main thread; a thread for each process waits for its end."""

    def __init__(self, program: Sequence[str]) -> None:
        self._program = program
        self._living: set[subprocess.Popen[str]] = set()
        self._ended: SimpleQueue[subprocess.Popen[str]] = SimpleQueue()
        self._ending = False
        self._code = 0

    def run(self, count: int) -> int:
        for number in PASSED_ON:
            signal.signal(number, self._pass_on)
        urls = {self._ready(worker) for worker in [self._start() for _ in range(count)]}
        if "" not in urls:
            _console.out(urls.pop())
        elif not self._ending:
            self._give_up()
        while self._living:
            self._bury(self._ended.get())
        return self._code

    def _give_up(self) -> None:
        """One could not start, and has said why on stderr. Its exit code is ours."""
        self._pass_on(signal.SIGTERM)

    def _start(self) -> subprocess.Popen[str]:
        """A session of its own: a Ctrl-C reaches us alone, and it once. Its stdin is open while we live."""
        worker = subprocess.Popen(  # noqa: S603 - this very program
            self._program, start_new_session=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        self._living.add(worker)
        if self._ending:  # we were told while it was made, and could not tell it
            worker.terminate()
        threading.Thread(target=self._wait, args=(worker,), daemon=True).start()
        return worker

    def _wait(self, worker: subprocess.Popen[str]) -> None:
        worker.wait()
        self._ended.put(worker)

    @staticmethod
    def _ready(worker: subprocess.Popen[str]) -> str:
        """The address it says once it takes requests; "" if it ends before."""
        assert worker.stdout is not None
        return worker.stdout.readline().strip()

    def _bury(self, worker: subprocess.Popen[str]) -> None:
        self._living.discard(worker)
        for pipe in (worker.stdin, worker.stdout):
            if pipe is not None:
                pipe.close()
        if self._ending:
            self._code = self._code or _code(worker.returncode)
            return
        _console.err(f"worker {worker.pid} ended by itself ({_how(worker.returncode)}); another takes its place")
        if not self._ready(self._start()) and not self._ending:
            _console.err("it cannot start: all workers end")
            self._give_up()

    def _pass_on(self, number: int, _frame: object = None) -> None:
        """A Ctrl-C as a SIGTERM, which means the same to a server: one that still starts would end with a traceback."""
        self._ending = self._ending or number != signal.SIGHUP
        for worker in list(self._living):
            worker.send_signal(signal.SIGTERM if number == signal.SIGINT else number)


def _code(ended: int) -> int:
    """Of a worker that was told to end: nothing is wrong if that came before it was ready."""
    if ended in (-signal.SIGTERM, TERMINATED):
        return 0
    return 128 - ended if ended < 0 else ended


def _how(code: int) -> str:
    return f"signal {-code}" if code < 0 else f"exit code {code}"


def alone(arguments: Sequence[str]) -> list[str]:
    """The arguments of one worker."""
    place = next((i for i, text in enumerate(arguments) if text.startswith("--workers")), len(arguments))
    rest = [*arguments[:place], *arguments[place + (1 if "=" in "".join(arguments[place : place + 1]) else 2) :]]
    return [*rest, "--shared-port"]


def end_with_parent() -> None:
    """In a worker: the process above is gone when stdin is closed; then we end as if told to."""
    loop = asyncio.get_running_loop()

    def heard() -> None:
        if not os.read(0, 4096):
            loop.remove_reader(0)
            os.kill(os.getpid(), signal.SIGTERM)

    loop.add_reader(0, heard)
