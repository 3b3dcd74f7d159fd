"""A folder for tools: every way that leads out of it is refused, in words that help."""

from __future__ import annotations

import os
import shutil
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from fusion_graph.errors import ToolError, UsageError
from fusion_graph.tools._files.workspace import Workspace

SECRET = "outside"


@pytest.fixture
def hostile(root: Path, tmp_path: Path) -> Path:
    """The folder with all kinds of things in it that lead out."""
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "secret").write_text(SECRET)
    (root / "link").symlink_to(outside / "secret")
    (root / "folder_link").symlink_to(outside)
    (root / "loop").symlink_to("loop")
    (root / "chain").symlink_to("link")
    (root / "proc").symlink_to("/proc/self/root")
    (root / "up").symlink_to("..")
    os.link(outside / "secret", root / "hard")
    os.mkfifo(root / "pipe")
    (root / ".env").write_text("KEY=1")
    (root / ".git").mkdir()
    return root


OUT = {
    "../outside/secret": "holds `..`",
    "src/../../outside/secret": "holds `..`",
    "..": "holds `..`",
    "/etc/passwd": "outside the folder",
    "/proc/self/environ": "outside the folder",
    "/proc/self/cwd/README.md": "outside the folder",
    "/dev/stdin": "outside the folder",
    "~/secret": "outside the folder",
    "~root/x": "outside the folder",
    "link": "symbolic link",
    "chain": "symbolic link",
    "loop": "symbolic link",
    "folder_link/secret": "symbolic link",
    "proc/etc/passwd": "symbolic link",
    "up/outside/secret": "symbolic link",
    "./folder_link/./secret": "symbolic link",
    "hard": "hard link",
    "pipe": "not a regular file",
    "README.md/x": "not a folder",
    "a\0b": "not a path",
    "x" * 5000: "not a path",
    "": "the folder itself",
    ".": "the folder itself",
    "/": "outside the folder",
}


@pytest.mark.parametrize("path", OUT, ids=lambda path: ascii(path)[:30])
@pytest.mark.parametrize("act", ["read", "write"])
def test_no_path_leads_out(hostile: Path, tmp_path: Path, path: str, act: str) -> None:
    space = Workspace(hostile)
    work: Callable[[], object] = (
        (lambda: space.read_text(path)) if act == "read" else (lambda: space.write_text(path, "x"))
    )
    with pytest.raises(ToolError, match=OUT[path]):
        work()
    assert (tmp_path / "outside" / "secret").read_text() == SECRET
    assert sorted(p.name for p in (tmp_path / "outside").iterdir()) == ["secret"]


@pytest.mark.parametrize("path", ["..", "folder_link", "/", "/proc/self", "proc", "up"])
def test_no_folder_outside_is_listed(hostile: Path, path: str) -> None:
    with pytest.raises(ToolError):
        Workspace(hostile).list_folder(path)


@pytest.mark.parametrize("path", [".git/hooks/pre-commit", "src/.git/config", ".git"])
def test_git_is_not_written_to(hostile: Path, path: str) -> None:
    with pytest.raises(ToolError, match=r"\.git is not written to"):
        Workspace(hostile).write_text(path, "x")


def test_keys_are_not_read(hostile: Path) -> None:
    with pytest.raises(ToolError, match="may hold keys"):
        Workspace(hostile).read_text(".env")
    (hostile / ".env.example").write_text("KEY=")
    assert Workspace(hostile).read_text(".env.example") == "KEY="


def test_a_race_of_links_leads_nowhere(root: Path, tmp_path: Path) -> None:
    """A folder that is swapped for a link all the time: what is read or written is always inside."""
    outside, inside = tmp_path / "outside", root / "swap"
    outside.mkdir()
    (outside / "file").write_text(SECRET)
    space, over = Workspace(root), threading.Event()

    def swap() -> None:
        """A folder, nothing, a link out of it, nothing, over and over."""
        full = root / "full"
        full.mkdir()
        (full / "file").write_text("inside")
        steps = (
            lambda: full.rename(inside),
            lambda: inside.rename(full),
            lambda: inside.symlink_to(outside),
            inside.unlink,
            lambda: shutil.rmtree(inside),  # the writer makes it when it is not there
        )
        while not over.is_set():
            for step in steps:
                with suppress(OSError):
                    step()

    thread = threading.Thread(target=swap)
    thread.start()
    try:
        for _ in range(2000):
            try:
                assert space.read_text("swap/file") in ("inside", "")
                space.write_text("swap/file", "inside")
            except ToolError:
                continue
    finally:
        over.set()
        thread.join()
    assert (outside / "file").read_text() == SECRET
    assert [path.name for path in outside.iterdir()] == ["file"]


def test_the_folder_may_be_swapped_for_another(root: Path, tmp_path: Path) -> None:
    """It was opened once: what is called by its name later is not it."""
    space = Workspace(root)
    (tmp_path / "other").mkdir()
    root.rename(tmp_path / "away")
    (tmp_path / "other").rename(root)
    space.write_text("new", "x")
    assert (tmp_path / "away" / "new").exists()
    assert not (root / "new").exists()


@pytest.mark.parametrize("folder", ["/", "/proc/self", "/sys", "/dev", "/nowhere"])
def test_not_every_folder_can_be_opened(folder: str) -> None:
    with pytest.raises(UsageError):
        Workspace(folder)


def test_reading_and_writing(root: Path) -> None:
    space = Workspace(root)
    assert space.read_text("README.md").startswith("# Title")
    assert space.read_text(f"{root}/README.md") == space.read_text("./README.md")
    space.write_text("a/b/c.txt", "new")
    assert (root / "a" / "b" / "c.txt").read_text() == "new"
    (root / "run.sh").write_text("old")
    (root / "run.sh").chmod(0o755)
    space.write_text("run.sh", "new")
    assert (root / "run.sh").stat().st_mode & 0o777 == 0o755
    assert sorted(p.name for p in root.iterdir() if p.name.startswith(".run")) == []


@pytest.mark.parametrize(
    ("content", "told"), [(b"a\0b", "binary"), (b"\xff\xfe", "not UTF-8"), (b"x" * 10_000_001, "larger")]
)
def test_what_is_no_text_is_said_so(root: Path, content: bytes, told: str) -> None:
    (root / "odd").write_bytes(content)
    with pytest.raises(ToolError, match=told):
        Workspace(root).read_text("odd")


def test_listing_names_links_and_follows_none(hostile: Path) -> None:
    kinds = {entry.name: entry.kind for entry in Workspace(hostile).list_folder()}
    assert (kinds["link"], kinds["folder_link"], kinds["pipe"], kinds["src"]) == ("link", "link", "other", "folder")
