"""Everything that can be proven here, with a table at the end: `make check`, the smoke walk, the installed wheel, and
every client of `integrations/` against one server on simulated models.

    python -m scripts.verify              # all of it
    python -m scripts.verify clients      # the clients alone; or some: pi llm
    python -m scripts.verify --times 2 pi # each so often, one after the other

What each step printed is kept in build/verify/. A client that cannot be had here is skipped and says why.
"""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, NamedTuple

from scripts.stack import KEY, ROOT, stack

LOGS = ROOT / "build" / "verify"
INTEGRATIONS = ROOT / "integrations"
OWN: Mapping[str, Sequence[str]] = {
    "check": ("make", "--no-print-directory", "check"),
    "smoke": (sys.executable, "-m", "scripts.smoke"),
    "install": (sys.executable, "-m", "scripts.verify_install"),
}
RESULTS: Mapping[int | None, str] = {0: "pass", 77: "skip"}
MOST_S = 1800.0


class Row(NamedTuple):
    """One line of the table. `said` is the step's last line."""

    name: str
    result: str
    seconds: float
    said: str


def clients() -> dict[str, Sequence[str]]:
    """Every folder of integrations/ that can be verified."""
    return {path.parent.name: (str(path),) for path in sorted(INTEGRATIONS.glob("*/verify.sh"))}


def main(arguments: Sequence[str] | None = None) -> int:
    """0 when nothing failed."""
    parser = argparse.ArgumentParser(prog="verify", description="Prove what can be proven here.")
    parser.add_argument("names", nargs="*", help=f"{', '.join(OWN)}, clients, or a folder of integrations/")
    parser.add_argument("--times", type=int, default=1, help="run each step so often")
    given = parser.parse_args(arguments)
    names = chosen(given.names or [*OWN, "clients"])
    unknown = [name for name in names if name not in OWN and name not in clients()]
    if unknown:
        parser.error(f"there is no {', '.join(unknown)}; known: {', '.join([*OWN, 'clients', *clients()])}")
    LOGS.mkdir(parents=True, exist_ok=True)
    wanted = [name for name in names for _ in range(max(1, given.times))]
    rows = [prove(name, OWN[name], dict(os.environ)) for name in wanted if name in OWN]
    asked = [name for name in wanted if name not in OWN]
    if asked:
        with tempfile.TemporaryDirectory() as folder, stack(Path(folder)) as at:
            environment = {**os.environ, "FUSION_URL": at.server, "FUSION_KEY": KEY, "PYTHON": sys.executable}
            rows += [prove(name, clients()[name], environment) for name in asked]
    print(table(rows))
    return 1 if any(row.result == "FAIL" for row in rows) else 0


def chosen(names: Sequence[str]) -> list[str]:
    """`clients` stands for all of them."""
    return [one for name in names for one in (clients() if name == "clients" else [name])]


def prove(name: str, command: Sequence[str], environment: Mapping[str, str]) -> Row:
    """Run one step; its output goes to its log."""
    print(f"{name} ...", flush=True)
    log, began = LOGS / f"{name}.log", time.monotonic()
    with log.open("w") as output:
        code = _run(command, environment, output)
        if code is None:
            output.write(f"no end after {MOST_S:g} s\n")
    result = RESULTS.get(code, "FAIL")
    lines = log.read_text(errors="replace").strip().splitlines() or [""]
    if result == "FAIL":
        print("\n".join(lines[-30:]))
    return Row(name, result, time.monotonic() - began, lines[-1].removeprefix(f"{name}: "))


def _run(command: Sequence[str], environment: Mapping[str, str], output: IO[str]) -> int | None:
    """The exit code, None if it had to be stopped. A group of its own: whatever it started is stopped with it."""
    with subprocess.Popen(
        command,
        cwd=ROOT,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    ) as process:
        try:
            return process.wait(timeout=MOST_S)
        except subprocess.TimeoutExpired:
            return None
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGTERM)


def table(rows: Sequence[Row]) -> str:
    """One line a step, and how many of each."""
    wide = max(len(row.name) for row in rows)
    lines = [f"{row.name:<{wide}}  {row.result}  {row.seconds:6.1f} s  {row.said[:80]}" for row in rows]
    counts = {result: sum(row.result == result for row in rows) for result in ("pass", "skip", "FAIL")}
    return "\n".join(["", *lines, "", ", ".join(f"{count} {result}" for result, count in counts.items())])


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
