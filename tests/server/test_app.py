"""Opening, reloading and ending a server."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import subprocess
from pathlib import Path

import pytest

from fusion_graph.errors import PipelineError, UsageError
from fusion_graph.server._app import serve
from tests.server.stand import ONE, stand


async def test_open_address_needs_keys() -> None:
    # security 6
    with pytest.raises(UsageError, match="no key is set"):
        async with stand(host="0.0.0.0"):  # noqa: S104
            pass
    async with stand(host="0.0.0.0", insecure_open=True) as at:  # noqa: S104
        assert (await at.ask())[0] == 200


async def test_taken_port_is_told() -> None:
    async with stand() as at:
        with pytest.raises(UsageError, match=r"cannot listen .* already in use") as told:
            async with stand(port=at.server.port):
                pass
    assert "--port" in told.value.hint


async def test_wrong_certificate_is_told(tmp_path: Path) -> None:
    (tmp_path / "cert.pem").write_text("no certificate")
    with pytest.raises(UsageError, match="tls_cert"):
        async with stand(tls_cert=str(tmp_path / "cert.pem")):
            pass


async def test_connections_of_a_peer_are_bounded() -> None:
    # security 17
    async with stand(max_connections=2) as at:
        opened = [await asyncio.open_connection("127.0.0.1", at.server.port) for _ in range(3)]
        async with asyncio.timeout(2):
            assert await opened[2][0].read() == b""
        for _, writer in opened:
            writer.close()
        async with asyncio.timeout(2):
            while at.server.connections:  # noqa: ASYNC110 - no event
                await asyncio.sleep(0.01)
        assert (await at.ask())[0] == 200


async def test_speaks_tls(tmp_path: Path) -> None:
    # security 30
    program = shutil.which("openssl")
    if program is None:
        pytest.skip("needs openssl to make a certificate")
    cert, key = str(tmp_path / "cert.pem"), str(tmp_path / "key.pem")
    asked = ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=localhost", "-keyout", key, "-out", cert]
    subprocess.run([program, *asked], check=True, capture_output=True)  # noqa: ASYNC221 - before anything runs
    async with stand(tls_cert=cert, tls_key=key) as at:
        assert at.server.url.startswith("https://")
        async with at.session.get(f"https://127.0.0.1:{at.server.port}/livez", ssl=False) as response:
            assert response.status == 200


async def test_broken_pipeline_stops_the_start() -> None:
    with pytest.raises(PipelineError):
        async with stand(None, "version: 1\nname: x\n"):
            pass


async def test_reload_keeps_what_broke(monkeypatch: pytest.MonkeyPatch) -> None:
    async with stand(None, ONE) as at:
        texts = [ONE.replace("name: one", "name: two")]
        library = at.server.service.library
        monkeypatch.setattr(library, "_sources", lambda: [_source(text) for text in texts])
        at.server.reload()
        assert (await at.ask(model="two"))[0] == 200
        texts[0] = "nonsense: {"
        at.server.reload()
        assert (await at.ask(model="two"))[0] == 200
        assert any("error" in line for line in at.log if line["event"] == "reload")


def _source(text: str) -> object:
    from fusion_graph.server._pipelines import Source

    return Source("p0.yaml", text.encode)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_signal_ends_it_well(number: signal.Signals) -> None:
    gate = asyncio.Event()
    async with stand({"w/w": (gate, "done")}, ONE) as at:
        serving = asyncio.create_task(serve(at.server))
        asking = asyncio.create_task(at.ask(model="one"))
        await at.upstream.sim.called("w/w")
        os.kill(os.getpid(), number)
        await at.logged("draining")
        gate.set()
        assert (await asking)[0] == 200
        async with asyncio.timeout(5):
            await serving


async def test_second_signal_does_not_wait() -> None:
    async with stand({"w/w": (asyncio.Event(),)}, ONE) as at:
        serving = asyncio.create_task(serve(at.server))
        asking = asyncio.create_task(at.ask(model="one"))
        await at.upstream.sim.called("w/w")
        os.kill(os.getpid(), signal.SIGTERM)
        await at.logged("draining")
        os.kill(os.getpid(), signal.SIGTERM)
        async with asyncio.timeout(5):
            assert (await asking)[0] == 503
            await serving
