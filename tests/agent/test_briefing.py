from __future__ import annotations

from pathlib import Path

from fusion_graph.agent.briefing import MOST, brief
from fusion_graph.tools._files.workspace import Workspace
from fusion_graph.tools._site import Site
from tests.agent.desk import box_for
from tests.agent.engineer import git, make_project


async def test_instructions_and_git_are_told(tmp_path: Path) -> None:
    project = make_project(tmp_path / "project")
    told = await brief(box_for(project).site)
    assert "The project's instructions (AGENTS.md):\n\nType everything." in told
    assert "## main" in told


async def test_a_repository_cannot_run_its_own_programs(tmp_path: Path) -> None:
    """git obeys settings of the repository; whatever they start is in the sandbox, and outside nothing happens."""
    project = make_project(tmp_path / "project")
    git(project, "config", "core.fsmonitor", f"touch {tmp_path}/ran")
    git(project, "config", "filter.x.clean", f"touch {tmp_path}/ran")
    (project / ".gitattributes").write_text("* filter=x\n")
    await brief(box_for(project).site)
    assert not (tmp_path / "ran").exists()


async def test_long_instructions_are_cut_and_a_bare_folder_has_none(tmp_path: Path) -> None:
    site = Site(workspace=Workspace(tmp_path))
    assert "instructions (" not in await brief(site)
    (tmp_path / "AGENTS.md").write_text("x" * (MOST + 5))
    assert "[... 5 characters cut ...]" in await brief(site)
