"""What a request changes of a pipeline: parameters, limits, the writer's fields; and what it cannot change."""

from __future__ import annotations

from typing import Any

import pytest

from fusion_graph.messages import Message, Sampling
from tests.server.stand import PANEL, stand
from tests.server.wires import WIRES

TOOL = {"type": "function", "function": {"name": "look_up", "parameters": {"type": "object"}}}
CALL = {"id": "c1", "type": "function", "function": {"name": "look_up", "arguments": "{}"}}
TOOL_TURN = [
    {"role": "user", "content": "Why?"},
    {"role": "assistant", "tool_calls": [CALL]},
    {"role": "tool", "tool_call_id": "c1", "content": "because"},
]  # fmt: skip


async def test_parameters_change_the_graph() -> None:
    async with stand() as at:
        _, body = await at.ask(fusion={"samples": 3, "params": {"judge": "b/y"}})
        asked = [request.body["model"] for request in at.upstream.received]
    assert asked.count("a/x") == 3
    assert "j/j" not in asked
    assert len(body["fusion"]["panel_models"]) == 6


@pytest.mark.parametrize(("own", "most"), [(2, 8), (10, 10)])
async def test_a_requests_panel_is_bounded(own: int, most: int) -> None:
    # wire 1.9
    form = f"name: fusion\npanel: {['a/x'] * own}\njudge: j/j\nsynthesizer: w/w\n"
    async with stand(None, form) as at:
        assert (await at.ask(fusion={"panel": ["a/x"] * most}))[0] == 200
        status, body = await at.ask(fusion={"panel": ["a/x"] * (most + 1)})
        assert len(at.upstream.received) == most + 2
    assert (status, body["error"]["param"]) == (400, "fusion.panel")


@pytest.mark.parametrize(
    ("param", "block"),
    [
        ("fusion.base_url", {"base_url": "http://evil.example"}),
        ("fusion.api_key", {"api_key": "x"}),
        ("fusion.max_cost", {"max_cost": 1}),
        ("fusion.nodes", {"nodes": {}}),
        ("fusion.samples", {"samples": 10**9}),
        ("fusion.samples", {"params": {"samples": "many"}}),
        ("fusion.judge", {"judge": 7}),
        ("fusion", {"judge": "a/x@other"}),
        ("fusion.judge", {"judge": "other/model"}),
        ("fusion.judge", {"judge": "http://evil.example/x"}),
        ("fusion.deadline_s", {"deadline_s": -1}),
        ("fusion.max_cost_usd", {"max_cost_usd": "1"}),
        ("fusion", {"params": 7}),
    ],
)
async def test_what_is_not_allowed_is_named(param: str, block: dict[str, Any]) -> None:
    # security 1 and 2: nothing is sent anywhere
    async with stand(allow_models=("a/*",)) as at:
        status, body = await at.ask(fusion=block)
        assert at.upstream.received == []
    assert (status, body["error"]["param"]) == (400, param)


async def test_a_mistyped_cap_is_suggested() -> None:
    async with stand() as at:
        _status, body = await at.ask(fusion={"max_cost": 1})
    assert "did you mean max_cost_usd?" in body["error"]["message"]


async def test_limits_only_go_down() -> None:
    limited = PANEL.replace("defaults:", "limits: {deadline_s: 10, max_calls: 20}\ndefaults:")
    async with stand(None, limited) as at:
        assert (await at.ask(fusion={"deadline_s": 5, "max_calls": 10}))[0] == 200
        status, body = await at.ask(fusion={"deadline_s": 11})
        twice = await at.ask(fusion={"max_cost_usd": 0.5, "budget_usd": 1})
    assert (status, body["error"]["param"]) == (400, "fusion.deadline_s")
    assert (twice[0], twice[1]["error"]["param"]) == (400, "fusion.budget_usd")  # a cap is not lost to its other name


async def test_product_of_multipliers_is_bounded() -> None:
    async with stand(max_calls=12) as at:
        assert (await at.ask(fusion={"samples": 4}))[0] == 200
        before = len(at.upstream.received)
        status, body = await at.ask(fusion={"samples": 9})
        assert len(at.upstream.received) == before
    assert (status, body["error"]["code"]) == (400, "too_many_calls")


async def test_budget_that_is_too_small_is_the_requests_fault() -> None:
    async with stand() as at:
        status, body = await at.ask(fusion={"max_cost_usd": 0.0000001})
    assert (status, body["error"]["param"]) == (400, "fusion")


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("wire", WIRES)
async def test_an_answer_longer_than_the_budget_holds_is_the_requests_fault(wire: str, stream: bool) -> None:
    """An agent asks for 64,000 tokens, whatever the pipeline may spend."""
    limited = PANEL.replace("defaults:", "limits: {budget_usd: 0.05}\ndefaults:")
    async with stand(None, limited) as at:
        for most, status, words in ((64_000, 400, "too small for one call of the final writer"), (100, 200, "")):
            body = WIRES[wire].write("fusion", (Message("user", "Why?"),), Sampling(max_tokens=most))
            async with at.session.post(at.url(WIRES[wire].path), json={**body, "stream": stream}) as response:
                assert (response.status, words in await response.text()) == (status, True)


