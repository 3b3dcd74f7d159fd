"""The cross-run cache: what it gives, what it never keeps, what it forgets."""

from __future__ import annotations

from pathlib import Path

import pytest

from fusion_graph.messages import Completion
from fusion_graph.pipeline import Node
from fusion_graph.store.cache import FILE, Cache
from tests.engine.stage import Stage, states
from tests.graph.walk import bound_of
from tests.store.keeping import PANEL, written

NOW = 1_800_000_000.0


def node(cache: str = "") -> Node:
    return bound_of(f"one: {{kind: proposer, model: m/a{cache}}}").nodes[0]


class Kept:
    """A cache with a clock in hand."""

    def __init__(self, folder: Path, **options: object) -> None:
        self.now = NOW
        told = {"everywhere": True, **options}
        self.cache = Cache(folder, clock=lambda: self.now, **told)  # type: ignore[arg-type]

    def reopened(self, folder: Path, **options: object) -> Kept:
        self.cache.close()
        return Kept(folder, **options)


def said(cache: Cache, digest: str = "d", at: Node | None = None) -> str | None:
    found = cache.find(at or node(), digest)
    return found.completion.text if found else None


def test_kept_reply_is_found_by_a_later_run(tmp_path: Path) -> None:
    one = Kept(tmp_path)
    one.cache.keep(node(), "d", Completion(text="yes"))
    other = one.reopened(tmp_path)
    assert said(other.cache) == "yes"
    assert said(other.cache, "another") is None
    other.cache.close()


@pytest.mark.parametrize(
    "completion",
    [
        Completion(text=""),
        Completion(text="cut", finish_reason="length"),
        Completion(text="no", finish_reason="content_filter"),
        Completion(text="no", refusal="I will not"),
    ],
)
def test_what_was_cut_refused_or_blank_is_never_kept(completion: Completion, tmp_path: Path) -> None:
    one = Kept(tmp_path)
    one.cache.keep(node(), "d", completion)
    other = one.reopened(tmp_path)
    assert said(other.cache) is None
    other.cache.close()


def test_old_reply_is_not_taken(tmp_path: Path) -> None:
    one = Kept(tmp_path, ttl_s=100)
    one.cache.keep(node(), "d", Completion(text="yes"))
    other = one.reopened(tmp_path, ttl_s=100)
    other.now = NOW + 99
    assert said(other.cache) == "yes"
    assert said(other.cache, at=node(", cache: {ttl_s: 50}")) is None
    other.now = NOW + 101
    assert said(other.cache) is None
    other.cache.close()


def test_key_never_gets_what_another_bought(tmp_path: Path) -> None:
    one = Kept(tmp_path, tenant="anna")
    one.cache.keep(node(), "d", Completion(text="yes"))
    other = one.reopened(tmp_path, tenant="bert")
    assert said(other.cache) is None
    other.cache.close()


def test_node_may_have_it_alone_or_not_at_all(tmp_path: Path) -> None:
    one = Kept(tmp_path, everywhere=False)
    one.cache.keep(node(), "d", Completion(text="no"))
    one.cache.keep(node(", cache: true"), "e", Completion(text="yes"))
    other = one.reopened(tmp_path, everywhere=True)
    assert (said(other.cache), said(other.cache, "e")) == (None, "yes")
    assert said(other.cache, "e", node(", cache: false")) is None
    other.cache.close()


def test_oldest_go_when_it_is_too_large(tmp_path: Path) -> None:
    one = Kept(tmp_path, max_bytes=2_500)
    for name in "abc":
        one.cache.keep(node(), name, Completion(text=name * 1_000))
        one.now += 1
    other = one.reopened(tmp_path)
    assert [said(other.cache, name) is not None for name in "abc"] == [False, True, True]
    other.cache.close()


def test_broken_file_is_an_empty_cache(tmp_path: Path) -> None:
    (tmp_path / FILE).write_bytes(b"no database" * 1_000)
    one = Kept(tmp_path)
    one.cache.keep(node(), "d", Completion(text="yes"))
    assert said(one.cache) is None
    assert one.cache.off
    one.cache.close()


async def test_run_takes_what_another_bought(tmp_path: Path) -> None:
    """Its nodes are `cached`, and only calls that differ are made."""
    cache = Cache(tmp_path, everywhere=True)
    first = await written(Stage({"m/w": "done"}), tmp_path, run="a" * 16, cache=cache)
    cache.close()
    cache, stage = Cache(tmp_path, everywhere=True), Stage()
    again = await written(stage, tmp_path, PANEL, run="b" * 16, cache=cache)
    cache.close()
    assert (stage.asked, again.text, again.cost_usd) == ([], first.text, 0.0)
    assert states(again)["panel/a"] == "cached"
