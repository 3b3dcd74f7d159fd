"""What differs between a call and the nearest recorded one, in words."""

from __future__ import annotations

from dataclasses import replace

from fusion_graph.messages import Call, Message, Sampling
from fusion_graph.store.cassette import Cassette, Recorded, Request
from fusion_graph.store.strangers import stranger

CALL = Call("a/x", (Message("system", "Be brief."), Message("user", "Why?")), Sampling(temperature=0.5))
EMPTY = Cassette("run.tape", {}, {}, (), (), None)
TAPE = replace(
    EMPTY,
    requests={"d": Request("up", CALL), "e": Request("up", replace(CALL, model="b/y"))},
    attempts=(Recorded("one", "d"), Recorded("two", "e")),
)


def told(call: Call, *, node: str = "one", backend: str = "up", digest: str = "?", tape: Cassette = TAPE) -> str:
    return stranger(tape, node, backend, call, digest)[0]


def test_the_node_and_its_call_come_first() -> None:
    assert told(replace(CALL, purpose="note")).startswith(
        "run.tape: one asks a/x (note call) for what is not recorded; "
    )


def test_a_node_is_compared_with_itself_else_with_the_nearest() -> None:
    assert "differs in model: 'a/x', recorded 'b/y'" in told(CALL, node="two")
    other = told(replace(CALL, sampling=Sampling(temperature=0.1)), node="new")
    assert "the nearest recorded call differs in temperature: 0.1, recorded 0.5" in other


def test_messages_are_told_at_their_first_difference() -> None:
    long = Message("user", "x" * 500 + "y" + "z" * 500)
    tape = replace(TAPE, requests={"d": Request("up", replace(CALL, messages=(Message("user", "x" * 1001),)))})
    text = told(replace(CALL, messages=(long,)), tape=tape)
    assert "message 1 (user): at character 501 'xxxxxxxxxxxxxxxxxxxxyzzz" in text
    assert len(text) < 400
    assert "3 messages, recorded 2" in told(replace(CALL, messages=(*CALL.messages, Message("user", "And?"))))
    assert "message 1: of role user, recorded system" in told(replace(CALL, messages=(CALL.messages[1],)))


def test_only_so_many_differences_are_told() -> None:
    other = Call("c/z", (Message("user", "No."),), Sampling(temperature=1.0, top_p=0.5, max_tokens=3))
    assert told(other, backend="down").endswith("and 4 more")


def test_used_up_and_empty_tapes_are_told() -> None:
    assert told(CALL, digest="d").endswith("once more than was recorded (1)")
    assert told(CALL, tape=EMPTY).endswith("and no call is recorded")
