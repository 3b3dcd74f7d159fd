"""Structured replies, rung by rung: ask with a response format and with the shape in words, read strictly, mend
mechanically, check the schema, check the meaning, let the model mend it, abstain. It never guesses."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Generic, NamedTuple, TypeVar

from fusion_graph.contracts import Ask, JsonSchema, NodeContext
from fusion_graph.errors import NodeFailed
from fusion_graph.graph.structure import compile_check, find_values, mend, problems
from fusion_graph.kinds._texts import MEND, SHAPE
from fusion_graph.messages import Completion, Message
from fusion_graph.values import frozen

CAP = 4096  # tokens, taken for the cap of a reply that was cut off where nobody set one
QUOTED = 8000  # characters of an unfit reply that its writer is shown again
NOT_JSON, MISMATCH = "judge_not_valid_json", "judge_schema_mismatch"
TOLD = {NOT_JSON: "its reply holds no valid JSON object", MISMATCH: "its reply is not what it was asked for"}
"""What people are told; what exactly is wrong may quote the reply, and is for its writer alone."""
T = TypeVar("T")


class Unfit(Exception):
    """A value of the right shape without the right meaning: an unknown label, a draft left out."""


@dataclass(frozen=True, slots=True)
class Form:
    """The form of a structured reply. `tidy` forgives what models often get wrong (text where an object belongs) before
    the schema is checked; `request` restates the shape in words; `response_format` goes on the wire."""

    schema: JsonSchema
    fits: Callable[[Any], bool]  # a quick yes
    tidy: Callable[[Any], Any]
    request: str
    response_format: Mapping[str, Any]


def make_form(name: str, schema: JsonSchema, example: str, tidy: Callable[[Any], Any]) -> Form:
    """Not `strict` on the wire: some backends that know the word refuse the schema's length caps along with it."""
    wire = {"type": "json_schema", "json_schema": {"name": name, "strict": False, "schema": schema}}
    return Form(schema, compile_check(schema), tidy, SHAPE.format(shape=example), wire)


class _Fault(NamedTuple):
    """Why a reply cannot be used: the reason code of the wire contract, and what to tell the model."""

    code: str
    detail: str


@frozen
class Question(Generic[T]):
    """One prompt, and what a value that fits the schema means for it. `read` raises Unfit."""

    messages: tuple[Message, ...]
    read: Callable[[Any], T]


@frozen
class _Step(Generic[T]):
    """Where one reply stands on the ladder. `widened`: it was cut off, and has been asked for with a larger cap."""

    ask: Ask
    read: Callable[[Any], T]
    repairs: int
    widened: bool = False


async def ask_one(ctx: NodeContext, question: Question[T], form: Form, *, repair: int, begin: int = 0) -> T:
    """One structured reply, read. Raises NodeFailed."""
    step = _Step(Ask(question.messages, "note", begin, form.response_format), question.read, repair)
    while True:
        try:
            reply: Completion | NodeFailed = await ctx.complete(step.ask)
        except NodeFailed as failed:
            reply = failed
        after = _climb(ctx, step, reply, form)
        if isinstance(after, NodeFailed):
            raise after
        if not isinstance(after, _Step):
            return after
        step = after


async def ask_all(
    ctx: NodeContext, questions: Sequence[Question[T]], form: Form, *, repair: int
) -> list[T | NodeFailed]:
    """One structured reply per question, all side by side. Failures are values."""
    steps = {
        i: _Step(Ask(question.messages, "note", i, form.response_format), question.read, repair)
        for i, question in enumerate(questions)
    }
    done: dict[int, T | NodeFailed] = {}
    while steps:
        replies = await ctx.complete_all([step.ask for step in steps.values()])
        for (i, step), reply in zip(list(steps.items()), replies, strict=True):
            after = _climb(ctx, step, reply, form)
            if isinstance(after, _Step):
                steps[i] = after
            else:
                done[i] = after
                del steps[i]
    return [done[i] for i in range(len(questions))]


def _climb(ctx: NodeContext, step: _Step[T], reply: Completion | NodeFailed, form: Form) -> _Step[T] | T | NodeFailed:
    """The next step, or the end: what the reply means, or why there is nothing."""
    if isinstance(reply, NodeFailed):
        if reply.reason == "bad_request" and step.ask.response_format is not None:
            return replace(step, ask=replace(step.ask, response_format=None))  # a backend that knows no such field
        return reply
    cut = reply.finish_reason == "length"
    found = _read(reply.text, form, step.read, mending=step.widened or not cut)
    if not isinstance(found, _Fault):
        if cut and step.widened:
            ctx.degrade("truncated", "a structured reply was cut off at its length limit", "used what could be read")
        return found
    if cut and not step.widened:
        return replace(step, ask=replace(step.ask, max_tokens=2 * _cap(ctx, step.ask, reply)), widened=True)
    if step.repairs > 0:
        return replace(step, ask=_ask_again(step.ask, reply.text, found), repairs=step.repairs - 1)
    return NodeFailed("abstained", f"{found.code}: {TOLD[found.code]}", text=reply.text)


def _read(text: str, form: Form, read: Callable[[Any], T], *, mending: bool) -> T | _Fault:
    """The first reading that fits; else the fault of the likeliest one."""
    fault: _Fault | None = None
    for value in find_values(text):
        found = _check(value, form, read)
        if not isinstance(found, _Fault):
            return found
        fault = fault or found
    if fault is None and mending:
        try:
            return _check(mend(text), form, read)
        except ValueError:
            pass
    return fault or _Fault(NOT_JSON, "it holds no valid JSON object")


def _check(value: Any, form: Form, read: Callable[[Any], T]) -> T | _Fault:
    if not form.fits(value):
        value = form.tidy(value)
        wrong = problems(form.schema, value)
        if wrong:
            return _Fault(MISMATCH, "; ".join(wrong))
    try:
        return read(value)
    except Unfit as unfit:
        return _Fault(MISMATCH, str(unfit))


def _cap(ctx: NodeContext, ask: Ask, reply: Completion) -> int:
    """The cap that cut the reply off, as far as anybody knows it."""
    set_cap = ask.max_tokens or (ctx.node.model.max_tokens if ctx.node.model else None)
    return set_cap or (reply.usage.completion_tokens if reply.usage else 0) or CAP


def _ask_again(ask: Ask, text: str, fault: _Fault) -> Ask:
    mine = Message("assistant", text[:QUOTED])
    return replace(ask, messages=(*ask.messages, mine, Message("user", MEND.format(problems=fault.detail))))
