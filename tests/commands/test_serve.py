"""`fusiongraph serve` as a program: says where it is, answers, reloads, ends well. `_serve.serving` makes it."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from fusion_graph import settings
from fusion_graph.commands._serve.serving import Given, _loop_factory, sources, surroundings
from fusion_graph.engine.pricing import Prices
from fusion_graph.errors import UsageError
from fusion_graph.pipeline import Limits
from fusion_graph.server._options import ServerOptions
from fusion_graph.toolbox import NO_TOOLS
from fusion_graph.wiring import backends
from tests.commands.conftest import Done

ROOT = Path(__file__).parents[2]
ONE = "{version: 1, name: one, nodes: {answer: {kind: proposer, model: a/x}}, output: answer}"
QUESTION = {"messages": [{"role": "user", "content": "What is 6 times 7?"}]}


UNNEEDED = (
    *("jsonschema", "networkx", "rich", "sqlite3", "tomllib", "fusion_graph.providers.local"),
    *("fusion_graph.tools._site", "fusion_graph.server._wires.messages", "fusion_graph.server._wires.responses"),
)
SHOWING = (
    "import sys; from fusion_graph.commands import execute; execute(sys.argv[1:]);"
    f"print([name for name in {UNNEEDED} if name in sys.modules])"
)


@contextmanager
def served(
    *arguments: str,
    command: tuple[str, ...] = ("serve", "--port", "0"),
    program: tuple[str, ...] = ("-m", "fusion_graph"),
    **variables: str,
) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """The running program and its address."""
    environment = {**os.environ, "FUSION_BACKEND": "sim", "PYTHONPATH": str(ROOT), **variables}
    line = [sys.executable, *program, *command, *arguments]
    with subprocess.Popen(line, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield process, process.stdout.readline().strip()
        finally:
            process.kill()


def ask(url: str, model: str) -> str:
    request = urllib.request.Request(  # noqa: S310 - our own address
        f"{url}/chat/completions",
        json.dumps({"model": model, **QUESTION}).encode(),
        {"Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=20) as response:  # noqa: S310 - our own address
        return str(json.load(response)["choices"][0]["message"]["content"])


def test_serves_until_it_is_told_to_end(tmp_path: Path) -> None:
    (tmp_path / "one.yaml").write_text(ONE)
    with served("--pipelines", str(tmp_path)) as (process, url):
        assert re.fullmatch(r"http://127\.0\.0\.1:\d+/v1", url)
        assert "42" in ask(url, "fusion")
        (tmp_path / "one.yaml").write_text(ONE.replace("name: one", "name: two"))
        process.send_signal(signal.SIGHUP)
        assert "42" in ask(url, "two")
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 0


def test_open_address_without_keys_is_refused() -> None:
    with served("--host", "0.0.0.0") as (process, url):  # noqa: S104
        assert url == ""
        assert process.wait(20) == 2
        assert process.stderr is not None
        assert "no key is set" in process.stderr.read()


def test_one_file_is_also_the_default(tmp_path: Path) -> None:
    (tmp_path / "one.yaml").write_text(ONE)
    found = sources(Given(config=str(tmp_path / "one.yaml"), folder=str(tmp_path)))
    assert [source.name for source in found] == ["fusion", ""]


def test_folder_without_pipelines_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no pipeline"):
        sources(Given(folder=str(tmp_path)))


def test_uvloop_is_taken_if_it_is_there(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("uvloop")
    factory = _loop_factory()
    assert factory is not None
    loop = factory()
    loop.close()
    assert type(loop).__module__.startswith("uvloop")
    monkeypatch.setitem(sys.modules, "uvloop", None)
    assert _loop_factory() is None


def test_first_answer_waits_for_nothing_it_does_not_need() -> None:
    with served(program=("-c", SHOWING)) as (process, url):
        assert "42" in ask(url, "fusion")
        process.send_signal(signal.SIGTERM)
        assert process.communicate(timeout=20)[0] == "[]\n"


def test_a_server_opens_no_tool_of_its_machine(cli: Callable[..., Done]) -> None:
    done = cli("serve", "--allow-tools", "bash")
    assert done.code == 2
    assert "a server does not open its machine to strangers" in done.err


def test_server_refuses_to_ask_itself(cli: Callable[..., Done], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("FUSION_BACKEND", raising=False)
    monkeypatch.setenv("FUSION_BASE_URL", "http://localhost:8399/v1")
    done = cli("serve", "--port", "8399")
    assert done.code == 2
    assert "this server itself" in done.err


async def test_no_run_passes_the_deadline_of_the_server(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FUSION_BACKEND", "sim")
    setup = settings.load()
    selection = await backends.select(setup)
    around = surroundings(setup, selection, Prices({}), NO_TOOLS, ServerOptions(deadline_s=7.0))
    assert around.within(Limits(deadline_s=None)).deadline_s == 7.0
