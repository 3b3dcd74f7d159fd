"""The only place where tables, settings and engine meet: which file a name means, which backend answers, and a Fusion
made of both. `commands` and `api` stand on this."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from fusion_graph.errors import PipelineError, UsageError
from fusion_graph.graph import reader
from fusion_graph.graph.binding import Bound, bind
from fusion_graph.graph.overrides import lower_limits, read_value, resolve_params
from fusion_graph.kinds import KINDS
from fusion_graph.pipeline import Limits, ModelRef, Node, Pipeline
from fusion_graph.toolbox import NO_TOOLS, Toolbox

if TYPE_CHECKING:
    from fusion_graph.contracts import Backend
    from fusion_graph.engine.fusion import Fusion
    from fusion_graph.engine.pricing import Prices, Rates
    from fusion_graph.settings import Settings

DEFAULT_PIPELINE = "budget"
SIMULATED = "sim"  # the provider whose answers are made up
SUFFIXES = (".yaml", ".yml")
MAX_BYTES = 1 << 20  # read at most; the reader refuses far less, with a message


# --- pipelines --------------------------------------------------------------------------------------------------------


def presets() -> dict[str, Path]:
    """Name and file of every preset: inside the package (a wheel), else beside it (a copy of the repository)."""
    here = Path(__file__).parent
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
        near = difflib.get_close_matches(name, beside, n=1)
        raise UsageError(f"there is no file {name}", hint=f"did you mean {near[0]}?" if near else "correct the path")
    near = difflib.get_close_matches(name, known, n=3, cutoff=0.5)
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


def bind_pipeline(pipeline: Pipeline, params: Mapping[str, Any] | None = None) -> Bound:
    """The graph for these parameter values.

    Raises UsageError for values that do not fit, PipelineError for a graph that they make impossible.
    """
    values = resolve_params(pipeline, params or {}, KINDS)
    try:
        return bind(pipeline, KINDS, values)
    except PipelineError as error:  # found after the text is gone: say at least which file it was
        raise PipelineError([replace(d, file=pipeline.file) for d in error.diagnostics]) from None


def limits_of(bound: Bound, *, budget_usd: float | None = None, deadline_s: float | None = None) -> Limits:
    """The pipeline's limits with those of whoever pays in their place, higher or lower; the reserve keeps its share."""
    given = {
        name: value for name, value in (("budget_usd", budget_usd), ("deadline_s", deadline_s)) if value is not None
    }
    unset: dict[str, Any] = dict.fromkeys(given)
    return lower_limits(replace(bound.limits, **unset), given)


