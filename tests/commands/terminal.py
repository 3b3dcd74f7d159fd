"""A terminal for tests: a program on a pty, and all that it has written to it so far."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import signal
import struct
import subprocess
import termios
import time
from collections.abc import Mapping, Sequence

PATIENCE_S = 30.0


class Terminal:
    """`text` is what the program wrote, escape codes and all."""

    def __init__(self, command: Sequence[str], environment: Mapping[str, str], columns: int, lines: int) -> None:
        self._main, program_side = pty.openpty()
        self.resize(columns, lines)
        self._process = subprocess.Popen(
            command,
            env=environment,
            stdin=program_side,
            stdout=program_side,
            stderr=program_side,
            start_new_session=True,
        )
        os.close(program_side)
        self.text = ""

    def resize(self, columns: int, lines: int) -> None:
        fcntl.ioctl(self._main, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))

    @property
    def echoes(self) -> bool:
        """What is typed is shown."""
        return bool(termios.tcgetattr(self._main)[3] & termios.ECHO)

    def wait_for(self, text: str, times: int = 1) -> str:
        """Read until it stands there so often. Fails when the program ends first, or takes too long."""
        deadline = time.monotonic() + PATIENCE_S
        while self.text.count(text) < times:
            assert time.monotonic() < deadline, self.text
            assert self._read(), self.text
        return self.text

    def type(self, text: str) -> None:
        """As if on the keyboard."""
        os.write(self._main, text.encode())

    def signal(self, number: signal.Signals) -> None:
        """To the program and its children, as a terminal sends it."""
        os.killpg(self._process.pid, number)

    def interrupt(self) -> int:
        """Ctrl-C; the exit code."""
        self.signal(signal.SIGINT)
        return self.finish()

    def finish(self) -> int:
        """Read to the end; the exit code."""
        while self._read():
            pass
        return self._process.wait(PATIENCE_S)

    def leave(self) -> None:
        """/exit, as it should end."""
        self.type("/exit\r")
        assert self.finish() == 0
        assert "Traceback" not in self.text

    def close(self) -> None:
        self._process.kill()
        self._process.wait()
        os.close(self._main)

    def _read(self) -> bool:
        """False at the end."""
        if not select.select([self._main], [], [], PATIENCE_S)[0]:
            return False
        try:
            piece = os.read(self._main, 1 << 16)
        except OSError:  # Linux says so when the last writer has gone
            return False
        self.text += piece.decode("utf-8", "replace").replace("\r\n", "\n")
        return bool(piece)
