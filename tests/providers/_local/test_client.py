"""The embedded model: started once, ended with its client and with its parent. Most of it is shown with a stand-in for
the engine; the tests marked `local` run the real one. Covers `_local/child` too.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path

import pytest

from fusion_graph.contracts import Backend
from fusion_graph.errors import ProviderError
from fusion_graph.messages import Sampling
from fusion_graph.providers import local
from fusion_graph.providers._local.client import MODEL, LocalClient
from tests.providers.rawserver import asking, ignore

BACKEND = Backend(name="local", provider="local")
SHORT = asking(sampling=Sampling(max_tokens=8, seed=1, temperature=0.0))

ENGINE = """
import http.server, json, os, threading
from types import SimpleNamespace

class CommonParams(SimpleNamespace):
    def __init__(self):
        super().__init__(model=SimpleNamespace(), cpuparams=SimpleNamespace(), cpuparams_batch=SimpleNamespace())

class Server:
    def __init__(self, params):
        print("a line of the engine's log")
        if not params.model.path.endswith(".gguf"):
            raise RuntimeError("no such weights")

        class Reply(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                self.rfile.read(int(self.headers["Content-Length"]))
                known = self.headers["Authorization"] == "Bearer " + params.api_keys[0]
                text = json.dumps({"pid": os.getpid(), "environment": dict(os.environ)})
                choice = {"index": 0, "message": {"content": text}, "finish_reason": "stop"}
                body = json.dumps({"model": list(params.model_alias)[0], "choices": [choice]}).encode()
                self.send_response(200 if known else 401)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_args):
                pass

        server = http.server.ThreadingHTTPServer((params.hostnames[0], params.port), Reply)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        self.listening_address = f"http://127.0.0.1:{server.server_port}"
"""


@pytest.fixture
def engine(tmp_path: Path) -> Path:
    (tmp_path / "xllamacpp.py").write_text(ENGINE)
    return tmp_path


@pytest.fixture
async def model(engine: Path) -> AsyncIterator[LocalClient]:
    client = LocalClient(BACKEND, engine=engine, weights=Path("x.gguf"))
    yield client
    await client.aclose()


async def serving(client: LocalClient) -> int:
    """The process that answers a call."""
    return int(json.loads((await client.complete(SHORT, ignore)).text)["pid"])


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
        return b"_local/child" in Path(f"/proc/{pid}/cmdline").read_bytes()
    except (ProcessLookupError, FileNotFoundError):  # it may go between the two questions
        return False


def wait_for_end(pid: int) -> None:
    for _ in range(500):
        if not is_alive(pid):
            return
        time.sleep(0.02)
    pytest.fail("the model is still there")


async def test_first_calls_start_one_model(model: LocalClient) -> None:
    async with asyncio.TaskGroup() as group:
        calls = [group.create_task(serving(model)) for _ in range(5)]
    assert len({call.result() for call in calls}) == 1


async def test_cancelled_caller_does_not_stop_the_start(model: LocalClient) -> None:
    first = asyncio.create_task(serving(model))
    await asyncio.sleep(0)
    first.cancel()
    assert await serving(model)
    assert first.cancelled()


async def test_reply_says_which_model(model: LocalClient) -> None:
    reply = await model.complete(SHORT, ignore)
    assert (reply.model, reply.simulated) == (MODEL, False)


async def test_child_gets_no_environment(model: LocalClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENROUTER_API_KEY", "canary-1")
    environment = json.loads((await model.complete(SHORT, ignore)).text)["environment"]
    assert environment.pop("OMP_WAIT_POLICY") == "PASSIVE"
    assert "canary-1" not in environment.values()


async def test_dead_model_is_started_anew(model: LocalClient) -> None:
    pid = await serving(model)
    os.kill(pid, signal.SIGKILL)
    wait_for_end(pid)
    for _ in range(2):  # as the engine does: it asks again
        with suppress(ProviderError):
            await serving(model)
    assert await serving(model) != pid


async def test_close_ends_the_model(engine: Path) -> None:
    client = LocalClient(BACKEND, engine=engine, weights=Path("x.gguf"))
    pid = await serving(client)
    await client.aclose()
    assert not is_alive(pid)


async def test_close_during_the_start_ends_it(engine: Path) -> None:
    client = LocalClient(BACKEND, engine=engine, weights=Path("x.gguf"))
    call = asyncio.create_task(client.complete(SHORT, ignore))
    await asyncio.sleep(0.02)
    await client.aclose()
    with pytest.raises(asyncio.CancelledError):
        await call


async def test_close_does_not_wait_for_a_model_that_loads(tmp_path: Path) -> None:
    loads = tmp_path / "pid"
    loading = f"import os, pathlib, time; pathlib.Path({str(loads)!r}).write_text(f'{{os.getpid()}} '); time.sleep(600)"
    (tmp_path / "xllamacpp.py").write_text(loading)
    client = LocalClient(BACKEND, engine=tmp_path, weights=Path("x.gguf"))
    call = asyncio.create_task(client.complete(SHORT, ignore))
    async with asyncio.timeout(30):
        while not loads.exists() or not loads.read_text().endswith(" "):  # noqa: ASYNC110 - another process
            await asyncio.sleep(0.01)
        await client.aclose()  # a wait for its own end would take longer, and leave Ctrl-C hanging
    with pytest.raises(asyncio.CancelledError):
        await call
    wait_for_end(int(loads.read_text()))


async def test_unused_model_is_never_started(engine: Path) -> None:
    await LocalClient(BACKEND, engine=engine, weights=Path("x.gguf")).aclose()


async def test_failed_start_says_why(engine: Path) -> None:
    client = LocalClient(BACKEND, engine=engine, weights=Path("x.txt"))
    with pytest.raises(ProviderError, match="no such weights") as caught:
        await client.complete(SHORT, ignore)
    assert (caught.value.reason, caught.value.transient, caught.value.sent) == ("connect_error", False, False)
    await client.aclose()


PARENT = """
import asyncio, json, sys
from pathlib import Path
from fusion_graph.contracts import Backend
from fusion_graph.messages import Call, Message, Sampling
from fusion_graph.providers._local.client import LocalClient

