"""The sandbox (`_sandbox/levels`, `_sandbox/confines`, `_sandbox/jail`, `_sandbox/seccomp`): what a command can do, and
seventy ways out that it cannot take, at every level that works here, as this user and, where this is root, as an
ordinary one."""

from __future__ import annotations

import asyncio
import json
import os
import platform
import shutil
import struct
import subprocess
import sys
from pathlib import Path

import pytest

from fusion_graph.errors import UsageError
from fusion_graph.tools._sandbox import levels, seccomp
from fusion_graph.tools._sandbox.confines import SECRETS, Caps, Level
from fusion_graph.tools._sandbox.levels import Ran, Sandbox, find_sandbox, lacks, require_sandbox
from tests.tools import escapes

ROOT = Path(__file__).parents[3]
SYSTEM_PYTHON = Path("/usr/bin/python3")
NOBODY = 65534
CONFINED: tuple[Level, ...] = ("bubblewrap", "landlock")

linux = pytest.mark.skipif(sys.platform != "linux", reason="the sandbox is made of Linux")


def need(level: Level) -> Sandbox:
    found = find_sandbox(best=level)
    if found is None or found.level != level:
        pytest.skip(lacks())
    return found


async def run(level: Level, command: str, root: Path, **caps: int) -> Ran:
    sandbox = Sandbox(level=need(level).level, caps=Caps()._replace(**caps))
    return await sandbox.run(command, root)


# --- ways out ---------------------------------------------------------------------------------------------------------


def attempts(command: list[str], folder: Path, level: Level, **more: int) -> None:
    root, outside = folder / "root", folder / "outside"
    done = subprocess.run(
        [*command, level, str(root.resolve()), str(outside.resolve())],
        capture_output=True,
        text=True,
        timeout=110,
        check=False,
        cwd="/",
        **more,  # type: ignore[call-overload]
    )
    told = [json.loads(line) for line in done.stdout.splitlines()]
    assert done.returncode == 0, done.stderr
    assert len(told) >= len(escapes.ATTEMPTS)
    assert [(one["name"], one["harm"]) for one in told if one["harm"]] == []
    silent = [one["name"] for one in told if not (one["code"] or one["ended"] or one["output"])]
    assert set(silent) <= {
        "delete",
        "send a datagram",
        "write into /tmp",
        "a daemon, forked twice",
        "a reader of the pipe",
    }


@linux
@pytest.mark.parametrize("level", CONFINED)
def test_no_way_leads_out(level: Level, tmp_path: Path) -> None:
    need(level)
    (tmp_path / "root").mkdir()
    (tmp_path / "outside").mkdir()
    attempts([sys.executable, str(Path(escapes.__file__)), str(ROOT)], tmp_path, level)


@linux
@pytest.mark.skipif(not SYSTEM_PYTHON.exists() or os.name != "posix" or os.geteuid() != 0, reason="this is no root")
@pytest.mark.parametrize("level", CONFINED)
def test_no_way_leads_out_for_an_ordinary_user(level: Level, tmp_path_factory: pytest.TempPathFactory) -> None:
    """With the system's Python, as root's own may lie where nobody else may look."""
    need(level)
    version = subprocess.run([SYSTEM_PYTHON, "-c", "import sys; print(sys.version_info >= (3, 11))"], capture_output=True, text=True, check=True)  # fmt: skip  # noqa: E501
    if version.stdout.strip() != "True":
        pytest.skip("the system's Python is older than 3.11")
    home = Path(subprocess.run(["mktemp", "-d"], capture_output=True, text=True, check=True).stdout.strip())  # noqa: S607
    try:
        shutil.copytree(
            ROOT / "fusion_graph", home / "package" / "fusion_graph", ignore=shutil.ignore_patterns("__pycache__")
        )
        shutil.copy(escapes.__file__, home / "package")
        for name in ("root", "outside"):
            (home / name).mkdir()
        for path in (home, *home.rglob("*")):
            os.chown(path, NOBODY, NOBODY)
        command = [str(SYSTEM_PYTHON), str(home / "package" / "escapes.py"), str(home / "package")]
        attempts(command, home, level, user=NOBODY, group=NOBODY)
    finally:
        shutil.rmtree(home)


# --- what a command can do --------------------------------------------------------------------------------------------


@linux
@pytest.mark.parametrize("level", [*CONFINED, "none"])
async def test_a_command_works_in_its_folder(level: Level, tmp_path: Path) -> None:
    if level != "none":
        need(level)
    sandbox = Sandbox(level=level)
    ran = await sandbox.run("pwd; echo one > new; cat new; echo oops >&2; exit 3", tmp_path)
    assert (ran.code, ran.ended, ran.output) == (3, "", f"{tmp_path}\none\noops\n")
    assert (tmp_path / "new").read_text() == "one\n"


