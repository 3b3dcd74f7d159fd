"""A dirty tree is never lost."""

from __future__ import annotations

from pathlib import Path

import pytest

from fusion_graph.agent.checkpoint import Checkpoints
from fusion_graph.errors import ToolError, UsageError
from tests.agent.engineer import APP, git, make_project


async def test_what_was_done_is_undone_and_nothing_else(tmp_path: Path) -> None:
    project = make_project(tmp_path / "project")
    (project / "app.py").write_text(APP + "# mine\n")
    git(project, "add", "app.py")
    before = git(project, "status", "--short"), git(project, "log", "--oneline"), git(project, "stash", "list")
    points = Checkpoints(root=project, session="s")
    await points.check()
    await points.keep()
    assert "refs/fusion_graph/s/1" in git(project, "for-each-ref")
    (project / "app.py").write_text("broken")
    (project / "notes.txt").unlink()
    (project / "new.py").write_text("new")
    assert sorted(await points.put_back()) == ["app.py", "new.py", "notes.txt"]
    assert (project / "app.py").read_text() == APP + "# mine\n"
    assert (project / "notes.txt").read_text() == "not committed\n"
    assert not (project / "new.py").exists()
    assert (
        git(project, "status", "--short"),
        git(project, "log", "--oneline"),
        git(project, "stash", "list"),
    ) == before


async def test_what_is_undone_can_still_be_found(tmp_path: Path) -> None:
    project = make_project(tmp_path / "project")
    points = Checkpoints(root=project, session="s")
    await points.keep()
    (project / "app.py").write_text("work of an hour")
    await points.put_back()
    undone = git(project, "for-each-ref", "--format=%(objectname)", "refs/fusion_graph/s/undone/")
    assert git(project, "show", f"{undone}:app.py") == "work of an hour"


async def test_a_session_that_goes_on_finds_its_checkpoints(tmp_path: Path) -> None:
    project = make_project(tmp_path / "project")
    first = Checkpoints(root=project, session="s")
    for text in ("one", "two", "three"):
        await first.keep()
        (project / "app.py").write_text(text)
    await first.put_back()
    again = Checkpoints(root=project, session="s")
    await again.recall()
    assert again.kept == first.kept
    await again.put_back()
    assert (project / "app.py").read_text() == "one"
    await again.put_back()
    assert (project / "app.py").read_text() == APP
    assert "refs/fusion_graph/s/1" not in git(project, "for-each-ref")


async def test_where_nothing_was_kept_nothing_is_found(tmp_path: Path) -> None:
    points = Checkpoints(root=tmp_path, session="s")
    await points.recall()
    assert points.kept == []


async def test_a_folder_inside_a_repository_leaves_the_rest_alone(tmp_path: Path) -> None:
    project = make_project(tmp_path / "project")
    (project / "part").mkdir()
    (project / "part" / "x").write_text("1")
    points = Checkpoints(root=project / "part", session="s")
    await points.keep()
    (project / "part" / "x").write_text("2")
    (project / "app.py").write_text("outside of the folder")
    assert await points.put_back() == ["x"]
    assert (project / "app.py").read_text() == "outside of the folder"
    assert (project / "part" / "x").read_text() == "1"


async def test_a_repository_without_a_commit(tmp_path: Path) -> None:
    git(tmp_path, "init", "-q")
    (tmp_path / "x").write_text("1")
    points = Checkpoints(root=tmp_path, session="s")
    await points.keep()
    (tmp_path / "x").write_text("2")
    assert await points.put_back() == ["x"]
    assert (tmp_path / "x").read_text() == "1"
    with pytest.raises(ToolError, match="no checkpoint"):
        await points.put_back()


async def test_without_a_repository_it_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="in no git repository"):
        await Checkpoints(root=tmp_path, session="s").check()
