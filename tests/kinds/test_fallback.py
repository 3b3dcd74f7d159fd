"""fallback: the first usable option; of a group, one draft."""

from __future__ import annotations

from typing import Any

import pytest

from fusion_graph.contracts import Input, WaitFirst
from fusion_graph.errors import NodeFailed
from fusion_graph.graph.structure import problems
from fusion_graph.kinds.fallback import KIND
from fusion_graph.outputs import Drafts, Gives, Scores, Vote
from fusion_graph.pipeline import Edge, NodeId, NodeSpec
from tests.kinds.scripted import Scripted, draft, inputs, make_node, run

GROUP = Drafts((draft("a", "short"), draft("b", "the longest one"), draft("c", "the longest two")))


async def picked(sources: list[Input], **options: Any) -> tuple[str, list[str]]:
    ctx = Scripted(make_node(KIND, **options), sources)
    found = await run(ctx)
    return found.node, [reason for reason, _, _ in ctx.degraded]


async def test_single_draft_is_handed_on_untouched() -> None:
    one = draft("writer")
    assert await run(Scripted(make_node(KIND), inputs(answer=one))) is one


async def test_vote_is_handed_on_as_its_draft() -> None:
    one = draft("votes/2")
    assert await run(Scripted(make_node(KIND), inputs(vote=Vote(draft=one, agreement=1.0, margin=1.0)))) is one


@pytest.mark.parametrize(("pick", "node"), [("first", "a"), ("longest", "b")])
async def test_pick_chooses_from_a_group(pick: str, node: str) -> None:
    assert await picked(inputs(panel=GROUP), pick=pick) == (node, [])


async def test_first_is_the_default() -> None:
    """semantics 2: `pick` defaults to `best_score` if it has such a judge, else `first`."""
    assert await picked(inputs(panel=GROUP)) == ("a", [])


async def test_best_score_is_the_default_with_a_judge() -> None:
    scores = Scores(mode="score", by_node={"a": 1.0, "b": 2.0, "c": 9.0})
    assert await picked(inputs(panel=GROUP, ranking=scores)) == ("c", [])
    assert await picked(inputs(panel=GROUP, ranking=scores), pick="first") == ("a", [])


async def test_several_judges_give_the_median() -> None:
    """semantics 2: several judges: median score."""
    judges = {f"j{i}": Scores(mode="score", by_node={"a": a, "b": 5.0}) for i, a in enumerate((9.0, 1.0, 2.0))}
    assert await picked(inputs(panel=GROUP, **judges)) == ("b", [])


async def test_absent_scores_mean_given_order_and_are_told() -> None:
    """semantics 2: absent at run time: given order, degraded."""
    assert await picked(inputs(panel=GROUP), pick="best_score") == ("a", ["no_scores"])
    others = Scores(mode="score", by_node={"elsewhere": 9.0})
    assert await picked(inputs(panel=GROUP, ranking=others)) == ("a", ["no_scores"])


async def test_majority_compares_answers() -> None:
    """semantics 1: majority only compares answers; a tie goes to the earliest."""
    group = Drafts((draft("a", answer="1"), draft("b", answer="2"), draft("c", answer="2"), draft("d")))
    assert await picked(inputs(panel=group), pick="majority") == ("b", [])
    tied = Drafts((draft("a"), draft("b", answer="2"), draft("c", answer="1")))
    assert await picked(inputs(panel=tied), pick="majority") == ("b", [])


async def test_majority_without_answers_is_told() -> None:
    assert await picked(inputs(panel=GROUP), pick="majority") == ("a", ["no_answers"])


async def test_picked_draft_is_verbatim() -> None:
    found = await run(Scripted(make_node(KIND, pick="longest"), inputs(panel=GROUP)))
    assert found is GROUP.items[1]


async def test_nothing_chosen_is_no_input() -> None:
    with pytest.raises(NodeFailed, match="no_input"):
        await run(Scripted(make_node(KIND)))


def findings(types: dict[str, Gives], **options: Any) -> list[tuple[str, str]]:
    edges = tuple(Edge(NodeId(name)) for name in types)
    spec = NodeSpec(id=NodeId("final"), kind="fallback", inputs=edges, options=options)
    return [(code, where) for code, where, _ in KIND.check(spec, types)]


@pytest.mark.parametrize(
    ("types", "options", "codes"),
    [
        ({"a": "draft", "p": "drafts"}, {}, []),
        ({"p": "drafts", "s": "scores"}, {"pick": "best_score"}, []),
        ({"p": "drafts"}, {"pick": "best_score"}, [("FG403", "/pick")]),
        ({"a": "draft"}, {"pick": "longest"}, [("FG405", "/pick")]),
        ({"s": "scores"}, {}, [("FG304", "/inputs")]),
        ({"a": "draft", "p": "drafts"}, {"hedge_after_s": 2}, [("FG405", "/inputs/1")]),
        ({"a": "draft", "b": "draft"}, {"hedge_after_s": 2}, []),
    ],
)
def test_options_need_fitting_inputs(types: dict[str, Gives], options: dict[str, Any], codes: list[Any]) -> None:
    """semantics 2: best_score takes scores of own inputs, else load error; reducers hold for groups only.
    semantics 3: hedged options must be model-call nodes."""
    assert findings(types, **options) == codes


def test_it_waits_for_the_first() -> None:
    assert KIND.wait(KIND.parse({})) == WaitFirst()
    assert KIND.wait(KIND.parse({"hedge_after_s": 4})) == WaitFirst(hedge_after_s=4)
    assert KIND.calls(make_node(KIND), 9) == (0, 0)


def test_schema_says_what_goes() -> None:
    assert not problems(KIND.schema["hedge_after_s"], 0.5)
    assert problems(KIND.schema["hedge_after_s"], 0)
    assert problems(KIND.schema["pick"], "best")
