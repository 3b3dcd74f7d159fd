"""A real Redis for tests that share something between servers, where there is one."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

PROGRAM = shutil.which("redis-server")
real = pytest.mark.skipif(not PROGRAM, reason="redis-server is not installed")


class Place:
    """A Redis of the test's own, on a socket file."""

    def __init__(self, folder: Path) -> None:
        self.url = f"unix://{folder}/redis.sock"
        command = [
            PROGRAM or "",
            "--port",
            "0",
            "--unixsocket",
            f"{folder}/redis.sock",
            "--save",
            "",
            "--dir",
            str(folder),
        ]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert self.process.stdout
        assert any("eady to accept connections" in line for line in self.process.stdout)

    def end(self) -> None:
        self.process.terminate()
        self.process.communicate(timeout=20)
