"""Random files: good ones are read without a finding that matters, broken ones give findings with places, never a
traceback, never slowly."""

from __future__ import annotations

import random
from copy import deepcopy
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from fusion_graph.graph.binding import bind
from fusion_graph.graph.codes import CODES
from fusion_graph.graph.diagnostics import excerpt
from fusion_graph.graph.documents import parse
from fusion_graph.graph.expand import expand
from fusion_graph.graph.reader import Reading, read, read_mapping
from fusion_graph.graph.yaml_text import to_yaml
from fusion_graph.kinds import KINDS
from tests.graph.test_contract_shapes import FILES

MODELS = st.sampled_from(["a/x", "b/y", "c/z:free", "d/w@ollama", "@cf/m", "Vendor/Kimi-K2.6"])
CALL: dict[str, st.SearchStrategy[Any]] = {
    "temperature": st.none() | st.floats(0, 2),
    "top_p": st.floats(0, 1),
    "max_tokens": st.integers(1, 9999),
    "alternates": st.lists(MODELS, max_size=2),
    "system": st.sampled_from(["Be brief.", "{{question}}", "$$5", "{{params.tone}}"]),
    "stop_sequences": st.lists(st.sampled_from(["END", "\n\n"]), max_size=2),
    "timeout": st.fixed_dictionaries({}, optional={"total_s": st.floats(1, 100), "idle_s": st.floats(1, 100)}),
    "retry": st.fixed_dictionaries({"attempts": st.integers(1, 10)}),
    "extract": st.just("last_number") | st.just({"regex": "Answer: (.+)"}),
    "x-note": st.just({"any": ["thing"]}),
}