async def main():
    client = LocalClient(Backend(name="local"), engine=Path(sys.argv[1]), weights=Path("x.gguf"))
    reply = await client.complete(Call("m", (Message("user", "x"),), Sampling()), lambda _delta: None)
    print(json.loads(reply.text)["pid"], flush=True)
    await asyncio.sleep(60)

asyncio.run(main())
"""


def test_model_dies_with_its_parent(engine: Path) -> None:
    package = Path(local.__file__).parents[2]
    parent = subprocess.Popen(
        [sys.executable, "-c", PARENT, str(engine)], stdout=subprocess.PIPE, text=True, cwd=package
    )
    assert parent.stdout is not None
    pid = int(parent.stdout.readline())
    assert is_alive(pid)
    parent.kill()
    parent.wait()
    parent.stdout.close()
    wait_for_end(pid)


# --- the real model ---------------------------------------------------------------------------------------------------


@pytest.fixture
async def smollm() -> AsyncIterator[LocalClient]:
    if local.available():
        pytest.skip(local.available())
    client = local.PROVIDER.open(BACKEND)
    assert isinstance(client, LocalClient)
    yield client
    await client.aclose()


@pytest.mark.local
async def test_real_model_answers_and_counts(smollm: LocalClient) -> None:
    pieces: list[str] = []
    reply = await smollm.complete(SHORT, lambda delta: pieces.append(delta.text))
    assert reply.text == "".join(pieces)
    assert reply.usage is not None
    assert 0 < reply.usage.completion_tokens <= 8
    assert (reply.model, reply.simulated) == (MODEL, False)
    assert (await smollm.complete(SHORT, ignore)).text == reply.text


@pytest.mark.local
async def test_real_model_keeps_to_a_schema(smollm: LocalClient) -> None:
    schema = {
        "type": "object",
        "properties": {"names": {"type": "array", "maxItems": 2, "items": {"type": "string", "maxLength": 12}}},
        "required": ["names"],
    }
    wanted = {"type": "json_schema", "json_schema": {"name": "names", "schema": schema}}
    reply = await smollm.complete(asking(sampling=Sampling(max_tokens=80, response_format=wanted)), ignore)
    assert len(json.loads(reply.text)["names"]) <= 2