async def test_a_model_without_a_price_is_named() -> None:
    limited = PANEL.replace("defaults:", "limits: {budget_usd: 0.05}\ndefaults:")
    async with stand(None, limited, allow_models=("z/*",)) as at:
        status, body = await at.ask(fusion={"judge": "z/unpriced"})
    assert (status, body["error"]["param"]) == (400, "fusion")
    assert "the price of z/unpriced" in body["error"]["message"]


async def test_only_the_writer_gets_the_fields() -> None:
    # wire 1.8
    async with stand() as at:
        status, _ = await at.ask(tools=[TOOL], stop="END", max_tokens=7, logit_bias={"1": 2})
        sent = {request.body["model"]: request.body for request in at.upstream.received}
    assert status == 200
    assert sent["w/w"]["tools"] == [TOOL]
    assert (sent["w/w"]["stop"], sent["w/w"]["max_tokens"], sent["w/w"]["logit_bias"]) == (["END"], 7, {"1": 2})
    for model in ("a/x", "b/y", "j/j"):
        assert not {"tools", "stop", "logit_bias"} & set(sent[model])


async def test_tool_turn_runs_the_writer_alone() -> None:
    async with stand() as at:
        _, body = await at.ask(messages=TOOL_TURN, tools=[TOOL])
        (call,) = at.upstream.received
    assert call.body["model"] == "w/w"
    assert call.body["messages"][1]["tool_calls"][0]["id"] == "c1"
    assert body["fusion"]["mode"] == "writer_only"


async def test_tool_turn_may_run_it_all() -> None:
    async with stand(None, PANEL.replace("version: 1", "version: 1\non_tool_turn: full")) as at:
        _, body = await at.ask(messages=TOOL_TURN, tools=[TOOL])
        assert len(at.upstream.received) == 4
    assert body["fusion"]["mode"] == "full"


async def test_enabled_false_is_the_writer_alone() -> None:
    async with stand() as at:
        _, body = await at.ask(fusion={"enabled": False})
        assert [request.body["model"] for request in at.upstream.received] == ["w/w"]
    assert body["fusion"]["mode"] == "writer_only"


async def test_panel_model_answers_alone() -> None:
    async with stand() as at:
        _, body = await at.ask(model="a/x")
    assert body["model"] == body["fusion"]["config"] == "a/x"
    assert body["choices"][0]["message"]["content"] == "Draft of a."


async def test_unknown_model_is_404() -> None:
    async with stand() as at:
        status, body = await at.ask(model="gpt-9")
    assert (status, body["error"]["code"], body["error"]["param"]) == (404, "model_not_found", "model")


async def test_missing_key_is_not_the_clients_fault() -> None:
    async with stand(surroundings={"missing": lambda _bound: "SECRET_VARIABLE is not set"}) as at:
        status, body = await at.ask()
    assert (status, body["error"]["code"]) == (502, "auth_failed")
    assert "SECRET" not in body["error"]["message"]


SENDER = {"user": "u1", "metadata": {"team": "a"}, "service_tier": "flex", "prompt_cache_key": "k"}


@pytest.mark.parametrize("forward", [False, True])
async def test_sender_is_passed_on_only_where_the_pipeline_says_so(forward: bool) -> None:
    # wire 1.2: W if the pipeline says `forward`, else I
    pipeline = PANEL.replace("name: fusion", f"name: fusion\nforward: {str(forward).lower()}")
    async with stand(None, pipeline) as at:
        _, body = await at.ask(**SENDER)
        sent = {request.body["model"]: request.body for request in at.upstream.received}
    assert set(body["fusion"]["ignored"]) == (set() if forward else set(SENDER))
    assert {name: sent["w/w"].get(name) for name in SENDER} == (SENDER if forward else dict.fromkeys(SENDER))
    assert not any(name in sent[model] for name in SENDER for model in ("a/x", "b/y", "j/j"))


@pytest.mark.parametrize("forward", [False, True])
async def test_sender_of_messages_is_passed_on_likewise(forward: bool) -> None:
    pipeline = PANEL.replace("name: fusion", f"name: fusion\nforward: {str(forward).lower()}")
    asked = {"model": "fusion", "max_tokens": 9, "messages": [{"role": "user", "content": "Why?"}]}
    async with stand(None, pipeline) as at:
        body = {**asked, "metadata": {"user_id": "u1"}}
        async with at.session.post(at.url("/v1/messages"), json=body) as response:
            told = await response.json()
        sent = {request.body["model"]: request.body.get("metadata") for request in at.upstream.received}
    assert told["fusion"]["ignored"] == ([] if forward else ["metadata"])
    assert sent == {**dict.fromkeys(("a/x", "b/y", "j/j")), "w/w": {"user_id": "u1"} if forward else None}


@pytest.mark.parametrize(("says", "calls"), [("", 4), ("on_forced_tool: full", 4), ("on_forced_tool: writer_only", 1)])
@pytest.mark.parametrize("choice", ["required", {"type": "function", "function": {"name": "look_up"}}])
async def test_forced_tool_call_asks_whom_the_pipeline_says(says: str, calls: int, choice: Any) -> None:
    # wire 1.8: the panel is not skipped by default
    async with stand(None, PANEL.replace("name: fusion", f"name: fusion\n{says}")) as at:
        at.upstream.faults["w/w"].append("tools")
        _, body = await at.ask(tools=[TOOL], tool_choice=choice)
        assert len(at.upstream.received) == calls
    assert body["choices"][0]["finish_reason"] == "tool_calls"
    assert body["fusion"]["mode"] == ("full" if calls > 1 else "writer_only")