def call(**own: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries({"model": MODELS, **own}, optional=CALL)


@st.composite
def graphs(draw: st.DrawFn) -> dict[str, Any]:
    """A sound graph: drafts, judged and written over and over, everything in the end read by one fallback."""
    nodes: dict[str, dict[str, Any]] = {}
    drafts: list[str] = []
    singles: list[str] = []
    analyses: list[str] = []

    def some(names: list[str], least: int) -> list[str]:
        chosen = draw(st.lists(st.sampled_from(names), min_size=least, max_size=4, unique=True)) if names else []
        return [name + draw(st.sampled_from(["", "?"])) for name in chosen]

    for i in range(draw(st.integers(1, 8))):
        name = f"n{i}"
        kind = draw(
            st.sampled_from(["proposer", "layer", "sample", "judge", "synth", "refine"] if singles else ["proposer"])
        )
        if kind == "layer":
            members = draw(st.lists(MODELS | call(), min_size=1, max_size=4))
            extra = st.fixed_dictionaries(
                {}, optional={"repeat": st.integers(1, 3), "samples": st.integers(1, 3), "grace_s": st.floats(0, 9)}
            )
            nodes[name] = {"kind": kind, "models": members, **draw(extra), "inputs": some(drafts, 0)}
            nodes[name]["quorum"] = draw(st.integers(1, len(members)) | st.just("all"))
        elif kind == "sample":
            nodes[name] = {"kind": kind, **draw(call(samples=st.integers(1, 4))), "inputs": some(drafts, 0)}
        elif kind == "judge":
            nodes[name] = {"kind": kind, **draw(call()), "inputs": some(drafts, 1)}
        elif kind == "refine":
            nodes[name] = {
                "kind": kind,
                **draw(call(rounds=st.integers(1, 3))),
                "inputs": [draw(st.sampled_from(singles))],
            }
        else:
            nodes[name] = {"kind": kind, **draw(call()), "inputs": some(drafts, int(kind == "synth"))}
        if kind in ("synth", "proposer") and analyses and kind == "synth":
            nodes[name]["when"] = {
                f"{draw(st.sampled_from(analyses))}.blind_spots": {"below": 9},
                "params.tone": {"equals": "dry"},
            }
        (analyses if kind == "judge" else drafts).append(name)
        if kind in ("proposer", "synth", "refine"):
            singles.append(name)
    nodes["all"] = {"kind": "layer", "members": drafts}
    nodes["answer"] = {
        "kind": "synth",
        "model": "w/w",
        "prompt": "{{params.tone}} {{drafts}}",
        "inputs": ["all", *(f"{a}?" for a in analyses)],
    }
    nodes["final"] = {"kind": "fallback", "inputs": ["answer", "all"]}
    params = {"tone": {"type": "string", "default": "dry"}}
    return {"version": 1, "name": "random", "params": params, "nodes": nodes, "output": "final"}


def read_sanely(source: bytes) -> Reading:
    """Read a file, and check what holds for every file."""
    reading = read(source, file="r.yaml", kinds=KINDS)
    assert (reading.pipeline is None) is any(d.severity == "error" for d in reading.diagnostics)
    places = [(d.line, d.col) for d in reading.diagnostics]
    assert places == sorted(places)
    for d in reading.diagnostics:
        assert d.code in CODES
        assert min(d.line, d.col) >= 1
        assert d.message
        excerpt(d, source.decode("utf-8", "replace"))
    return reading


@settings(max_examples=40, deadline=None)
@given(graphs())
def test_sound_graphs_read_without_errors(document: dict[str, Any]) -> None:
    source = to_yaml(document).encode()
    reading = read_sanely(source)
    assert [str(d) for d in reading.diagnostics if d.severity == "error"] == []
    assert reading.pipeline is not None
    bind(reading.pipeline, KINDS)
    assert read_mapping(document, kinds=KINDS).pipeline is not None
    assert expand(reading.pipeline, {}) == expand(reading.pipeline, {})


WRONG: list[Any] = [
    None,
    True,
    -1,
    0,
    10**12,
    0.5,
    "",
    "x",
    "$x",
    "$tone",
    "a/x",
    "n0",
    "n0?",
    "final",
    "n0/x",
    [],
    {},
    ["n0"],
    {"a": 1},
    [[]],
]
WRONG += [
    "all",
    {"top": 1},
    {"regex": "("},
    {"schema": {"type": 3}},
    "sk-or-v1-0123456789abcdef",
    "{{nope}}",
    {"n0.chars": {"above": 0}},
]
KEYS = [
    "kind",
    "inputs",
    "models",
    "members",
    "samples",
    "repeat",
    "quorum",
    "when",
    "after",
    "model",
    "mode",
    "spread",
    "present",
    "prompt",
]
KEYS += [
    "usable",
    "extract",
    "temperature",
    "stop",
    "window",
    "pick",
    "hedge_after_s",
    "timeout",
    "key",
    "x-a",
    "tpyo",
    "rounds",
    "description",
]


def spoil(document: Any, choose: random.Random) -> None:
    """Change one thing somewhere: take it out, put something wrong in, or add a key."""
    spots = [(document, key) for key in document]
    for holder, key in spots:
        part = holder[key]
        if isinstance(part, dict):
            spots += [(part, inner) for inner in part]
        elif isinstance(part, list):
            spots += [(part, i) for i in range(len(part))]
    holder, key = choose.choice(spots)
    what = choose.randrange(3)
    if what == 0:
        del holder[key]
    elif what == 1 or isinstance(holder, list):
        holder[key] = deepcopy(choose.choice(WRONG))
    else:
        holder[choose.choice(KEYS)] = deepcopy(choose.choice(WRONG))


@settings(max_examples=100, deadline=None)
@given(graphs(), st.randoms(use_true_random=False), st.integers(1, 6))
def test_spoilt_graphs_give_findings(document: dict[str, Any], choose: random.Random, times: int) -> None:
    document = deepcopy(document)
    for _ in range(times):
        if document:
            spoil(document, choose)
    source = to_yaml(document).encode()
    read_sanely(source)
    read_mapping(document, kinds=KINDS)


@settings(max_examples=250, deadline=None)
@given(st.sampled_from(sorted(FILES)), st.data())
def test_spoilt_texts_give_findings(name: str, data: st.DataObject) -> None:
    text = FILES[name]
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(text)))
        drop = data.draw(st.integers(0, 6))
        new = data.draw(
            st.sampled_from(
                [
                    "",
                    "\n",
                    "  ",
                    "{",
                    "}",
                    "[",
                    "]",
                    ":",
                    ",",
                    "?",
                    "&a ",
                    "*a",
                    "!x ",
                    "\t",
                    "'",
                    "#",
                    "-",
                    "x",
                    "\x00",
                    "é",
                    "$",
                ]
            )
        )
        text = text[:at] + new + text[at + drop :]
    read_sanely(text.encode())


@settings(max_examples=150, deadline=None)
@given(st.binary(max_size=200))
def test_random_bytes_give_findings(source: bytes) -> None:
    reading = read(source, file="r.yaml", kinds=KINDS)
    assert reading.pipeline is None


@settings(max_examples=100, deadline=None)
@given(
    st.dictionaries(
        st.sampled_from(
            [
                "name",
                "panel",
                "judge",
                "layers",
                "samples",
                "quorum",
                "limits",
                "temperature",
                "x-a",
                "tools_enabled",
                "refine",
            ]
        ),
        st.sampled_from(WRONG),
    )
)
def test_random_panels_give_findings(document: dict[str, Any]) -> None:
    source = to_yaml({"panel": ["a/x"], **document}).encode()
    assert not parse(source)[1]
    read_sanely(source)
