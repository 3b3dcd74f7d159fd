"""Putting prompts together."""

from __future__ import annotations

from typing import Any

import pytest

from fusion_graph.kinds._prompts import instruct, read_messages, rest_inputs, write_messages
from fusion_graph.messages import Message
from fusion_graph.outputs import Analysis
from tests.kinds.scripted import ASKED, FENCE, Scripted, draft, drafts, inputs, make_node

SOURCES = inputs(one=draft("one"), panel=drafts("a", "b"), verdict=Analysis(consensus=("c1",)))


def context(sources: Any = SOURCES, params: Any = None, **options: Any) -> Scripted:
    return Scripted(make_node("synth", **options), sources, params=params)


def test_own_words_follow_what_they_speak_of() -> None:
    text = instruct(context(), "OWN", drafts("a").items, first=("FIRST",), last="LAST")
    places = [text.index(part) for part in ("FIRST", "text of a", "- c1", "OWN", "LAST")]
    assert places == sorted(places)


def test_prompt_replaces_only_the_words_between() -> None:
    ctx = context(prompt="Mine: {{question}}")
    assert instruct(ctx, "OWN", drafts("a").items, first=("FIRST",), last="LAST") == (
        "FIRST\n\nMine: What is six times seven?\n\nLAST"
    )


@pytest.mark.parametrize(
    ("value", "text"),
    [("word", "word"), (3, "3"), (0.5, "0.5"), (True, "true"), (["a", "b"], "a, b"), (None, "")],
)
def test_parameters_are_spelt(value: Any, text: str) -> None:
    ctx = context(prompt="<{{params.x}}>", params={"x": value})
    assert instruct(ctx, "", ()) == f"<{text}>"


def test_input_shown_apart_leaves_the_rest() -> None:
    """semantics 2: `{{input.<id>}}` in a prompt shows one input, the rest stays in `{{drafts}}`."""
    ctx = context(prompt="{{input.verdict}} {{input.one}}")
    assert [source.id for source in rest_inputs(ctx)] == ["panel"]
    text = instruct(ctx, "", ())
    assert "- c1" in text
    assert "text of one" in text


def test_input_that_fell_away_is_empty() -> None:
    """semantics 1: `id?` failed or skipped is absent."""
    ctx = context(sources=inputs(panel=drafts("a")), prompt="<{{input.gone}}>")
    assert instruct(ctx, "", ()) == "<>"


def test_everything_is_rest_without_templates() -> None:
    ctx = context()
    assert rest_inputs(ctx) is ctx.inputs


def test_writer_gets_the_conversation_unchanged() -> None:
    assert write_messages(context(), "ADDED") == (*ASKED, Message("user", "ADDED"))
    assert write_messages(context(), "") == ASKED


def test_system_leads() -> None:
    ctx = context(system="On {{question}}")
    lead = Message("system", "On What is six times seven?")
    assert write_messages(ctx, "ADDED") == (lead, *ASKED, Message("user", "ADDED"))
    assert read_messages(ctx, "OWN", "ASKED") == (lead, Message("user", "ASKED"))


def test_reader_gets_the_kinds_system() -> None:
    assert read_messages(context(), "OWN", "ASKED") == (Message("system", "OWN"), Message("user", "ASKED"))


def test_drafts_in_a_system_are_fenced_too() -> None:
    ctx = context(system="Know these. {{drafts}}")
    lead = write_messages(ctx, "")[0].text
    assert lead.startswith("What stands between two lines")
    assert lead.count(FENCE) == 7


def test_nodes_without_a_model_have_no_words() -> None:
    ctx = Scripted(make_node("judge", mode="vote"), SOURCES)
    assert rest_inputs(ctx) is ctx.inputs
    assert write_messages(ctx, "") == ASKED
    assert instruct(ctx, "OWN", ()).endswith("OWN")