# --- backends ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """The backends there are, which one answers models without `@backend`, and why that one. `listed`: the models of a
    server that nobody named and that was found running."""

    backends: Mapping[str, Backend]
    default: str
    why: str
    missing_keys: Mapping[str, str]
    models: Mapping[str, str]
    listed: tuple[str, ...] = ()

    def uses(self, bound: Bound) -> tuple[str, ...]:
        """The backends a pipeline calls, in file order."""
        return tuple(dict.fromkeys(ref.backend or self.default for ref in _refs(bound)))


async def select(settings: Settings) -> Selection:
    """What the settings say; else a local server that answers now; else the embedded model; else simulated models."""
    backends, name, why = dict(settings.backends), settings.default_backend, settings.why
    listed: tuple[str, ...] = ()
    if not name:
        found, why, listed = await _at_hand(settings)
        backends[found.name], name = found, found.name
    return Selection(
        backends=backends,
        default=name,
        why=why,
        missing_keys=settings.missing_keys,
        models=settings.models,
        listed=listed,
    )


async def _at_hand(settings: Settings) -> tuple[Backend, str, tuple[str, ...]]:
    """Nothing is set: what this machine has."""
    from fusion_graph.contracts import Backend
    from fusion_graph.providers import local
    from fusion_graph.providers._detect import find_local_servers, list_models

    for server in await find_local_servers():
        listed = await list_models(server)
        if listed:
            name = f"found-{server.name}" if server.name in settings.backends else server.name
            found = Backend(name=name, base_url=server.base_url, free=True)
            return found, f"it runs at {server.base_url}", listed
    if not local.available():
        return settings.backends["local"], "no key and no local server found", ()
    return settings.backends["sim"], "no key, local server or embedded model found", ()


def fit_models(bound: Bound, selection: Selection) -> tuple[Bound, dict[str, str]]:
    """The pipeline with the models that are really called, and what changed: `[models]` of the settings; and on a
    server that was found running, its own models, in turn, for those it does not have."""
    names: dict[str, str] = {}
    turn = 0
    for ref in dict.fromkeys(_refs(bound)):
        other = selection.models.get(str(ref)) or selection.models.get(ref.slug)
        if not other and not ref.backend and selection.listed and ref.slug not in selection.listed:
            other = selection.listed[turn % len(selection.listed)]
            turn += 1
        if other:
            names[str(ref)] = other
    return (_rename(bound, names) if names else bound), names


def _rename(bound: Bound, names: Mapping[str, str]) -> Bound:
    """Ids and edges stay; only what is called changes."""

    def renamed(ref: ModelRef) -> ModelRef:
        return ModelRef.parse(names[str(ref)]) if str(ref) in names else ref

    def changed(node: Node) -> Node:
        if node.model is None:
            return node
        alternates = tuple(renamed(ref) for ref in node.model.alternates)
        return replace(node, model=replace(node.model, model=renamed(node.model.model), alternates=alternates))

    return replace(bound, nodes=tuple(changed(node) for node in bound.nodes))


def models_of(pipeline: Pipeline) -> tuple[str, ...]:
    """The models a pipeline calls at its defaults, in file order, as it names them."""
    return tuple(dict.fromkeys(str(ref) for ref in _refs(bind_pipeline(pipeline))))


def _refs(bound: Bound) -> list[ModelRef]:
    return [ref for node in bound.nodes if node.model for ref in (node.model.model, *node.model.alternates)]


class Used(NamedTuple):
    """A backend that answers a pipeline, and why that one."""

    name: str
    why: str
    simulated: bool


class Ready(NamedTuple):
    """A pipeline that can be run now. `renamed`: models of the file -> the ones that are called in their place."""

    bound: Bound
    selection: Selection
    used: tuple[Used, ...]
    renamed: Mapping[str, str]

    @property
    def told(self) -> str:
        """`backend: sim, simulated (FUSION_BACKEND is set)`."""
        parts = [f"{one.name}{', simulated' if one.simulated else ''} ({one.why})" for one in self.used]
        parts += [", ".join(f"{other} for {slug}" for slug, other in self.renamed.items())] if self.renamed else []
        return f"backend: {'; '.join(parts)}"


async def prepare(pipeline: Pipeline, params: Mapping[str, Any], settings: Settings) -> Ready:
    """Bind, choose the backends, refuse what cannot run. Raises UsageError or PipelineError; nothing is spent yet."""
    bound = bind_pipeline(pipeline, params)
    selection = await select(settings)
    bound, renamed = fit_models(bound, selection)
    require_keys(bound, selection)
    return Ready(bound, selection, _used(bound, selection), renamed)


def _used(bound: Bound, selection: Selection) -> tuple[Used, ...]:
    """Backends that the settings do not have are the engine's to refuse."""
    known = [selection.backends[name] for name in selection.uses(bound) if name in selection.backends]
    return tuple(
        Used(b.name, selection.why if b.name == selection.default else "named in the pipeline", b.provider == SIMULATED)
        for b in known
    )


def require_keys(bound: Bound, selection: Selection) -> None:
    """Refuse a pipeline whose backend names a key that is not set. Raises UsageError."""
    for name in selection.uses(bound):
        variable = selection.missing_keys.get(name)
        if variable:
            raise UsageError(
                f"{bound.pipeline.name} calls backend {name!r}, which needs a key: {variable} is not set",
                hint="set it, or FUSION_BACKEND=sim for simulated models",
            )


def prices(file: str | None = None) -> Prices:
    """The shipped table, with a user's own laid over it."""
    from fusion_graph.engine.pricing import Prices

    return Prices.from_file(file) if file else Prices.shipped()


def rates(settings: Settings, table: Prices) -> Callable[[str], Rates | None]:
    """Prices of a model as a pipeline names it, from what is set alone: nobody is asked which servers run just now."""
    from fusion_graph.engine.pricing import Rates
    from fusion_graph.providers import PROVIDERS

    def look_up(model: str) -> Rates | None:
        ref = ModelRef.parse(model)
        backend = settings.backends.get(ref.backend or settings.default_backend)
        if backend is not None and (backend.free or PROVIDERS[backend.provider].free):
            return Rates(input=0.0, output=0.0, cached=0.0)
        return table.rates(ref.slug)

    return look_up


def open_fusion(selection: Selection, prices: Prices, tools: Toolbox = NO_TOOLS) -> Fusion:
    """An engine on these backends; close it."""
    from fusion_graph.engine.fusion import Fusion
    from fusion_graph.providers import PROVIDERS

    backends, default = selection.backends, selection.default
    return Fusion(providers=PROVIDERS, backends=backends, default_backend=default, prices=prices, toolbox=tools)
