"""The table, and a registry made of it."""

from __future__ import annotations

import asyncio
from pathlib import Path

from fusion_graph.tools import TOOLS, default_registry
from fusion_graph.tools._site import Site


def test_without_a_word_nothing_local_is_allowed() -> None:
    box = default_registry()
    assert set(box.tools) == {name for name, tool in TOOLS.items() if not tool.local}
    assert not {"bash", "read_file", "write_file"} & set(box.tools)
    assert isinstance(box.site, Site)
    assert TOOLS["council"].lacks(box.site) == "no council was set up here"
    assert TOOLS["read_file"].lacks(box.site) == "no folder was opened to tools"


def test_a_search_function_takes_the_place_of_a_service() -> None:
    box = default_registry(search_fn=lambda query: [{"title": query, "url": "http://x.test", "snippet": "words"}])
    assert asyncio.run(_search(box.site, "hello")) == "1. hello\nhttp://x.test\nwords"


async def _search(site: Site, query: str) -> str:
    return await TOOLS["web_search"].run({"query": query}, site)


def test_a_folder_and_names(tmp_path: Path) -> None:
    box = default_registry(root=tmp_path, allow=["read_file", "bash"])
    assert list(box.tools) == ["read_file", "bash"]
    assert box.tools["read_file"].lacks(box.site) == ""
    assert box.tools["bash"].lacks(box.site) == "no sandbox was set up"


def test_every_schema_is_closed() -> None:
    for tool in TOOLS.values():
        assert tool.parameters["additionalProperties"] is False
        assert tool.description