@linux
@pytest.mark.parametrize("level", CONFINED)
async def test_this_python_runs_a_test(level: Level, tmp_path: Path) -> None:
    (tmp_path / "test_it.py").write_text("def test_it():\n    assert 6 * 7 == 42\n")
    ran = await run(level, "python -m pytest -q -p no:cacheprovider", tmp_path)
    assert (ran.code, "1 passed" in ran.output) == (0, True), ran


@linux
@pytest.mark.parametrize("level", CONFINED)
async def test_output_is_cut_in_the_middle_and_says_so(level: Level, tmp_path: Path) -> None:
    ran = await run(level, "seq 100000", tmp_path, shown=1000)
    assert ran.output.startswith("1\n2\n")
    assert ran.output.endswith("\n100000\n")
    assert f"[... {588895 - 1000} bytes cut ...]" in ran.output


@linux
@pytest.mark.parametrize("level", [*CONFINED, "none"])
async def test_cancelling_ends_everything(level: Level, tmp_path: Path) -> None:
    """The command tells through a pipe that it runs; when the pipe ends, so has every process that held it."""
    if level != "none":
        need(level)
    os.mkfifo(tmp_path / "pipe")
    reader = os.open(tmp_path / "pipe", os.O_RDONLY | os.O_NONBLOCK)
    os.set_blocking(reader, True)
    command = "exec 9> pipe; echo on >&9; (trap '' TERM; sleep 1000) & sleep 1000"
    task = asyncio.create_task(Sandbox(level=level).run(command, tmp_path))
    stream = os.fdopen(reader, "rb")
    arrived = asyncio.Event()
    asyncio.get_running_loop().add_reader(reader, arrived.set)
    await asyncio.wait_for(arrived.wait(), 30)
    asyncio.get_running_loop().remove_reader(reader)
    assert await asyncio.to_thread(stream.readline) == b"on\n"
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await asyncio.to_thread(stream.read) == b""
    stream.close()


@linux
@pytest.mark.parametrize("level", CONFINED)
async def test_the_network_can_be_opened(level: Level, tmp_path: Path) -> None:
    need(level)
    met = asyncio.Event()

    def meet(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        met.set()
        writer.close()

    server = await asyncio.start_server(meet, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    ran = await Sandbox(level=level, network=True).run(f"exec 3<>/dev/tcp/127.0.0.1/{port}", tmp_path)
    assert (ran.code, met.is_set()) == (0, True), ran
    server.close()


@linux
async def test_with_bubblewrap_the_folders_keys_and_git_are_out_of_reach(tmp_path: Path) -> None:
    (tmp_path / ".git").mkdir()
    (tmp_path / SECRETS[0]).write_text("KEY=1\n")
    ran = await run("bubblewrap", "cat .env; echo x > .git/config || echo kept", tmp_path)
    assert "KEY" not in ran.output
    assert ran.output.endswith("kept\n")


# --- which level ------------------------------------------------------------------------------------------------------


def test_without_a_sandbox_bash_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing works here: as on a kernel that is too old."""
    monkeypatch.setattr(levels, "_bubblewrap", lambda: "not installed")
    monkeypatch.setattr(levels, "_no_landlock", lambda: "the kernel has version 1, 3 is needed")
    assert find_sandbox() is None
    with pytest.raises(UsageError, match="no sandbox for bash here: bubblewrap: not installed; Landlock: the kernel"):
        require_sandbox()
    if sys.platform == "linux":
        assert require_sandbox(unsafe=True).level == "none"
        assert "nothing is confined" in require_sandbox(unsafe=True).told


def test_every_level_says_what_it_does() -> None:
    assert Sandbox(level="bubblewrap").told.endswith("network off")
    assert Sandbox(level="landlock", network=True).told.endswith("network on")
    assert Sandbox(level="none").told.endswith("network not confined")


@linux
async def test_a_jail_that_cannot_be_closed_runs_nothing(tmp_path: Path) -> None:
    """A folder that is not there: the command must not run elsewhere."""
    sandbox = Sandbox(level="none")
    ran = await sandbox.run("echo ran", tmp_path / "gone")
    assert ran.code == 126
    assert "the sandbox could not be closed" in ran.output


@pytest.mark.parametrize("name", seccomp.MACHINES)
@pytest.mark.parametrize("open_paths", [True, False])
def test_the_filter_is_a_program_that_ends(name: str, open_paths: bool) -> None:
    """Every jump leads to a line of it, and its last line returns."""
    program = seccomp.write_filter(seccomp.MACHINES[name], {2}, paths_are_open=open_paths, one_group=open_paths)
    lines = list(struct.iter_unpack("=HBBI", program))
    assert lines[-1][0] == 0x06
    assert all(at + 1 + max(yes, no) < len(lines) for at, (code, yes, no, _) in enumerate(lines) if code & 0x05 == 0x05)
    assert len(lines) < 4096


def test_this_processor_is_known() -> None:
    if platform.machine() not in seccomp.MACHINES:
        pytest.skip(f"no numbers for {platform.machine()}")
    assert seccomp.MACHINES[platform.machine()].socket in (41, 198)
