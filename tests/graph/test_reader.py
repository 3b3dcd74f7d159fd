"""From a file to a pipeline, or to all that is wrong with it."""

from __future__ import annotations

import pytest

from fusion_graph.errors import PipelineError
from fusion_graph.graph import reader
from fusion_graph.kinds import KINDS
from fusion_graph.pipeline import Edge, FieldRef, NodeId, Param
from tests.graph.written import SAFE, codes, errors, expand, graph, load, only, read

DESIGN = """
    version: 1
    name: research-panel
    description: Three drafts, one judge, one writer, and a safety net.
    x-team: anything
    params:
      judge_model: {type: string, default: openai/gpt-5.5}
      samples:     {type: integer, default: 3, minimum: 1, maximum: 9}
    limits: {deadline_s: 300, reserve_s: 60, budget_usd: 0.80, max_calls: 40, max_concurrency: 16}
    seed: 7
    on_tool_turn: writer_only
    defaults:
      temperature: 0.7
      max_tokens: 4096
      timeout: {first_token_s: 60, idle_s: 30, total_s: 240}
      retry: {attempts: 3, backoff_s: 0.5}
    nodes:
      panel:
        kind: layer
        models: [google/gemini-3-flash, moonshotai/kimi-k2.6, {model: deepseek/deepseek-v4-pro, temperature: 0.3,
            tools: [web_search]}]
        quorum: 2
        grace_s: 8
      second: {kind: layer, models: [openai/gpt-5.5, qwen3:8b@ollama], inputs: [panel],
          when: {params.samples: {above: 1}}}
      votes:  {kind: sample, model: google/gemini-3-flash, samples: $samples, stop: {agree: 3},
          extract: {regex: 'Answer: (.+)'}}
      verdict: {kind: judge, model: $judge_model, inputs: [panel, second?, votes?]}
      answer:  {kind: synth, model: anthropic/claude-opus-4.8, inputs: [panel, second?, verdict?]}
      polish:  {kind: refine, model: openai/gpt-5.5, inputs: [answer, verdict?],
          when: {verdict.contradictions: {above: 0}}}
      final:   {kind: fallback, inputs: [polish, answer, panel]}
    output: final
"""


def test_graph_of_the_design_is_read() -> None:
    pipeline = load(DESIGN)
    nodes = {str(n.id): n for n in pipeline.nodes}
    assert list(nodes) == ["panel", "second", "votes", "verdict", "answer", "polish", "final"]
    assert nodes["verdict"].inputs == (
        Edge(NodeId("panel")),
        Edge(NodeId("second"), optional=True),
        Edge(NodeId("votes"), optional=True),
    )
    assert nodes["verdict"].options["model"] == Param("judge_model")
    assert nodes["polish"].when is not None
    assert nodes["polish"].when.tests[0].subject == FieldRef(NodeId("verdict"), "contradictions")  # type: ignore[union-attr]
    assert (pipeline.seed, pipeline.on_tool_turn, pipeline.limits["budget_usd"]) == (7, "writer_only", 0.80)
    assert not pipeline.panel_form


def test_options_are_node_over_defaults() -> None:
    """semantics 5: node over `defaults` over kind; a judge ignores `defaults.temperature`"""
    plain = expand(DESIGN)
    assert plain["answer"].options["temperature"] == 0.7
    assert "temperature" not in plain["verdict"].options
    assert plain["panel/deepseek-v4-pro"].options["temperature"] == 0.3
    assert "max_tokens" not in plain["final"].options


def test_member_is_found_by_its_model_name() -> None:
    """design 2: `panel/kimi-k2.6` addresses one member of an expanded group"""
    text = graph(
        "panel: {kind: layer, models: [m/kimi-k2.6, m/b]}, final: {kind: fallback, inputs: [panel/kimi-k2.6, panel]}"
    )
    assert load(text).nodes[1].inputs[0].node == "panel/kimi-k2-6"


def test_load_raises_every_error() -> None:
    with pytest.raises(PipelineError) as caught:
        load("version: 2\nname: X\nnodes: {a: {kind: nope}}\noutput: b\n")
    assert [d.code for d in caught.value.diagnostics] == ["FG114", "FG114", "FG115", "FG201"]
    assert str(caught.value).splitlines()[0].startswith("t.yaml:1:10: FG114 ")


def test_unreadable_text_ends_the_reading() -> None:
    assert errors(b"nodes: [\n") == ["FG103 2:1"]
    assert errors(b"\xff") == ["FG101 1:1"]


