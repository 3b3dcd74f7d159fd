"""The smoke walk knows every command and endpoint; the table of `make verify` tells pass, skip and failure apart."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from scripts import smoke, verify


def test_every_command_and_endpoint_has_a_step() -> None:
    assert smoke.lost() == [], "add or remove steps in scripts/smoke.py"


def test_every_guarded_endpoint_is_asked_without_a_key() -> None:
    assert sum(name.endswith(" without a key") for name in smoke.steps()) >= 5


def python(code: str) -> Sequence[str]:
    return (sys.executable, "-c", code)


@pytest.mark.parametrize(
    ("code", "result"), [("print('a: ok')", "pass"), ("print('no npm'); exit(77)", "skip"), ("exit(1)", "FAIL")]
)
def test_a_step_passes_is_skipped_or_fails(
    code: str, result: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(verify, "LOGS", tmp_path)
    row = verify.prove("a", python(code), {})
    assert row.result == result
    assert f"1 {result}" in verify.table([row])
    assert (tmp_path / "a.log").is_file()


def test_clients_stand_for_all_of_them() -> None:
    assert verify.chosen(["smoke", "clients", "pi"]) == ["smoke", *verify.clients(), "pi"]


def test_an_unknown_step_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        verify.main(["nope"])
    assert ended.value.code == 2
    assert "there is no nope" in capsys.readouterr().err


def test_a_step_that_hangs_is_stopped_with_what_it_started(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(verify, "LOGS", tmp_path)
    monkeypatch.setattr(verify, "MOST_S", 0.5)
    waiting = "import subprocess, sys; subprocess.run([sys.executable, '-c', 'import signal; signal.pause()'])"
    row = verify.prove("a", python(waiting), {})
    assert row.result == "FAIL"
    assert row.said == "no end after 0.5 s"
