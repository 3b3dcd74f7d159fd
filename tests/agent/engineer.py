"""A scripted engineer and a small project: it adds a function and its test, runs the tests, sees one fail, mends it and
finishes. It decides by what it was told last, as a model does."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

from fusion_graph.messages import Call, Completion, Message, ToolCall

TASK = "add a version function and a test for it"
APP = '"""A small app."""\n\n\ndef greet(name: str) -> str:\n    return f"Hello, {name}."\n'
TEST = """from app import greet, version


def test_version() -> None:
    assert version() == "1.0"
    assert greet("you")
"""
WRONG = 'def version() -> str:\n    return "0.9"\n'
RIGHT = 'def version() -> str:\n    return "1.0"\n'
RUN = "PYTEST_DISABLE_PLUGIN_AUTOLOAD=1 python -m pytest -q -p no:cacheprovider"
PLAN = "1. read app.py\n2. add version\n3. test it"


def make_project(folder: Path) -> Path:
    """A repository with one commit, a file that nobody has committed, and instructions of its own."""
    folder.mkdir(parents=True)
    (folder / "app.py").write_text(APP)
    (folder / "AGENTS.md").write_text("Type everything.\n")
    git(folder, "init", "-q", "-b", "main")
    git(folder, "add", "-A")
    git(folder, "-c", "user.name=a", "-c", "user.email=a@b", "commit", "-q", "-m", "first")
    (folder / "notes.txt").write_text("not committed\n")
    return folder


def git(folder: Path, *arguments: str) -> str:
    done = subprocess.run(["git", *arguments], cwd=folder, capture_output=True, text=True, check=True)  # noqa: S607
    return done.stdout.strip()


def use(name: str, number: int = 0, **arguments: Any) -> Completion:
    call = ToolCall(id=f"call_{number}", name=name, arguments=json.dumps(arguments))
    return Completion(tool_calls=(call,), finish_reason="tool_calls")


def next_step(messages: tuple[Message, ...], tools: set[str]) -> Completion:
    """What the engineer does next."""
    results = [m.text for m in messages if m.role == "tool"]
    number, last = len(results), results[-1] if results else ""
    if "bash" not in tools:  # planning
        return use("read_file", number, path="app.py") if number == 0 else Completion(text=PLAN)
    done = [call.name for m in messages for call in m.tool_calls]
    if "edit_file" not in done:
        new = '    return f"Hello, {name}."\n\n\n' + WRONG
        return use("edit_file", number, path="app.py", old='    return f"Hello, {name}."\n', new=new)
    if "write_file" not in done:
        return use("write_file", number, path="test_app.py", content=TEST)
    if "1 failed" in last:
        return use("edit_file", number, path="app.py", old='return "0.9"', new='return "1.0"')
    if "1 passed" in last:
        return use("finish", number, summary="Added version() and its test.", verified="pytest: 1 passed")
    return use("bash", number, command=RUN)


def engineer(call: Call) -> Completion:
    """As a scripted model of the simulation."""
    names = {tool["function"]["name"] for tool in call.sampling.tools}
    return next_step(call.messages, names)
