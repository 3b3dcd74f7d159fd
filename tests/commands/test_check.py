"""`fusiongraph check`: all findings of all files, for people and for programs."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.commands.conftest import Done

GOOD = "version: 1\nname: good\nnodes: {a: {kind: proposer, model: a/x}}\noutput: a\n"
BAD = (
    "version: 1\nnmae: bad\n"
    "nodes: {a: {kind: proposr, model: a/x}, b: {kind: synth, model: a/x, inputs: [c]}}\noutput: b\n"
)
WARNS = (
    "version: 1\nname: warns\nparams: {unused: {type: integer, default: 1}}\n"
    "nodes: {a: {kind: proposer, model: a/x}}\noutput: a\n"
)
HOSTILE = {
    "empty": b"",
    "binary": bytes(range(256)) * 100,
    "brackets": b"[" * 5000,
    "braces": b"{" * 5000,
    "bomb": b"a: &a [x, x]\nb: &b [*a, *a]\nc: [*b, *b]\n",
    "tag": b"!!python/object/apply:os.system ['true']",
    "huge": b"x" * 10_000_000,
    "nul": b"version: 1\0",
    "text": b"only text",
    "list": b"- 1\n- 2\n",
    "tabs": b"a:\n\t- b",
    "bom": b"\xef\xbb\xbfversion: 2\r\nname: x\r\n",
    "utf16": "version: 1".encode("utf-16"),
}


def write(folder: Path, **files: str) -> list[Path]:
    for name, text in files.items():
        (folder / f"{name}.yaml").write_text(text)
    return [folder / f"{name}.yaml" for name in files]


def test_a_good_file_says_so(cli: Callable[..., Done], tmp_path: Path) -> None:
    (file,) = write(tmp_path, good=GOOD)
    done = cli("check", file)
    assert done.code == 0
    assert done.out.startswith(f"{file}")


def test_all_errors_of_all_files_come_at_once(cli: Callable[..., Done], tmp_path: Path) -> None:
    bad, other = write(tmp_path, bad=BAD, other=BAD.replace("proposr", "jugde"))
    done = cli("check", bad, other)
    assert done.code == 2
    assert f"{bad}:2:1: FG" in done.out
    assert "did you mean name?" in done.out
    assert "did you mean proposer?" in done.out
    assert "did you mean judge?" in done.out
    assert "    2 | nmae: bad\n      | ^\n" in done.out


def test_json_is_for_programs(cli: Callable[..., Done], tmp_path: Path) -> None:
    (file,) = write(tmp_path, bad=BAD)
    done = cli("check", file, "--format", "json")
    found = json.loads(done.out)
    assert done.code == 2
    assert {"code", "message", "severity", "file", "line", "col", "pointer", "hint"} == set(found[0])
    assert cli("check", *write(tmp_path, good=GOOD), "--format", "json").out.strip()[0] == "["


def test_warnings_fail_only_when_strict(cli: Callable[..., Done], tmp_path: Path) -> None:
    (file,) = write(tmp_path, warns=WARNS)
    assert cli("check", file).code == 0
    assert "warning FG206" in cli("check", file).out
    assert cli("check", file, "--strict").code == 2


def test_a_preset_is_checked_by_its_name(cli: Callable[..., Done]) -> None:
    assert cli("check", "budget", "moa-layers").code == 0


def test_a_missing_file_is_one_line(cli: Callable[..., Done]) -> None:
    done = cli("check", "none.yaml")
    assert (done.code, done.out) == (2, "")
    assert done.err == "error: there is no file none.yaml; correct the path\n"


def test_a_missing_file_does_not_hide_the_others(cli: Callable[..., Done], tmp_path: Path) -> None:
    (file,) = write(tmp_path, bad=BAD)
    done = cli("check", "none.yaml", file)
    assert done.code == 2
    assert "none.yaml" in done.err
    assert f"{file}:2:1: FG" in done.out


@pytest.mark.timeout(20)
@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_files_give_findings(cli: Callable[..., Done], tmp_path: Path, name: str) -> None:
    file = tmp_path / "bad.yaml"
    file.write_bytes(HOSTILE[name])
    done = cli("check", file)
    assert done.code == 2
    assert f"{file}:1:" in done.out or f"{file}:2:" in done.out
    assert "bug" not in done.err


@pytest.mark.parametrize("command", ["check", "plan", "expand"])
def test_looking_at_a_file_loads_no_engine(command: str) -> None:
    program = (
        f"import sys\nfrom fusion_graph.commands import execute\nassert execute([{command!r}, 'budget']) == 0\n"
        "print(sorted({'aiohttp', 'fusion_graph.engine.fusion', 'sqlite3'} & sys.modules.keys()), file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stderr.strip() == "[]"
