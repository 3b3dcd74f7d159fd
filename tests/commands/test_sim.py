"""`fusiongraph sim`: a real socket that says where it is."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from tests.commands.conftest import Done


@contextmanager
def served(environment: dict[str, str], *arguments: str) -> Iterator[str]:
    """Its address, while it runs; ended as a user would."""
    command = [sys.executable, "-m", "fusion_graph", "sim", "--port", "0", "--first-token-s", "0", *arguments]
    with subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        line = process.stdout.readline()
        found = re.fullmatch(r"export FUSION_BASE_URL=(http://127\.0\.0\.1:\d+/v1)( FUSION_API_KEY=\S+)?\n", line)
        assert found, line
        try:
            yield found[1]
        finally:
            process.send_signal(signal.SIGINT)
            assert process.wait(20) == 130
            assert process.stderr is not None
            assert "Traceback" not in process.stderr.read()


def test_serves_simulated_models_until_ctrl_c(environment: dict[str, str]) -> None:
    with served(environment) as url, urllib.request.urlopen(f"{url}/models") as answer:  # noqa: S310 - our own address
        assert json.load(answer)["simulated"] is True


def test_a_run_reaches_it(cli: Callable[..., Done], environment: dict[str, str]) -> None:
    """The whole way: three drafts, a judge and a writer over a socket."""
    with served(environment, "--usd-per-mtok", "1") as url:
        more = {"FUSION_BACKEND": "default", "FUSION_BASE_URL": url}
        command = [sys.executable, "-m", "fusion_graph", "run", "budget", "What is 6 times 7?", "--json"]
        done = subprocess.run(command, env=environment | more, capture_output=True, text=True, check=True)
    told = json.loads(done.stdout)
    assert "42" in told["answer"]
    assert told["simulated"] is True
    assert 0 < told["cost_usd"] < 0.1
    assert done.stderr.startswith("backend: default (FUSION_BACKEND is set)\n")


def test_a_taken_port_is_one_line(cli: Callable[..., Done], environment: dict[str, str]) -> None:
    with served(environment) as url:
        done = cli("sim", "--port", url.split(":")[2].partition("/")[0])
    assert (done.code, done.out) == (2, "")
    assert "cannot listen on 127.0.0.1:" in done.err
    assert done.err.endswith("--port 0 takes a free one\n")


def test_an_unknown_fault_lists_them(cli: Callable[..., Done]) -> None:
    done = cli("sim", "--port", "0", "--fault", "nope")
    assert done.code == 2
    assert "429" in done.err
