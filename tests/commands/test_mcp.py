"""`fusiongraph mcp` as a program, and a proposer that uses a server's tool; `_serve.mcp_serving` puts it together."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.commands.conftest import Done
from tests.commands.test_serve import served
from tests.tools._mcp.test_tools import PROGRAM

pytest.importorskip("mcp")

from mcp import StdioServerParameters
from mcp.client import Client

ROOT = Path(__file__).parents[2]
ONE = "{version: 1, name: one, nodes: {answer: {kind: proposer, model: a/x}}, output: answer}"
TOOLED = ONE.replace("model: a/x", 'model: a/x, tools: ["mcp:shop/price"]')
OURS = {"FUSION_BACKEND": "sim", "PYTHONPATH": str(ROOT)}


async def test_over_standard_streams(tmp_path: Path) -> None:
    (tmp_path / "one.yaml").write_text(ONE)
    command = ["-m", "fusion_graph", "mcp", "--config", str(tmp_path / "one.yaml")]
    lines: list[str | None] = []

    async def hear(progress: float, total: float | None, message: str | None) -> None:
        lines.append(message)

    program = StdioServerParameters(command=sys.executable, args=command, env={**os.environ, **OURS}, cwd=tmp_path)
    async with Client(program) as client:
        assert [tool.name for tool in (await client.list_tools()).tools] == ["council", "fusion", "one"]
        result = await client.call_tool("one", {"prompt": 'sim: say "hello"'}, progress_callback=hear)
    assert result.structured_content["answer"] == "hello"
    assert result.structured_content["simulated"] is True
    assert lines[0] == "answer: asks a/x"


async def test_runs_are_written_down_when_that_is_asked_for(cli: Callable[..., Done], tmp_path: Path) -> None:
    (tmp_path / "one.yaml").write_text(ONE)
    home = {"FUSION_HOME": str(tmp_path / "home")}
    for more, kept in (((), False), (("--journal",), True)):
        command = ["-m", "fusion_graph", "mcp", "--config", str(tmp_path / "one.yaml"), *more]
        program = StdioServerParameters(command=sys.executable, args=command, env={**os.environ, **OURS, **home})
        async with Client(program) as client:
            result = await client.call_tool("one", {"prompt": 'sim: say "hello"'})
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("FUSION_HOME", home["FUSION_HOME"])
            told = cli("runs", "list").out
        assert (result.structured_content["run_id"][:8] in told) is kept


def test_it_ends_with_its_input_and_says_nothing_else_there(cli: Callable[..., Done], tmp_path: Path) -> None:
    (tmp_path / "one.yaml").write_text(ONE)
    done = subprocess.run(
        [sys.executable, "-m", "fusion_graph", "mcp", "--config", str(tmp_path / "one.yaml")],
        env={**os.environ, **OURS},
        input="",
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stdout) == (0, "")
    assert "tools: council, fusion, one" in done.stderr
    assert cli("mcp", "--config", "nowhere.yaml").code == 2
    assert "no key is set" in cli("mcp", "--http", "0", "--host", "0.0.0.0").err  # noqa: S104


def test_without_the_sdk(cli: Callable[..., Done], monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in sys.modules if name.startswith("fusion_graph.server._mcp")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "mcp_types", None)
    done = cli("mcp")
    assert done.code == 2
    assert "pip install 'fusion-graph[mcp]'" in done.err


async def test_over_http_until_it_is_told_to_end(tmp_path: Path) -> None:
    with served(command=("mcp", "--http", "0"), FUSION_HOME=str(tmp_path)) as (process, url):
        async with Client(url) as client:
            result = await client.call_tool("council", {"prompt": "What is 6 times 7?"})
        process.send_signal(signal.SIGINT)
        assert process.wait(20) == 130
        assert process.stderr is not None
        assert "Traceback" not in process.stderr.read()
    assert "42" in result.structured_content["answer"]


def test_a_proposer_uses_the_tool_of_a_server(
    cli: Callable[..., Done], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("FUSION_HOME", str(tmp_path))
    Path("fusiongraph.toml").write_text(f"[mcp.shop]\ncommand = {json.dumps(PROGRAM)}\n")
    Path("tooled.yaml").write_text(TOOLED)
    asked = 'sim: call mcp__shop__price {"item": "tea"}'
    refused = cli("run", "tooled.yaml", asked)
    assert refused.code == 2
    assert "--allow-tools mcp:shop/price allows it" in refused.err
    assert cli("run", "tooled.yaml", asked, "--allow-tools", "all").code == 2
    for allowed in ("mcp:shop/price", "mcp:shop"):
        done = cli("run", "tooled.yaml", asked, "--allow-tools", allowed, "--trace", "trace.jsonl")
        assert done.code == 0, done.err
        events = [json.loads(line) for line in Path("trace.jsonl").read_text().splitlines()]
        (answered,) = [event for event in events if event["event"] == "ToolAnswered"]
        assert (answered["ok"], answered["text"]) == (True, "tea costs 42")
