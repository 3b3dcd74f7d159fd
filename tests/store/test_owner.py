"""Whether the process that writes a run is still there."""

from __future__ import annotations

import subprocess
import sys

import pytest

from fusion_graph.store.owner import is_alive, me


def test_this_process_is_alive() -> None:
    assert is_alive(me())


def test_another_with_the_same_number_is_not() -> None:
    head, _, _began = me().rpartition("/")
    assert not is_alive(f"{head}/1")


def test_of_another_host_nobody_can_tell() -> None:
    assert not is_alive(f"elsewhere.example/{me().partition('/')[2]}")


@pytest.mark.parametrize("text", ["", "x", "a/b/c", "//", "localhost/-1/0", "\0/9/9"])
def test_nonsense_is_not_alive(text: str) -> None:
    assert not is_alive(text)


def test_killed_process_is_not_alive_even_before_it_is_waited_for() -> None:
    program = "import sys; from fusion_graph.store.owner import me; print(me(), flush=True); sys.stdin.read()"
    with subprocess.Popen(
        [sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        owner = process.stdout.readline().strip()
        assert is_alive(owner)
        process.kill()
        process.stdout.read()  # its end closes the pipe; it is a zombie or gone now
        assert process.wait()
        assert not is_alive(owner)
