"""The names in prompts: each must be something that the node can be shown."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from fusion_graph.graph.diagnostics import Findings, suggest
from fusion_graph.graph.reading.nodes import Sketch
from fusion_graph.graph.reading.params import Params, fill
from fusion_graph.graph.template import names, slots
from fusion_graph.graph.yaml.places import Path

NAMES = ("question", "drafts", "analysis")
MOST = 64  # places to fill in: a question of megabytes, shown thousands of times, would fill the memory


def check_prompts(
    sketches: Mapping[str, Sketch], defaults: Mapping[str, Any], params: Params, findings: Findings
) -> None:
    """Report names in `system` and `prompt` texts that nothing will ever fill in."""
    for path, text in _texts(defaults, ("defaults",)):
        _check(path, text, None, params, findings)
    for sketch in sketches.values():
        inputs = [ref.target for ref in sketch.edges("inputs")]
        for path, text in _texts(fill(sketch.written, params.defaults), sketch.path):
            _check(path, text, inputs, params, findings)


def _texts(options: Mapping[str, Any], path: Path) -> Iterator[tuple[Path, str]]:
    for key in ("system", "prompt"):
        if isinstance(options.get(key), str):
            yield (*path, key), options[key]
    models = options.get("models")
    for i, member in enumerate(models if isinstance(models, list) else ()):
        if isinstance(member, Mapping):
            yield from _texts(member, (*path, "models", i))


def _check(path: Path, text: str, inputs: list[str] | None, params: Params, findings: Findings) -> None:
    if slots(text) > MOST:
        findings.error("FG114", path, f"the prompt has {slots(text)} places to fill in, more than the {MOST} allowed")
    for name in names(text):
        head, _, tail = name.partition(".")
        if name in NAMES or (head == "params" and params.use(tail, path)):
            continue
        if head == "params":
            continue  # said by `use`
        if head == "input" and (inputs is None or tail in inputs):
            continue
        if head == "input":
            findings.error(
                "FG204",
                path,
                f"the prompt shows {tail!r}, which is none of the node's inputs",
                suggest(tail, inputs or ()),
            )
        else:
            known = (*NAMES, "params.<name>", "input.<node>")
            findings.error(
                "FG204", path, f"the prompt names {{{{{name}}}}}, which does not exist", suggest(name, known)
            )
