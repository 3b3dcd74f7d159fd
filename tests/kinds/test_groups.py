"""Joins: one list of drafts."""

from __future__ import annotations

import pytest

from fusion_graph.kinds._groups import join, parse_quorum
from fusion_graph.outputs import Draft, Drafts, Vote
from tests.kinds.scripted import Scripted, draft, drafts, inputs, make_node


def joined(**values: Draft | Drafts | Vote) -> list[str]:
    ctx = Scripted(make_node("layer"), inputs(**values))
    return [d.node for d in join(ctx).items]


def test_drafts_stand_in_member_order() -> None:
    """semantics 1: drafts in a join stand in member order."""
    assert joined(z=draft("z"), a=draft("a"), m=draft("m")) == ["z", "a", "m"]


def test_groups_are_flattened() -> None:
    assert joined(one=drafts("a", "b"), two=draft("c"), three=drafts("d")) == ["a", "b", "c", "d"]


def test_same_draft_comes_once() -> None:
    """semantics 2: the same draft arriving twice is shown once."""
    vote = Vote(draft=draft("b"), agreement=1.0, margin=1.0)
    assert joined(one=drafts("a", "b"), again=draft("a"), vote=vote) == ["a", "b"]


def test_drafts_keep_their_writer() -> None:
    """semantics 2: a draft keeps the id of the node that wrote it through joins."""
    one = draft("deep/writer", answer="42")
    assert join(Scripted(make_node("layer"), inputs(x=one))).items[0] is one


@pytest.mark.parametrize(("written", "quorum"), [(None, None), ("all", 0), (3, 3)])
def test_quorum_is_read(written: str | int | None, quorum: int | None) -> None:
    """semantics 2: n = go on with n; all = every member; absent = wait for all, need one."""
    assert parse_quorum({} if written is None else {"quorum": written}) == quorum


def test_thousand_members_join() -> None:
    assert len(joined(**{f"m{i}": draft(f"m{i}") for i in range(1000)})) == 1000
