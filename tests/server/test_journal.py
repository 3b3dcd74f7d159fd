"""`serve --journal`: runs of a server are written down as those of the command line are."""

from __future__ import annotations

from pathlib import Path

import pytest

from fusion_graph.server._auth import Key, digest_of
from fusion_graph.store.cache import FILE as CACHE_FILE
from fusion_graph.store.cache import Cache
from fusion_graph.store.caches import Caches
from fusion_graph.store.database import reading
from fusion_graph.store.history import read_run
from fusion_graph.store.journal import FILE, Journal
from fusion_graph.store.listing import find_run, list_runs
from fusion_graph.store.tables import JOURNAL
from tests.server.stand import stand, text_of


@pytest.mark.parametrize("stream", [False, True])
async def test_run_is_written_down(stream: bool, tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    async with stand(journal=journal) as at:
        if stream:
            assert text_of(await at.stream()) == "The written answer."
        else:
            assert (await at.ask())[0] == 200
    journal.close()
    with reading(tmp_path / FILE, JOURNAL) as connection:
        (line,) = list_runs(connection, most=9)
        run = read_run(connection, find_run(connection, "last"))
    assert (line.command, line.pipeline, line.state, line.attempts) == ("serve", "fusion", "ok", 4)
    assert run.document is not None
    assert run.document["answer"] == "The written answer."
    assert {node.node: node.state for node in run.nodes}["final"] == "ok"


async def test_tool_turn_is_written_down_too(tmp_path: Path) -> None:
    """Only the writer runs; its nodes are numbered anew."""
    turn = [
        {"role": "user", "content": "Why?"},
        {"role": "assistant", "content": None,
         "tool_calls": [{"id": "c1", "type": "function", "function": {"name": "f", "arguments": "{}"}}]},
        {"role": "tool", "tool_call_id": "c1", "content": "42"},
    ]  # fmt: skip
    journal = Journal(tmp_path)
    async with stand(journal=journal) as at:
        assert (await at.ask(messages=turn))[0] == 200
    journal.close()
    with reading(tmp_path / FILE, JOURNAL) as connection:
        run = read_run(connection, find_run(connection, "last"))
    assert [(a.node, a.state) for a in run.attempts] == [("answer", "ok")]


def listed(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir()]


CACHED = """
version: 1
name: kept
nodes:
  answer: {kind: proposer, model: a/x, cache: true}
output: answer
"""


async def test_every_key_has_replies_of_its_own(tmp_path: Path) -> None:
    """A node that says `cache` is answered from what the same key has paid for, and from nobody else's."""
    keys = [Key(digest=digest_of(name * 20), name=name) for name in "ab"]
    caches = Caches(lambda: Cache(tmp_path))
    async with stand(None, CACHED, keys=keys, caches=caches) as at:
        for name in "aab":
            status, _ = await at.ask(model="kept", headers={"Authorization": f"Bearer {name * 20}"})
            assert status == 200
        assert len(at.upstream.sim.received) == 2
    caches.close()
    assert CACHE_FILE in listed(tmp_path)


async def test_nobody_asks_for_a_cache(tmp_path: Path) -> None:
    async with stand(caches=Caches(lambda: Cache(tmp_path))) as at:
        assert (await at.ask())[0] == 200
    assert listed(tmp_path) == []


async def test_journal_that_cannot_be_written_keeps_nobody_waiting(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    journal = Journal(tmp_path / "file")
    assert journal.off
    async with stand(journal=journal) as at:
        assert (await at.ask())[0] == 200
    journal.close()
