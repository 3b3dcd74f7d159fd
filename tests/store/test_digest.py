"""When two calls are the same call."""

from __future__ import annotations

from dataclasses import replace
from types import MappingProxyType
from typing import Any

import pytest

from fusion_graph.messages import Call, Message, Sampling, ToolCall
from fusion_graph.store.digest import call_digest

FENCE = "f00dcafe1234"
CALL = Call("m/a", (Message("user", f"<<< draft A | {FENCE} >>>\ntext\n<<< end of A | {FENCE} >>>"),), Sampling())


def digest(call: Call = CALL, **other: Any) -> str:
    told = {"kind": "proposer", "version": 1, "backend": "x", "fence": FENCE, **other}
    return call_digest(told["kind"], told["version"], told["backend"], call, told["fence"])


def test_the_fence_is_no_part_of_it() -> None:
    """semantics 7: the digest is taken before the random fence around drafts goes in."""
    other = Call("m/a", (Message("user", CALL.messages[0].text.replace(FENCE, "beef5678abcd")),), Sampling())
    assert digest() == digest(other, fence="beef5678abcd")


@pytest.mark.parametrize(
    "other",
    [
        replace(CALL, model="m/b"),
        replace(CALL, messages=(*CALL.messages, Message("user", "more"))),
        replace(CALL, messages=(Message("system", CALL.messages[0].content),)),
        replace(CALL, messages=(Message("assistant", "", (ToolCall(id="1", name="f", arguments="{}"),)),)),
        replace(CALL, sampling=Sampling(temperature=0.5)),
        replace(CALL, sampling=Sampling(seed=1)),
        replace(CALL, sampling=Sampling(tools=({"type": "function"},))),
        replace(CALL, sampling=Sampling(response_format={"type": "json_object"})),
        replace(CALL, draw=(1, 0, 0, 0)),
        replace(CALL, draw=(0, 1, 0, 0)),
        replace(CALL, draw=(0, 0, 1, 0)),
        replace(CALL, draw=(0, 0, 0, 1)),
    ],
)
def test_whatever_shapes_the_reply_is(other: Call) -> None:
    """semantics 7: format, kind and version, backend, model, messages, sampling, tools, schema, draw."""
    assert digest(other) != digest()


def test_kind_version_and_backend_are() -> None:
    assert len({digest(), digest(kind="synth"), digest(version=2), digest(backend="y")}) == 4


def test_what_it_is_for_is_not() -> None:
    assert digest(replace(CALL, purpose="note")) == digest(replace(CALL, purpose="final"))


def test_strange_texts_and_mappings_have_one() -> None:
    odd = MappingProxyType({"type": "json_object", "more": MappingProxyType({"a": 1})})
    call = Call("m/a", (Message("user", "\ud800"),), Sampling(response_format=odd, extra=MappingProxyType({"x": 1})))
    assert digest(call) == digest(call)
    assert digest(call) != digest(replace(call, sampling=call.sampling._replace(extra=MappingProxyType({"x": 2}))))
