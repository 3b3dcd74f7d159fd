"""The door a kind works through, tried by a kind made for it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

from fusion_graph.contracts import Ask, Calls, Kind, NodeContext
from fusion_graph.engine.context import Context
from fusion_graph.engine.report import RunResult
from fusion_graph.engine.request import RunRequest
from fusion_graph.engine.run import Run
from fusion_graph.errors import NodeFailed, Permanent
from fusion_graph.events import CallStarted
from fusion_graph.graph.binding import bind
from fusion_graph.kinds import KINDS
from fusion_graph.messages import Completion, Message
from fusion_graph.outputs import Draft, Value
from fusion_graph.pipeline import ParamSpec, Pipeline
from tests.engine.stage import Stage, entries
from tests.graph.walk import spec

Play = Callable[[NodeContext], Awaitable[Value]]


async def play(run: Play, stage: Stage | None = None, **request: Any) -> RunResult:
    """Two proposers, then a node whose kind does what the test says."""
    kind = Kind(
        name="probe",
        summary="tries the door",
        takes=frozenset({"draft"}),
        gives=lambda _options: "draft",
        parse=lambda _options: None,
        calls=lambda _node, _drafts: Calls(0, 9),
        writes=True,
        run=run,
    )
    probe = replace(spec("probe", inputs=["a", "b"]), kind="probe")
    params = {"k": ParamSpec(name="k", schema={"type": "integer"}, default=4)}
    nodes = (spec("a", model="m/a"), spec("b", model="m/b"), probe)
    pipeline = Pipeline(name="test", nodes=nodes, output=probe.id, params=params)
    return await (stage or Stage({"m/a": "alpha", "m/b": "beta", "m/probe": "mine"})).run(
        bind(pipeline, {**KINDS, "probe": kind}), **request
    )


def ask(text: str) -> Ask:
    return Ask((Message("user", text),))


async def test_door_shows_what_the_node_may_see() -> None:
    seen: dict[str, Any] = {}

    async def run(ctx: NodeContext) -> Draft:
        seen.update(
            question=ctx.question,
            turns=[m.text for m in ctx.conversation],
            inputs=[(i.id, getattr(i.value, "text", "")) for i in ctx.inputs],
            params=dict(ctx.params),
            node=ctx.node.id,
        )
        return Draft(text="done", node=ctx.node.id)

    talk = (Message("user", "one"), Message("assistant", "two"), Message("user", "three"))
    result = await play(run, messages=talk)
    assert result.text == "done"
    assert seen == {
        "question": "three",
        "turns": ["one", "two", "three"],
        "inputs": [("a", "alpha"), ("b", "beta")],
        "params": {"k": 4},
        "node": "probe",
    }


async def test_only_what_all_see_is_shared() -> None:
    """A writer's conversation has the tool turns as they came; who is no writer must not get its prompt."""
    turns = (Message("user", "Why?"), Message("tool", "42", tool_call_id="t"), Message("user", "And?"))
    stage = Stage({"*": "text"})
    aside = "aside: {kind: proposer, model: m/a, system: x}\n"
    await stage.run(aside + "writer: {kind: proposer, model: m/w, system: x, after: [aside]}", messages=turns)
    roles = {call.model: [m.role for m in call.messages] for call in stage.sim.received}
    assert ("tool" in roles["m/a"], "tool" in roles["m/w"]) == (False, True)


async def test_labels_and_ranks_agree() -> None:
    found: list[tuple[int, str]] = []

    async def run(ctx: NodeContext) -> Draft:
        drafts = [i.value for i in ctx.inputs if isinstance(i.value, Draft)]
        found.extend(sorted((ctx.rank(draft), ctx.label(draft)) for draft in drafts))
        return drafts[0]

    await play(run)
    assert [label for _, label in found] == ["ABC"[rank] for rank, _ in found]


async def test_random_is_the_nodes_own() -> None:
    dice: list[float] = []

    async def run(ctx: NodeContext) -> Draft:
        dice.extend((ctx.random("x").random(), ctx.random("x").random(), ctx.random("y").random()))
        return Draft(text="done", node="probe")

    await play(run)
    assert dice[0] == dice[1] != dice[2]


async def test_many_calls_come_back_in_order() -> None:
    gate = asyncio.Event()

    async def run(ctx: NodeContext) -> Draft:
        replies = await ctx.complete_all([ask("first"), ask("second"), ask("third")])
        texts = [r.text if isinstance(r, Completion) else r.reason for r in replies]
        return Draft(text=" ".join(texts), node="probe")

    stage = Stage({"m/probe": [(gate, "1"), Permanent("bad_request"), "3"], "*": "text"})
    task = asyncio.create_task(play(run, stage))
    await stage.sim.called("m/probe", 3)
    gate.set()
    assert (await task).text == "1 bad_request 3"


async def test_calls_are_numbered() -> None:
    async def run(ctx: NodeContext) -> Draft:
        await ctx.complete(ask("first"))
        await ctx.complete_all([ask("second"), ask("third")])
        await ctx.complete_all([ask("fourth")])
        return Draft(text="done", node="probe")

    stage = Stage({"*": "text"})
    await play(run, stage)
    assert [event.call for event in stage.heard(CallStarted) if event.node == "probe"] == [0, 1, 2, 3]


async def test_failure_of_one_call_is_the_kinds_to_handle() -> None:
    async def run(ctx: NodeContext) -> Draft:
        try:
            await ctx.complete(ask("first"))
        except NodeFailed as failed:
            return Draft(text=f"went on after {failed.reason}", node="probe")
        raise AssertionError

    result = await play(run, Stage({"m/probe": Permanent("bad_request"), "*": "text"}))
    assert result.text == "went on after bad_request"


async def test_kind_may_report_what_it_did_instead() -> None:
    async def run(ctx: NodeContext) -> Draft:
        ctx.degrade("short", "it was too short", "padded it")
        return Draft(text="done", node="probe")

    result = await play(run)
    assert entries(result) == [("probe", "short")]
    assert result.degraded[0].action == "padded it"


async def test_nothing_is_committed_before_it_is_heard() -> None:
    heard: list[bool] = []

    async def run(ctx: NodeContext) -> Draft:
        heard.append(ctx.committed)
        reply = await ctx.complete(Ask((Message("user", "x"),), "final"))
        heard.append(ctx.committed)
        return Draft(text=reply.text, node="probe")

    await play(run, stream=True)
    assert heard == [False, True]
    heard.clear()
    await play(run)
    assert heard == [False, False]


async def test_question_is_the_last_user_message() -> None:
    talk = (Message("user", "first"), Message("user", "second"), Message("assistant", "third"))
    for messages, question in ((talk, "second"), ((Message("system", "x"),), "")):
        bound = bind(Pipeline(name="test", nodes=(spec("a"),), output=spec("a").id), KINDS)
        run = Run(Stage().fusion.services, bound, RunRequest(messages=messages), None)
        assert Context(run, bound.nodes[0]).question == question
