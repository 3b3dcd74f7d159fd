"""The whole stack over a real socket, as a user would start it: simulated models behind HTTP, a preset, an answer.

Starts `fusiongraph sim` on a free port, points FUSION_BASE_URL at it, and runs check, plan, expand, render and run.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

QUESTION = "What is the capital of Australia?"
PROGRAM = [sys.executable, "-m", "fusion_graph"]


def main() -> None:
    """Exit with 0 when every step did what it should."""
    with tempfile.TemporaryDirectory() as folder:
        server = subprocess.Popen([*PROGRAM, "sim", "--port", "0"], stdout=subprocess.PIPE, text=True)
        try:
            assert server.stdout
            found = re.search(r"http://\S+", server.stdout.readline())
            assert found, "the sim did not say where it listens"
            steps(found[0].removesuffix("/v1") + "/v1", Path(folder))
        finally:
            server.terminate()
            server.wait(timeout=10)
    print("smoke: all steps passed")


def steps(address: str, folder: Path) -> None:
    """Each command once, in the order a new user meets them."""
    call(folder, address, "doctor")
    for step in ("check", "plan", "expand"):
        call(folder, address, step, "budget")
    call(folder, address, "render", "budget", "-o", "budget.svg")
    assert (folder / "budget.svg").read_bytes().lstrip().startswith((b"<?xml", b"<svg"))
    told = json.loads(call(folder, address, "run", "budget", QUESTION, "--json"))
    assert told["answer"], "no answer"
    assert told["simulated"] is True
    assert call(folder, address, "ask", QUESTION).strip()


def call(folder: Path, address: str, *arguments: str) -> str:
    """Standard output of one command; raises if it fails."""
    environment = {**os.environ, "FUSION_BASE_URL": address, "FUSION_HOME": str(folder)}
    environment = {name: value for name, value in environment.items() if not name.endswith("_API_KEY")}
    done = subprocess.run(
        [*PROGRAM, *arguments], cwd=folder, env=environment, capture_output=True, text=True, check=False, timeout=120
    )
    if done.returncode:
        sys.exit(f"fusiongraph {' '.join(arguments)}: exit {done.returncode}\n{done.stdout}\n{done.stderr}")
    print(f"fusiongraph {' '.join(arguments)}: ok")
    return done.stdout


if __name__ == "__main__":
    main()
