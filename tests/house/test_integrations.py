"""The folders of integrations/: each says what it is and can be verified; configurations parse, versions are pinned, no
registry is named. The clients themselves run in `make clients`."""

from __future__ import annotations

import ast
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from tests.commands.test_sim import served

FOLDER = Path(__file__).parents[2] / "integrations"
CLIENTS = sorted(path for path in FOLDER.iterdir() if path.is_dir() and not path.name.startswith((".", "_")))
FILES = sorted(path for path in FOLDER.rglob("*") if path.is_file() and path.suffix != ".pyc")
SHELL = [path for path in FILES if path.suffix == ".sh"]
HOSTS = {"127.0.0.1", "opencode.ai"}  # the second names a schema, which nobody fetches
ids = [path.name for path in CLIENTS]


def read(path: Path) -> str:
    return path.read_text("utf-8")


@pytest.mark.parametrize("client", CLIENTS, ids=ids)
def test_client_says_what_it_is_and_what_was_proven(client: Path) -> None:
    text = read(client / "README.md")
    assert text.startswith("# ")
    assert "Proven by `verify.sh`" in text
    assert f"]({client.name}/" in read(FOLDER / "README.md")


@pytest.mark.parametrize("client", CLIENTS, ids=ids)
def test_client_is_verified_at_a_pinned_version(client: Path) -> None:
    script = client / "verify.sh"
    assert os.access(script, os.X_OK)
    installed = re.search(
        r"(?m)^(?:pip_client|npm_client \d+) '?(\S+?)(?:\[\w+\])?(?:==|(?<=.)@)([\d.]+)'?$", read(script)
    )
    assert installed, "pip_client NAME==VERSION or npm_client NODE NAME@VERSION"
    assert installed[2] in read(client / "README.md")


@pytest.mark.parametrize("path", FILES, ids=[str(path.relative_to(FOLDER)) for path in FILES])
def test_file_parses_and_names_no_other_host(path: Path) -> None:
    """No registry above all: a client comes from wherever its reader's pip and npm look."""
    text = read(path)
    if path.suffix == ".json":
        json.loads(text)
    elif path.suffix in (".yaml", ".yml"):
        YAML(typ="safe").load(text)
    elif path.suffix == ".py":
        ast.parse(text)
    assert set(re.findall(r"https?://([\w.-]+)", text)) <= HOSTS
    assert not re.search(r"--(registry|(extra-)?index-url|find-links)\b", text)


@pytest.mark.skipif(not shutil.which("bash"), reason="no bash")
@pytest.mark.parametrize("path", SHELL, ids=[str(path.relative_to(FOLDER)) for path in SHELL])
def test_shell_is_well_formed(path: Path) -> None:
    shell = "bash" if "bash" in read(path).splitlines()[0] or path.name.startswith("_") else "sh"
    subprocess.run([shell, "-n", str(path)], check=True)


@pytest.mark.parametrize("url", ["http://127.0.0.1:9/v1", "file:///etc"])
def test_preflight_wants_a_server(url: str) -> None:
    environment = {**os.environ, "FUSION_URL": url, "FUSION_KEY": "none", "FUSION_MODEL": "fusion"}
    command = [sys.executable, str(FOLDER / "_preflight.py")]
    assert subprocess.run(command, env=environment, capture_output=True, check=False).returncode == 1


def test_preflight_refuses_what_is_not_this_server() -> None:
    """A bare model behind the same API has no `fusion` block: nothing says that it is simulated."""
    environment = dict(os.environ)
    with served(environment) as url:
        more = {"FUSION_URL": url, "FUSION_KEY": "none", "FUSION_MODEL": "sim/fast"}
        command = [sys.executable, str(FOLDER / "_preflight.py")]
        done = subprocess.run(command, env=environment | more, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (1, "it is no fusion_graph server\n")
