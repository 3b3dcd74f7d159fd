"""What a command line allows."""

from __future__ import annotations

from pathlib import Path

import pytest

from fusion_graph.errors import UsageError
from fusion_graph.settings import Settings, load
from fusion_graph.toolbox import NO_TOOLS
from fusion_graph.tools import TOOLS
from fusion_graph.tools._sandbox.levels import find_sandbox
from fusion_graph.wiring import pipelines, tools
from fusion_graph.wiring.tools import Allowed, server_toolbox, toolbox, toolbox_for

WEB = ["web_search", "web_fetch"]


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return load({}, tmp_path)


def test_tools_of_the_web_need_no_word_and_others_do(settings: Settings, tmp_path: Path) -> None:
    assert list(toolbox(settings, Allowed()).tools) == WEB
    box = toolbox(settings, Allowed(names=("read_file,edit_file", "list_files"), root=str(tmp_path)))
    assert set(box.tools) == {*WEB, "read_file", "edit_file", "list_files"}
    assert box.tools["read_file"].lacks(box.site) == ""


def test_all_means_all(settings: Settings, tmp_path: Path) -> None:
    if find_sandbox() is None:
        pytest.skip("no sandbox here")
    assert set(toolbox(settings, Allowed(names=("all",), root=str(tmp_path))).tools) == set(TOOLS)


def test_unknown_names_and_folders_are_told(settings: Settings) -> None:
    with pytest.raises(UsageError, match="there is no tool read_fil") as caught:
        toolbox(settings, Allowed(names=("read_fil",)))
    assert caught.value.hint == "did you mean read_file?"
    with pytest.raises(UsageError, match="cannot be opened"):
        toolbox(settings, Allowed(names=("read_file",), root="/nowhere"))


async def test_a_server_opens_the_web_and_nothing_of_its_machine(settings: Settings) -> None:
    assert list((await server_toolbox(settings, ())).tools) == []
    assert list((await server_toolbox(settings, ("web_search",))).tools) == ["web_search"]
    assert list((await server_toolbox(settings, ("all",))).tools) == WEB
    with pytest.raises(UsageError, match="does not open its machine to strangers"):
        await server_toolbox(settings, ("web_fetch,bash",))


async def test_a_server_may_open_the_tools_of_mcp_servers_by_name(settings: Settings) -> None:
    with pytest.raises(UsageError, match="there is no MCP server shop"):
        await server_toolbox(settings, ("web_search,mcp:shop",))
    with pytest.raises(UsageError, match="names no tool"):
        await server_toolbox(settings, ("mcp:Shop/x",))


async def test_a_pipeline_without_tools_sets_up_nothing(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tools, "toolbox", lambda *_: pytest.fail("tools were set up"))
    bound = pipelines.bind(pipelines.load("budget"))
    assert await toolbox_for(bound, settings, Allowed(names=("bash",))) is NO_TOOLS


def test_settings_choose_the_search_and_block_domains(tmp_path: Path) -> None:
    (tmp_path / "fusiongraph.toml").write_text('[tools]\nsearch = "brave"\nblocked_domains = ["evil.test"]\n')
    found = load({"BRAVE_API_KEY": "b", "TAVILY_API_KEY": "t"}, tmp_path)
    assert (found.search, found.blocked_domains) == ("brave", ("evil.test",))
    assert toolbox(found, Allowed()).site.web.blocked == ("evil.test",)
    with pytest.raises(UsageError, match="searching with brave needs BRAVE_API_KEY"):
        toolbox(load({}, tmp_path), Allowed())
    (tmp_path / "fusiongraph.toml").write_text('[tools]\nsearch = "altavista"\n')
    with pytest.raises(UsageError, match="no search service altavista"):
        toolbox(load({}, tmp_path), Allowed())
    (tmp_path / "fusiongraph.toml").write_text("[tools]\nblocked_domains = [1]\n")
    with pytest.raises(UsageError, match="must be a list of domains"):
        load({}, tmp_path)
