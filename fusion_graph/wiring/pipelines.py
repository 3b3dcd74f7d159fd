"""Pipelines by name: which file a name means, what is in it, and the graph for a caller's values and limits."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fusion_graph.errors import PipelineError, UsageError
from fusion_graph.graph import binding, reader
from fusion_graph.graph.overrides import lower_limits, read_value, resolve_params
from fusion_graph.kinds import KINDS
from fusion_graph.pipeline import Limits, Pipeline

if TYPE_CHECKING:
    from fusion_graph.graph.bound import Bound

DEFAULT_PIPELINE = "budget"
SUFFIXES = (".yaml", ".yml")
ALIKE = 0.8  # `.yaml` alone makes two short names look alike
MAX_BYTES = 1 << 20  # read at most; the reader refuses far less, with a message


def presets() -> dict[str, Path]:
    """Name and file of every preset: inside the package (a wheel), else beside it (a copy of the repository)."""
    here = Path(__file__).parents[1]
    folder = next((f for f in (here / "pipelines", here.parent / "pipelines") if f.is_dir()), here)
    return {path.stem: path for path in sorted(folder.glob("*.yaml")) if path.suffixes[-2:-1] != [".tests"]}


def locate(name: str) -> Path:
    """The file that a name means: a preset's, else a path. Raises UsageError with the nearest name."""
    known = presets()
    if name in known:
        return known[name]
    path = Path(name)
    if path.is_file() or path.is_fifo():
        return path
    import difflib  # for mistakes only

    if path.is_dir():
        raise UsageError(f"{name} is a folder, not a pipeline", hint="name a file in it")
    if path.suffix in SUFFIXES or path.name != name:
        beside = [str(p) for p in path.parent.glob("*.y*ml")] if path.parent.is_dir() else []
        near = difflib.get_close_matches(name, beside, n=1, cutoff=ALIKE)
        raise UsageError(f"there is no file {name}", hint=f"did you mean {near[0]}?" if near else "correct the path")
    near = [f"{name}{suffix}" for suffix in SUFFIXES if Path(f"{name}{suffix}").is_file()]
    near = near or difflib.get_close_matches(name, known, n=3, cutoff=0.5)
    hint = f"did you mean {' or '.join(near)}?" if near else f"presets: {', '.join(known)}"
    raise UsageError(f"there is no preset {name!r} and no file of that name", hint=hint)


def read(name: str) -> reader.Reading:
    """A file or preset with everything that is wrong with it."""
    path = locate(name)
    return reader.read(_bytes(path), file=str(path), kinds=KINDS)


def load(source: str | Path | Mapping[str, Any] | Pipeline) -> Pipeline:
    """A valid pipeline from a file, a preset's name or a document. Raises PipelineError with every error in it."""
    if isinstance(source, Pipeline):
        return source
    if isinstance(source, Mapping):
        return reader.load_mapping(source, kinds=KINDS)
    path = locate(str(source))
    return reader.load(_bytes(path), file=str(path), kinds=KINDS)


def graph_text(name: str) -> str:
    """The graph form of a valid file or preset, as YAML; of a file in graph form, the file itself, comments and all."""
    from fusion_graph.graph.documents import parse
    from fusion_graph.graph.yaml_text import to_yaml

    path = locate(name)
    source = _bytes(path)
    if not reader.load(source, file=str(path), kinds=KINDS).panel_form:
        return source.decode("utf-8-sig")
    return to_yaml(reader.graph_form(parse(source)[0].data))


def _bytes(path: Path) -> bytes:
    try:
        with path.open("rb") as stream:
            return stream.read(MAX_BYTES)
    except OSError as fault:
        raise UsageError(f"{path} cannot be read: {fault.strerror}", hint="correct the path") from fault


def read_params(pipeline: Pipeline, texts: Mapping[str, str]) -> dict[str, Any]:
    """Values of a command line by each parameter's type; `resolve_params` finds the unknown names."""
    specs = pipeline.params
    return {name: read_value(specs[name], text) if name in specs else text for name, text in texts.items()}


def bind(pipeline: Pipeline, params: Mapping[str, Any] | None = None) -> Bound:
    """The graph for these parameter values.

    Raises UsageError for values that do not fit, PipelineError for a graph that they make impossible.
    """
    values = resolve_params(pipeline, params or {}, KINDS)
    try:
        return binding.bind(pipeline, KINDS, values)
    except PipelineError as error:  # found after the text is gone: say at least which file it was
        raise PipelineError([replace(d, file=pipeline.file) for d in error.diagnostics]) from None


def limits_of(bound: Bound, *, budget_usd: float | None = None, deadline_s: float | None = None) -> Limits:
    """The pipeline's limits with those of whoever pays in their place, higher or lower; the reserve keeps its share."""
    given = {
        name: value for name, value in (("budget_usd", budget_usd), ("deadline_s", deadline_s)) if value is not None
    }
    unset: dict[str, Any] = dict.fromkeys(given)
    return lower_limits(replace(bound.limits, **unset), given)


def models_of(pipeline: Pipeline) -> tuple[str, ...]:
    """The models a pipeline calls at its defaults, in file order, as it names them."""
    return tuple(dict.fromkeys(str(ref) for ref in bind(pipeline).models))
