"""`python -m fusion_graph` is the program."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from fusion_graph import __version__


def test_the_package_is_a_program() -> None:
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])}
    command = [sys.executable, "-m", "fusion_graph", "--version"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    assert done.stdout == f"fusiongraph {__version__}\n"
