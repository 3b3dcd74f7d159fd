"""Whoever stands between engine and models sees every attempt, and knows whose it is."""

from __future__ import annotations

from dataclasses import replace

from fusion_graph.contracts import Backend, Provider, Sink
from fusion_graph.events import CallStarted
from fusion_graph.messages import Call, Completion, Delta, Message, Sampling
from fusion_graph.providers.sim import SimClient
from fusion_graph.store.door import Attempt, Caller, closed, guarded

CALL = Call("a/x", (Message("user", "Why?"),), Sampling())
SIM = Provider(name="sim", summary="", open=lambda _backend: SimClient({"a/x": "Yes."}), free=True)
UP = Backend(name="up", provider="sim")


async def shout(attempt: Attempt, sink: Sink) -> Completion:
    """Asks, and answers louder."""
    completion = await attempt.ask(sink)
    return Completion(text=f"{attempt.backend}: {completion.text.upper()}")


async def mute(attempt: Attempt, sink: Sink) -> Completion:
    sink(Delta(text="No." if attempt.backend == "up" else "?"))
    return Completion(text="No.")


async def test_a_keeper_asks_or_answers_itself() -> None:
    heard: list[Delta] = []
    client = guarded({"sim": SIM}, shout)["sim"].open(UP)
    assert (await client.complete(CALL, heard.append)).text == "up: YES."
    silent = closed(mute, name="nobody", free=True)
    assert (silent.free, silent.needs_key) == (True, False)
    assert (await silent.open(UP).complete(CALL, heard.append)).text == "No."
    assert [delta.text for delta in heard] == ["Yes.", "No."]
    await client.aclose()


def test_the_caller_is_known_once_per_attempt() -> None:
    caller = Caller()
    same = replace(CALL)
    caller(CallStarted(0.0, "one", 0, 1, "a/x", CALL))
    caller(CallStarted(0.0, "two", 0, 1, "a/x", same))
    assert [caller.node(CALL), caller.node(same), caller.node(same)] == ["one", "two", ""]