def test_warnings_do_not_stop_a_pipeline() -> None:
    reading = read(graph("final: {kind: proposer, model: a/x}"))
    assert reading.pipeline is not None
    assert [(d.code, d.severity) for d in reading.diagnostics] == [("FG307", "warning")]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("name: x\n", "neither `nodes`"),
        ("nodes: {}\npanel: []\n", "`nodes` and `panel` stand in one file"),
        ("- a\n- b\n", "a pipeline is a map"),
        ("just text\n", "a pipeline is a map"),
    ],
)
def test_form_must_be_clear(text: str, message: str) -> None:
    found = only(text)
    assert found.code == "FG110"
    assert message in found.message


def test_all_stages_report_in_one_pass() -> None:
    text = """
        version: 1
        name: x
        limits: {deadlin_s: 4}
        nodes:
          a: {kind: proposer, model: a/x, temperature: hot}
          b: {kind: synth, model: a/x, inputs: [a, c]}
          d: {kind: synth, model: a/x, inputs: [b, e], prompt: '{{nope}}'}
          e: {kind: synth, model: a/x, inputs: [d]}
          f: {kind: fallback, inputs: [e, v]}
          v: {kind: judge, model: a/x, inputs: [a], quorum: 9}
        output: f
    """
    assert codes(text) == ["FG111", "FG113", "FG201", "FG301", "FG204", "FG401", "FG306"]


def test_secrets_are_refused_and_never_repeated() -> None:
    """wire 5.25: a key-like literal in YAML is an error"""
    key = "sk-or-v1-" + "0123456789abcdef" * 2
    for text in (
        graph(f"final: {{kind: proposer, model: a/x, prompt: 'use {key} please'}}"),
        graph("final: {kind: proposer, model: a/x}", top=f"x-note: {{deep: [{key}]}}"),
        graph("final: {kind: proposer, model: a/x}", top="x-note: {api_key: hunter2}"),
        graph(f"final: {{kind: proposer, model: {key}, {key}: 1}}"),
        f"name: x\npanel: [m/a]\njudge: {key}\n",
    ):
        found = read(text).diagnostics
        assert "FG107" in [d.code for d in found]
        assert key not in repr(found)


def test_mapping_is_read_without_places() -> None:
    reading = reader.read_mapping({"name": "x", "panel": ["m/a", 3]}, name="mine", kinds=KINDS)
    assert reading.pipeline is None
    assert [(d.code, d.line, d.pointer, d.file) for d in reading.diagnostics] == [("FG113", 0, "/panel/1", "mine")]


@pytest.mark.parametrize("bad", [{"a": float("nan")}, {"a": object()}, {"a": float("inf")}])
def test_mapping_must_be_json(bad: dict[str, object]) -> None:
    assert [d.code for d in reader.read_mapping(bad, kinds=KINDS).diagnostics] == ["FG106"]


def test_mapping_that_holds_itself_is_refused() -> None:
    loop: dict[str, object] = {}
    loop["a"] = loop
    with pytest.raises(PipelineError):
        reader.load_mapping(loop, kinds=KINDS)


def test_digest_knows_content_not_layout() -> None:
    spaced = DESIGN.replace("    seed: 7\n", "\n    # a comment\n    seed:    7\n")
    assert load(DESIGN).digest == load(spaced).digest != load(DESIGN.replace("seed: 7", "seed: 8")).digest


def test_graph_form_of_a_graph_is_itself() -> None:
    document = {"nodes": {}, "output": "x"}
    assert reader.graph_form(document) is document
    assert reader.graph_form({"name": "x", "panel": ["m/a"]})["output"] == "answer"


def test_bom_and_crlf_read_as_any_other() -> None:
    assert not read(b"\xef\xbb\xbfname: x\r\npanel:\r\n  - m/a\r\n").diagnostics


def test_places_survive_crlf() -> None:
    assert errors(b"name: x\r\npanel:\r\n  - 3\r\n") == ["FG113 3:5"]


def test_unused_group_can_be_entered_by_member() -> None:
    assert codes(graph("p: {kind: layer, models: [a/x, b/y]}, final: {kind: fallback, inputs: [p/x]}")) == []


def test_name_is_also_a_model_name() -> None:
    """design 2: [a-z0-9][a-z0-9._-]{0,63}"""
    for name, good in (("a", True), ("a.b-c_d", True), ("A", False), ("-a", False), ("a" * 65, False), ("a/b", False)):
        assert (
            codes(graph(f"panel: {{kind: sample, model: a/x, samples: 2}}, {SAFE}").replace("name: t", f"name: {name}"))
            == []
        ) is good
