"""The whole stack as a user would start it: `fusiongraph sim` and `fusiongraph serve`, two programs on free ports. No
provider's key is in their environment, and no file of the user's is read."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
PROGRAM = (sys.executable, "-m", "fusion_graph")
KEY = "sk-fusion-only-for-checks"
UPSTREAM_KEY = "only-for-checks"
END_S = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Stack:
    """A running stack. `environment` makes any command use the simulated upstream; `log` is what the server said."""

    upstream: str
    server: str
    environment: Mapping[str, str]
    log: Path
    pid: int  # the server's


def environment_of(home: Path, **more: str) -> dict[str, str]:
    """Ours without keys, settings and folders of the user."""
    inherited = {
        name: value
        for name, value in os.environ.items()
        if not name.endswith("_API_KEY") and not name.startswith(("FUSION_", "XDG_"))
    }
    return {**inherited, "HOME": str(home), "FUSION_HOME": str(home), **more}


@contextmanager
def stack(folder: Path, pipelines: Path = ROOT / "pipelines") -> Iterator[Stack]:
    """Both, started in `folder` and ended by SIGTERM; raises if the server does not end well."""
    plain = environment_of(folder)
    sim = ("sim", "--port", "0", "--first-token-s", "0", "--token-s", "0", "--api-key", UPSTREAM_KEY)
    with _started(sim, folder, plain) as (upstream, _):
        environment = {**plain, "FUSION_BASE_URL": upstream, "FUSION_API_KEY": UPSTREAM_KEY}
        serve = ("serve", "--port", "0", "--pipelines", str(pipelines), "--drain-s", "5")
        with _started(serve, folder, {**environment, "FUSION_SERVER_KEYS": KEY}, code=0) as (server, pid):
            yield Stack(upstream=upstream, server=server, environment=environment, log=folder / "serve.log", pid=pid)


@contextmanager
def _started(
    arguments: tuple[str, ...], folder: Path, environment: Mapping[str, str], code: int | None = None
) -> Iterator[tuple[str, int]]:
    """The address that the program's first line names, and its process. `code`: what it must end with."""
    log = folder / f"{arguments[0]}.log"
    with (
        log.open("w") as errors,
        subprocess.Popen(
            [*PROGRAM, *arguments], cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=errors, text=True
        ) as process,
    ):
        try:
            found = re.search(r"http://\S+", process.stdout.readline() if process.stdout else "")
            if not found:
                sys.exit(f"fusiongraph {arguments[0]} did not start:\n{log.read_text()}")
            yield found[0], process.pid
        finally:
            process.terminate()
            ended = process.wait(timeout=END_S)
        if code is not None and ended != code:
            sys.exit(f"fusiongraph {arguments[0]} ended with {ended}:\n{log.read_text()}")
