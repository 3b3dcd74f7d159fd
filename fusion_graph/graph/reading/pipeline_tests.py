"""Tests of a pipeline, from a document that fits their schema: names that must exist, what does not go together."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from fusion_graph.contracts import Kind
from fusion_graph.errors import PipelineError, UsageError
from fusion_graph.graph.diagnostics import Findings, suggest
from fusion_graph.graph.expand import expand
from fusion_graph.graph.overrides import resolve_params
from fusion_graph.graph.pipeline_tests import Expected, PipelineTest, Reply, Wanted
from fusion_graph.graph.reading.validation import regex_problem
from fusion_graph.graph.yaml.places import Path
from fusion_graph.pipeline import Pipeline


def read_tests(
    raw: Sequence[Mapping[str, Any]], pipeline: Pipeline, findings: Findings, kinds: Mapping[str, Kind]
) -> tuple[PipelineTest, ...]:
    """With errors in the findings the result is of no use."""
    return tuple(_Reader(pipeline, findings, kinds, ("tests", i)).read(test) for i, test in enumerate(raw))


class _Reader:
    """Reads one test."""

    def __init__(self, pipeline: Pipeline, findings: Findings, kinds: Mapping[str, Kind], path: Path) -> None:
        self._pipeline = pipeline
        self._findings = findings
        self._kinds = kinds
        self._path = path

    def read(self, raw: Mapping[str, Any]) -> PipelineTest:
        params = raw.get("params", {})
        self._check_nodes(raw, params)
        replies = {node: self._replies(reply, ("replies", node)) for node, reply in raw.get("replies", {}).items()}
        return PipelineTest(
            name=raw["name"],
            expect=self._expected(raw["expect"]),
            replies=replies,
            prompt=raw.get("prompt", "Why?"),
            params=params,
            seed=raw.get("seed"),
        )

    def _error(self, code: str, path: Path, message: str, hint: str = "", *, key: bool = False) -> None:
        self._findings.error(code, (*self._path, *path), message, hint, key=key)

    def _check_nodes(self, raw: Mapping[str, Any], params: Mapping[str, Any]) -> None:
        """Every node named is there for these parameters, and whoever gets replies calls a model."""
        for name in params.keys() - self._pipeline.params.keys():
            hint = suggest(name, self._pipeline.params)
            self._error("FG203", ("params", name), f"no parameter {name!r} is declared", hint, key=True)
        try:
            known = params.keys() & self._pipeline.params.keys()
            values = resolve_params(self._pipeline, {name: params[name] for name in known}, self._kinds)
            nodes = {str(spec.id): spec for spec in expand(self._pipeline, values)}
        except UsageError as error:
            self._error("FG114", ("params",), error.message, error.hint)
            return
        except PipelineError as error:
            self._error(error.diagnostics[0].code, ("params",), error.diagnostics[0].message)
            return
        expect = raw["expect"]
        named: list[tuple[Path, str, bool]] = [(("replies", name), name, True) for name in raw.get("replies", {})]
        named += [(("expect", "nodes", name), name, True) for name in expect.get("nodes", {})]
        for i, entry in enumerate(expect.get("degraded", ())):
            named.append((("expect", "degraded", i, "node"), entry["node"], False))
        for path, name, key in named:
            if name not in nodes:
                self._error("FG201", path, f"there is no node {name!r}", suggest(name, nodes), key=key)
            elif path[0] == "replies" and not self._kinds[nodes[name].kind].calls_model(nodes[name].options):
                self._error("FG118", path, f"{name} calls no model", "give the replies to its inputs", key=True)

    def _replies(self, raw: Any, path: Path) -> tuple[Reply, ...]:
        if isinstance(raw, list):
            return tuple(self._reply(one, (*path, i)) for i, one in enumerate(raw))
        return (self._reply(raw, path),)

    def _reply(self, raw: Any, path: Path) -> Reply:
        if isinstance(raw, str):
            return Reply(raw)
        if len(raw.keys() & {"text", "json", "fails"}) != 1:
            self._error("FG116", path, "a reply has exactly one of `text`, `json` and `fails`")
        if "retry_after_s" in raw and "fails" not in raw:
            self._error("FG116", (*path, "retry_after_s"), "`retry_after_s` belongs to `fails`", key=True)
        more = {name: raw[name] for name in ("fails", "after_s", "retry_after_s", "truncated") if name in raw}
        text = json.dumps(raw["json"], ensure_ascii=False) if "json" in raw else raw.get("text", "")
        return Reply(text, **more)

    def _expected(self, raw: Mapping[str, Any]) -> Expected:
        answer = raw.get("answer")
        if isinstance(answer, str):
            answer = {"equals": answer}
        wrong = regex_problem(answer["matches"]) if answer and "matches" in answer else ""
        if wrong:
            self._error("FG114", ("expect", "answer", "matches"), wrong)
        degraded = raw.get("degraded")
        return Expected(
            state=raw.get("state"),
            error=raw.get("error"),
            answer=None if answer is None else Wanted(**answer),
            nodes=raw.get("nodes", {}),
            degraded=None if degraded is None else tuple((entry["node"], entry["reason"]) for entry in degraded),
            calls=raw.get("calls"),
            attempts=raw.get("attempts"),
        )
