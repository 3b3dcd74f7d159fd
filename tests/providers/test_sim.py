"""The simulated client: scripts, gates, what it records, and that it behaves as a real provider would."""

from __future__ import annotations

import asyncio

import pytest

from fusion_graph.contracts import Backend
from fusion_graph.errors import Permanent, ProviderError, Transient
from fusion_graph.messages import Call, Completion, Delta, ToolCall, ToolCallDelta, Usage
from fusion_graph.providers._sim.faults import FAULTS
from fusion_graph.providers.sim import PROVIDER, SimClient
from tests.providers.rawserver import TIMEOUTS, asking, faulty, ignore


async def answer(sim: SimClient, model: str = "a/x") -> str:
    return (await sim.complete(asking(model), ignore)).text


async def test_text_streams_word_by_word() -> None:
    pieces: list[Delta] = []
    reply = await SimClient({"a/x": "Six by seven."}).complete(asking(), pieces.append)
    assert [piece.text for piece in pieces] == ["Six", " by", " seven."]
    assert (reply.text, reply.simulated, reply.model, reply.finish_reason) == ("Six by seven.", True, "a/x", "stop")
    assert reply.usage == Usage(prompt_tokens=5, completion_tokens=4)


async def test_list_is_one_entry_a_call_and_the_last_stays() -> None:
    sim = SimClient({"a/x": [Transient("rate_limited"), "one", "two"]})
    with pytest.raises(Transient):
        await answer(sim)
    assert [await answer(sim) for _ in range(3)] == ["one", "two", "two"]


async def test_star_answers_every_other_model() -> None:
    sim = SimClient({"a/x": "mine", "*": "theirs"})
    assert [await answer(sim, model) for model in ("a/x", "b/y", "c/z")] == ["mine", "theirs", "theirs"]


async def test_steps_are_played_in_order() -> None:
    gate, seen = asyncio.Event(), asyncio.Event()
    sim = SimClient({"a/x": ("Hel", gate, Delta("lo", "hm"), 0.0, Completion(finish_reason="length"))})
    async with asyncio.TaskGroup() as group:
        call = group.create_task(sim.complete(asking(), lambda _delta: seen.set()))
        await seen.wait()
        assert not call.done()
        gate.set()
    assert (call.result().text, call.result().finish_reason) == ("Hello", "length")


async def test_error_step_ends_the_reply() -> None:
    pieces: list[Delta] = []
    sim = SimClient({"a/x": ("part", Permanent("bad_request"), "never")})
    with pytest.raises(Permanent):
        await sim.complete(asking(), pieces.append)
    assert pieces == [Delta("part")]


async def test_function_sees_the_call() -> None:
    async def slowly(call: Call) -> str:
        return f"async {call.model}"

    sim = SimClient({"a/x": lambda call: call.messages[-1].text.upper(), "b/y": slowly})
    assert await answer(sim) == "WHAT IS 6 TIMES 7?"
    assert await answer(sim, "b/y") == "async b/y"


async def test_completion_is_streamed_and_marked() -> None:
    call = ToolCall(id="c", name="f", arguments="{}")
    pieces: list[Delta] = []
    given = Completion(text="Hi", reasoning="Hm", tool_calls=(call,), finish_reason="tool_calls", model="m")
    reply = await SimClient({"a/x": given}).complete(asking(), pieces.append)
    assert pieces == [Delta(reasoning="Hm"), Delta("Hi"), Delta(tool_calls=(ToolCallDelta(0, "c", "f", "{}"),))]
    assert (reply.tool_calls, reply.model, reply.usage, reply.simulated) == ((call,), "m", None, True)


@pytest.mark.parametrize("blank", ["", " \n", Completion(), ()])
async def test_blank_reply_is_empty_output(blank: str | Completion | tuple[()]) -> None:
    with pytest.raises(Transient) as caught:
        await answer(SimClient({"a/x": blank}))
    assert caught.value.reason == "empty_output"


async def test_calls_are_recorded_in_order_of_arrival() -> None:
    gate = asyncio.Event()
    sim = SimClient({"a/x": (gate, "late"), "*": "soon"})
    async with asyncio.TaskGroup() as group:
        group.create_task(sim.complete(asking("a/x"), ignore))
        await sim.called("a/x")
        await sim.complete(asking("b/y"), ignore)
        assert [call.model for call in sim.running] == ["a/x"]
        gate.set()
    assert [call.model for call in sim.received] == ["a/x", "b/y"]
    assert sim.running == []


async def test_cancelled_calls_are_recorded() -> None:
    sim = SimClient({"a/x": (asyncio.Event(),)})
    call = asyncio.create_task(sim.complete(asking(), ignore))
    await sim.called("a/x")
    call.cancel()
    await sim.until(lambda sim: not sim.running)
    assert sim.cancelled == [asking()]


async def test_script_may_change_between_calls() -> None:
    sim = SimClient()
    sim.script["a/x"] = "scripted"
    assert await answer(sim) == "scripted"


async def test_paced_model_takes_its_time() -> None:
    sim = PROVIDER.open(Backend(name="sim", options={"first_token_s": 0.02, "token_s": 0.001}))
    started = asyncio.get_running_loop().time()
    await sim.complete(asking(), ignore)
    assert asyncio.get_running_loop().time() - started >= 0.02
    await sim.aclose()


async def test_share_of_calls_fails_differently_each_time() -> None:
    sim = PROVIDER.open(Backend(name="sim", options={"error_rate": 0.5}))
    ends = []
    for _ in range(40):
        try:
            ends.append((await sim.complete(asking(), ignore)).text)
        except Transient as error:
            ends.append(error.reason)
    assert 5 < ends.count("upstream_5xx") < 35
    assert len(set(ends)) == 2


@pytest.mark.parametrize("name", [name for name, fault in FAULTS.items() if fault.reason and name not in TIMEOUTS])
async def test_fault_is_reported_as_over_http(name: str) -> None:
    with pytest.raises(ProviderError) as caught:
        await SimClient().complete(faulty(name), ignore)
    assert (caught.value.reason, caught.value.transient) == (FAULTS[name].reason, FAULTS[name].transient)


async def test_fault_in_process_says_when_to_come_back() -> None:
    with pytest.raises(ProviderError) as caught:
        await answer(SimClient(), "sim/fault-429-wait")
    assert (caught.value.status, caught.value.retry_after_s) == (429, 1.0)


@pytest.mark.parametrize("name", sorted(TIMEOUTS))
async def test_stall_never_ends(name: str) -> None:
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.01):
            await SimClient().complete(faulty(name), ignore)


async def test_odd_bytes_are_plain_in_process() -> None:
    assert await answer(SimClient(), "sim/fault-crlf")


async def test_unknown_fault_is_an_unknown_model() -> None:
    with pytest.raises(ProviderError) as caught:
        await answer(SimClient(), "sim/fault-nope")
    assert caught.value.reason == "invalid_model"
