"""Structured replies, step by step: ask with a response format and with the shape in words, read strictly, mend
mechanically, check the schema, check the meaning, let the model mend it, abstain. It never guesses."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Generic, NamedTuple, TypeVar

from fusion_graph.contracts import Ask, JsonSchema, NodeContext
from fusion_graph.errors import NodeFailed
from fusion_graph.graph.structure import compile_check, find_values, mend, problems
from fusion_graph.kinds._texts import MEND, SHAPE
from fusion_graph.messages import Completion, Message

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


class Question(Generic[T]):
    """One structured question, and where it stands on the ladder: `ask` is what is to be asked next. `read` says what a
    value that fits the schema means, and raises Unfit."""

    ask: Ask

    def __init__(
        self, messages: tuple[Message, ...], read: Callable[[Any], T], form: Form, *, repair: int, begin: int = 0
    ) -> None:
        self.ask = Ask(messages, "note", begin, form.response_format)
        self._read = read
        self._form = form
        self._repairs = repair
        self._widened = False  # it was cut off, and has been asked for with a larger cap

    def climb(self, ctx: NodeContext, reply: Completion) -> T | None:
        """What the reply means; None: ask again. Raises NodeFailed when there is nothing to be had."""
        ask, cut = self.ask, reply.finish_reason == "length"
        found = _read(reply.text, self._form, self._read, mending=self._widened or not cut)
        if not isinstance(found, _Fault):
            if cut and self._widened:
                ctx.degrade(
                    "truncated", "a structured reply was cut off at its length limit", "used what could be read"
                )
            return found
        if cut and not self._widened:
            self._widened = True
            self.ask = replace(ask, max_tokens=2 * _cap(ctx, ask, reply))
        elif self._repairs > 0:
            self._repairs -= 1
            self.ask = _ask_again(ask, reply.text, found)
        else:
            raise NodeFailed("abstained", f"{found.code}: {TOLD[found.code]}", text=reply.text)
        return None

    def ease(self, failed: NodeFailed) -> bool:
        """A backend that knows no response format is asked without one. False: that was not it."""
        if failed.reason != "bad_request" or self.ask.response_format is None:
            return False
        self.ask = replace(self.ask, response_format=None)
        return True


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
