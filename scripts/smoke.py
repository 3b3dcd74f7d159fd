"""The whole stack over real sockets, as a user would meet it: every command and every endpoint once, on simulated
models, without a provider's key.

The tables below hold a step for each; one that is missing, or has lost its command or endpoint, fails at once.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from fusion_graph.commands import COMMANDS
from fusion_graph.server import ROUTES
from fusion_graph.wiring import pipelines
from scripts.stack import KEY, PROGRAM, Stack, stack

QUESTION = "What is the capital of Australia?"
ASKED = {"model": "fusion", "messages": [{"role": "user", "content": QUESTION}]}


class Walk:
    """What a step works with: commands in a folder of their own, requests at the server."""

    def __init__(self, at: Stack, folder: Path) -> None:
        self.at = at
        self.folder = folder

    def call(self, *arguments: str, said: str = "") -> str:
        """Standard output of one command, run as in a pipe. `said` is its standard input."""
        done = subprocess.run(
            [*PROGRAM, *arguments],
            cwd=self.folder,
            env=self.at.environment,
            input=said,
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
        assert done.returncode == 0, f"fusiongraph {' '.join(arguments)}: exit {done.returncode}\n{done.stderr}"
        return done.stdout

    def get(self, path: str, key: str = KEY) -> str:
        return self._send(path, None, key)

    def post(self, path: str, body: Mapping[str, Any], key: str = KEY) -> str:
        return self._send(path, json.dumps(body).encode(), key)

    def asked(self) -> int:
        """How many calls have reached the simulated upstream."""
        url = self.at.upstream.removesuffix("/v1") + "/_sim/received"
        with urllib.request.urlopen(url, timeout=60) as answer:  # noqa: S310 - our own upstream
            return len(json.load(answer)["received"])

    def refused(self, method: str, path: str) -> int:
        """The status of a request without a key."""
        try:
            self._send(path, None if method == "GET" else b"{}", "")
        except urllib.error.HTTPError as refusal:
            return refusal.code
        return 200

    def _send(self, path: str, body: bytes | None, key: str) -> str:
        headers = {"Content-Type": "application/json"} | ({"Authorization": f"Bearer {key}"} if key else {})
        url = self.at.server.removesuffix("/v1") + path
        request = urllib.request.Request(url, body, headers)  # noqa: S310 - our own server
        with urllib.request.urlopen(request, timeout=60) as answer:  # noqa: S310 - our own server
            return str(answer.read().decode())


# --- commands, in the order a new user meets them ---------------------------------------------------------------------


def run(walk: Walk) -> None:
    told = json.loads(walk.call("run", "budget", QUESTION, "--json"))
    assert told["answer"]
    assert told["simulated"] is True
    assert told["cost_usd"] is not None


def render(walk: Walk) -> None:
    assert "panel" in walk.call("render", "budget")
    walk.call("render", "budget", "-o", "budget.svg")
    assert (walk.folder / "budget.svg").read_bytes().lstrip().startswith((b"<?xml", b"<svg"))


def new(walk: Walk) -> None:
    walk.call("new", "mine")
    walk.call("check", "mine.yaml")
    assert walk.call("run", "mine.yaml", QUESTION).strip()


def expand(walk: Walk) -> None:
    (walk.folder / "expanded.yaml").write_text(walk.call("expand", "budget"))
    walk.call("check", "expanded.yaml")


def runs(walk: Walk) -> None:
    """Behind `run`: it was written down, and going on with it pays for nothing again."""
    asked = walk.asked()
    (first, *_) = json.loads(walk.call("runs", "list", "--json", "--pipeline", "budget"))
    assert first["state"] == "ok"
    assert "useful" in walk.call("runs", "show", first["id"])
    assert json.loads(walk.call("runs", "export", first["id"]))["result"]["answer"]
    assert walk.call("run", "--resume", first["id"], "--no-stream").strip()
    assert walk.asked() == asked, "a run that was whole was paid for again"


def code(walk: Walk) -> None:
    """The simulated model does as it is told: it finishes; also when the task comes through a pipe."""
    (walk.folder / "work").mkdir()
    task = 'sim: call finish {"summary": "Nothing was to do.", "verified": "looked"}'
    told = walk.call("code", task, "--root", "work", "--json").splitlines()
    assert json.loads(told[-1])["state"] == "finished"
    again = walk.call("code", task, "--root", "work", "--resume", "last", "--json").splitlines()
    assert json.loads(again[0])["session"] == json.loads(told[0])["session"]
    (line,) = [line for line in json.loads(walk.call("runs", "list", "--json")) if line["command"] == "code"]
    assert (line["runs"], line["state"]) == (2, "finished")
    assert "Nothing was to do." in walk.call("code", "--root", "work", said=task)


def evaluate(walk: Walk) -> None:
    assert "panel+refine" in walk.call("eval", "--ab", "--dry-run", "--limit", "3")
    line = ("eval", "--ab", "--tasks", "sums", "--limit", "3", "--json")
    told, asked = json.loads(walk.call(*line)), walk.asked()
    assert [arm["score"] is not None for arm in told["arms"]] == [True] * 5
    again = json.loads(walk.call(*line, "--resume", "last"))
    assert (again["arms"], walk.asked()) == (told["arms"], asked), "a call of an eval was paid for again"


def tune(walk: Walk) -> None:
    (walk.folder / "space.yaml").write_text("shapes: [{pipeline: self-consistency}, {pipeline: budget}]\n")
    walk.call("tune", "sums", "--space", "space.yaml", "--limit", "6", "--dry-run")
    walk.call("run", "tuned/tuned-1.yaml", QUESTION)


def ask(walk: Walk) -> None:
    """Its recording replays without the upstream."""
    answer = walk.call("ask", QUESTION, "--record", "ask.tape")
    assert "Answer" in answer
    assert walk.call("ask", "--replay", "ask.tape") == answer


def sim(walk: Walk) -> None:
    with urllib.request.urlopen(f"{walk.at.upstream}/models", timeout=60) as answer:  # noqa: S310 - our own upstream
        assert json.load(answer)["simulated"] is True


def mcp(walk: Walk) -> None:
    """The protocol by hand: a handshake and the list of tools, and nothing else on standard output."""
    hello = {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "smoke", "version": "1"}}
    said = (
        {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": hello},
        {"jsonrpc": "2.0", "method": "notifications/initialized"},
        {"jsonrpc": "2.0", "id": 2, "method": "tools/list"},
    )
    with subprocess.Popen(
        [*PROGRAM, "mcp", "--journal"],
        cwd=walk.folder,
        env=walk.at.environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.writelines(f"{json.dumps(one)}\n" for one in said)
        process.stdin.flush()
        told = [json.loads(process.stdout.readline()) for _ in range(2)]
        process.stdin.close()
        assert (process.wait(timeout=20), process.stdout.read()) == (0, "")
    assert [tool["name"] for tool in told[1]["result"]["tools"]] == ["council", "fusion"]


def serve(walk: Walk) -> None:
    assert "models: fusion, " in walk.at.log.read_text()


COMMAND_STEPS: Mapping[str, Callable[[Walk], object]] = {
    "doctor": lambda walk: _holds(walk.call("doctor", "--mcp"), "default", "FUSION_BASE_URL"),
    "models": lambda walk: _holds(walk.call("models"), "google/gemini-3-flash"),
    "check": lambda walk: walk.call("check", *map(str, pipelines.presets().values())),
    "test": lambda walk: _holds(walk.call("test", *pipelines.presets()), "passed"),
    "plan": lambda walk: _holds(walk.call("plan", "budget"), "calls"),
    "expand": expand,
    "render": render,
    "new": new,
    "run": run,
    "runs": runs,
    "chat": lambda walk: _holds(
        walk.call("chat", "--journal", said=f"{QUESTION}\n/stats\n"), "Answer", "budget: 1 turn"
    ),
    "code": code,
    "ask": ask,
    "eval": evaluate,
    "tune": tune,
    "sim": sim,
    "serve": serve,
    "mcp": mcp,
}


# --- endpoints --------------------------------------------------------------------------------------------------------


def chat_completions(walk: Walk) -> None:
    told = json.loads(walk.post("/v1/chat/completions", ASKED))
    assert told["choices"][0]["message"]["content"]
    assert told["fusion"]["panel_succeeded"] == 3
    assert told["fusion"]["simulated"] is True
    events = walk.post("/v1/chat/completions", {**ASKED, "stream": True}).strip().split("\n\n")
    assert events[-1] == "data: [DONE]"
    assert json.loads(events[-2].removeprefix("data: "))["choices"][0]["finish_reason"] == "stop"


def messages(walk: Walk) -> None:
    asked = {**ASKED, "max_tokens": 100}
    told = json.loads(walk.post("/v1/messages", asked))
    assert told["content"][0]["text"]
    assert told["stop_reason"] == "end_turn"
    events = walk.post("/v1/messages", {**asked, "stream": True}).strip().split("\n\n")
    assert events[0].startswith("event: message_start")
    assert events[-1].startswith("event: message_stop")


def responses(walk: Walk) -> None:
    asked = {"model": ASKED["model"], "input": ASKED["messages"]}
    told = json.loads(walk.post("/v1/responses", asked))
    assert told["status"] == "completed"
    assert told["output"][0]["content"][0]["text"]
    events = walk.post("/v1/responses", {**asked, "stream": True}).strip().split("\n\n")
    assert events[0].startswith("event: response.created")
    assert events[-1].startswith("event: response.completed")


ROUTE_STEPS: Mapping[str, Callable[[Walk], object]] = {
    "root": lambda walk: walk.get("/", key=""),
    "livez": lambda walk: _holds(walk.get("/livez", key=""), '"ok"'),
    "readyz": lambda walk: walk.get("/readyz", key=""),
    "health": lambda walk: _holds(walk.get("/health"), '"budget"'),
    "models": lambda walk: _holds(walk.get("/v1/models"), '"fusion"', '"debate"'),
    "model": lambda walk: _holds(walk.get("/v1/models/google/gemini-3-flash"), '"google/gemini-3-flash"'),
    "openapi": lambda walk: _holds(walk.get("/openapi.json"), '"3.1.0"', "/v1/chat/completions"),
    "chat_completions": chat_completions,
    "messages": messages,
    "count_tokens": lambda walk: _holds(walk.post("/v1/messages/count_tokens", ASKED), '"input_tokens"'),
    "responses": responses,
    "metrics": lambda walk: _holds(walk.get("/metrics"), 'fusion_runs_total{pipeline="fusion",state="ok"} 6'),
}


def _holds(text: str, *parts: str) -> None:
    assert not [part for part in parts if part not in text], f"{parts} not all in:\n{text}"


# --- the walk ---------------------------------------------------------------------------------------------------------


def lost() -> list[str]:
    """Commands and endpoints without a step, and steps without one of them."""
    named = {f"command {name}" for name in COMMANDS} | {f"endpoint {name}" for name in ROUTES}
    walked = {f"command {name}" for name in COMMAND_STEPS} | {f"endpoint {name}" for name in ROUTE_STEPS}
    return sorted(named ^ walked)


def steps() -> dict[str, Callable[[Walk], object]]:
    """Everything to be walked, by what is printed."""
    walked: dict[str, Callable[[Walk], object]] = {f"fusiongraph {name}": do for name, do in COMMAND_STEPS.items()}
    for name, do in ROUTE_STEPS.items():
        route = ROUTES[name]
        walked[f"{route.method} {route.path}"] = do
        if not route.public:
            walked[f"{route.method} {route.path} without a key"] = _refuses(route.method, route.path)
    return walked


def _refuses(method: str, path: str) -> Callable[[Walk], object]:
    def do(walk: Walk) -> None:
        status = walk.refused(method, path)
        assert status == 401, f"status {status}"

    return do


def main() -> None:
    """Exit with 0 when every step did what it should."""
    if lost():
        sys.exit("smoke: add or remove a step in scripts/smoke.py for: " + ", ".join(lost()))
    with tempfile.TemporaryDirectory() as folder, stack(Path(folder)) as at:
        walk = Walk(at, Path(folder))
        for name, do in steps().items():
            try:
                do(walk)
            except (AssertionError, OSError, ValueError, KeyError, subprocess.TimeoutExpired) as fault:
                sys.exit(f"smoke: {name}: FAILED: {fault!r}\n{fault}\n{at.log.read_text()}")
            print(f"{name}: ok")
    print(f"smoke: all {len(steps())} steps passed, and the server ended well")


if __name__ == "__main__":
    main()
