"""Structured replies, rung by rung."""

from __future__ import annotations

from typing import Any

import pytest

from fusion_graph.errors import NodeFailed
from fusion_graph.kinds._asking import ask_one
from fusion_graph.kinds._ladder import CAP, Form, Question, Unfit, make_form
from fusion_graph.messages import Completion, Message, Usage
from tests.kinds.scripted import Reply, Scripted, make_node

SCHEMA = {
    "type": "object",
    "properties": {"n": {"type": "number"}},
    "required": ["n"],
    "additionalProperties": False,
}
ASKED = (Message("user", "count"),)


def forgive(value: Any) -> Any:
    return {"n": value["count"]} if isinstance(value, dict) and "count" in value else value


def read(value: Any) -> float:
    if value["n"] < 0:
        raise Unfit("n is below 0")
    return float(value["n"])


FORM: Form = make_form("count", SCHEMA, '{"n": 0}', forgive)


def scripted(*replies: Reply, **options: Any) -> Scripted:
    return Scripted(make_node("judge", **options), [], *replies)


async def climb(ctx: Scripted, repair: int = 1) -> float:
    return await ask_one(ctx, Question(ASKED, read, FORM, repair=repair, begin=4))


async def test_first_reply_is_enough() -> None:
    ctx = scripted('{"n": 7}')
    assert await climb(ctx) == 7
    (ask,) = ctx.asks
    assert (ask.messages, ask.purpose, ask.round) == (ASKED, "note", 4)
    assert ask.response_format == {
        "type": "json_schema",
        "json_schema": {"name": "count", "strict": False, "schema": SCHEMA},
    }


@pytest.mark.parametrize(
    "reply",
    ['```json\n{"n": 7}\n```', 'I count. {"n": 7}', "{'n': 7,}", '{"count": 7}', '{"n": 7', '{"x": 1} or {"n": 7}'],
)
async def test_much_is_read_without_asking_again(reply: str) -> None:
    """design 2: strict parse, repair, tolerant decoding come before a further call."""
    ctx = scripted(reply)
    assert await climb(ctx) == 7
    assert len(ctx.asks) == 1


@pytest.mark.parametrize(
    ("reply", "told"),
    [
        ("I would rather not.", "it holds no valid JSON object"),
        ('{"n": "many"}', "$.n: 'many' is not of type 'number'"),
        ('{"n": -1}', "n is below 0"),
        ("{}", "$: 'n' is a required property"),
    ],
)
async def test_model_is_told_what_is_wrong(reply: str, told: str) -> None:
    """design 2: one re-ask with the validator's message."""
    ctx = scripted(reply, '{"n": 7}')
    assert await climb(ctx) == 7
    again = ctx.asks[1].messages
    assert again[:2] == (*ASKED, Message("assistant", reply))
    assert told in again[2].text


@pytest.mark.parametrize(
    ("replies", "reason"),
    [
        (["prose", "prose"], "judge_not_valid_json"),
        (['{"n": "many"}', '{"n": -1}'], "judge_schema_mismatch"),
    ],
)
async def test_then_it_abstains(replies: list[str], reason: str) -> None:
    """semantics 1: a judge that abstains is failed `abstained`."""
    ctx = scripted(*replies)
    with pytest.raises(NodeFailed) as failed:
        await climb(ctx)
    assert failed.value.reason == "abstained"
    assert failed.value.detail.startswith(f"{reason}: ")
    assert failed.value.text == replies[-1]
    assert "many" not in failed.value.detail  # what it wrote is for the trace, not for a status line


@pytest.mark.parametrize("repair", [0, 1, 3])
async def test_repair_is_counted(repair: int) -> None:
    ctx = scripted(*["prose"] * 9)
    with pytest.raises(NodeFailed, match="abstained"):
        await climb(ctx, repair)
    assert len(ctx.asks) == 1 + repair


# --- cut off ----------------------------------------------------------------------------------------------------------


def cut(text: str, tokens: int | None = None) -> Completion:
    usage = None if tokens is None else Usage(completion_tokens=tokens)
    return Completion(text=text, finish_reason="length", usage=usage)


@pytest.mark.parametrize(
    ("options", "tokens", "cap"), [({"max_tokens": 100}, 90, 200), ({}, 90, 180), ({}, None, 2 * CAP)]
)
async def test_cut_reply_gets_a_larger_cap(options: dict[str, Any], tokens: int | None, cap: int) -> None:
    """wire 4: `finish_reason: length`, judge: once more with a larger cap."""
    ctx = scripted(cut('{"n": 7', tokens), '{"n": 70}', **options)
    assert await climb(ctx, repair=0) == 70
    assert [ask.max_tokens for ask in ctx.asks] == [None, cap]
    assert ctx.degraded == []


async def test_cut_twice_is_used_and_told() -> None:
    ctx = scripted(cut('{"n": 7'), cut('{"n": 7'))
    assert await climb(ctx, repair=0) == 7
    assert [reason for reason, _, _ in ctx.degraded] == ["truncated"]


async def test_cut_behind_the_object_does_no_harm() -> None:
    ctx = scripted(cut('{"n": 7}\nand then'))
    assert await climb(ctx) == 7
    assert ctx.degraded == []


# --- failures ---------------------------------------------------------------------------------------------------------


async def test_refused_format_is_left_out() -> None:
    ctx = scripted(NodeFailed("bad_request"), '{"n": 7}')
    assert await climb(ctx, repair=0) == 7
    assert [ask.response_format is None for ask in ctx.asks] == [False, True]


async def test_second_refusal_is_a_failure() -> None:
    ctx = scripted(NodeFailed("bad_request"), NodeFailed("bad_request"))
    with pytest.raises(NodeFailed, match="bad_request"):
        await climb(ctx)


def test_shape_is_restated_in_words() -> None:
    assert FORM.request.endswith('{"n": 0}')
