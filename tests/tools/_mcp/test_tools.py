"""Tools of MCP servers, from real ones: `_mcp/tools` makes them, `_mcp/link` holds a connection, `_mcp/pipe` and
`_mcp/web` carry it."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from aiohttp import web

from fusion_graph.errors import ToolError, UsageError
from fusion_graph.toolbox import McpServer
from fusion_graph.tools._mcp import tools as _mcp
from fusion_graph.tools._mcp.link import Link
from fusion_graph.tools._mcp.tools import Joined, join, offers, parts, text_of, wire_name
from fusion_graph.tools._mcp.web import MAX_BYTES, bounded_client
from tests.loopback import served

pytest.importorskip("mcp")

import mcp_types as types

PROGRAM = (sys.executable, str(Path(__file__).parents[1] / "mcp_shop.py"))
ENVIRONMENT = {"PATH": os.environ["PATH"], "TOKEN": "given"}


def shop(*arguments: str, **more: Any) -> McpServer:
    return McpServer(name="shop", command=(*PROGRAM, *arguments), environment=ENVIRONMENT, **more)


@asynccontextmanager
async def joined(*names: str, server: McpServer | None = None) -> AsyncIterator[Joined]:
    found = await join({"shop": server or shop()}, [f"mcp:shop/{name}" for name in names])
    try:
        yield found
    finally:
        await found.close()


async def call(found: Joined, name: str, **arguments: Any) -> str:
    return await found.tools[f"mcp:shop/{name}"].run(arguments, None)


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except OSError:
        return False
    return True


async def test_a_program_offers_its_tools_and_ends_with_the_run() -> None:
    async with joined("price", "environment") as found:
        tool = found.tools["mcp:shop/price"]
        assert (tool.name, tool.description, tool.mutates) == ("mcp__shop__price", "The price of an item.", False)
        assert tool.parameters["required"] == ["item"]
        assert await call(found, "price", item="tea") == "tea costs 42"
        told: Mapping[str, Any] = json.loads(await call(found, "environment"))
        assert found.tools["mcp:shop/environment"].mutates
    assert told["TOKEN"] == "given"
    assert set(told) <= {*ENVIRONMENT, "pid", "LC_CTYPE"}
    assert not is_alive(told["pid"])


async def test_one_that_does_not_end_is_killed() -> None:
    async with joined("environment", server=shop("stubborn")) as found:
        pid = json.loads(await call(found, "environment"))["pid"]
    assert not is_alive(pid)


async def test_all_tools_of_one() -> None:
    async with joined("*") as found:
        assert {"mcp:shop/price", "mcp:shop/die", "mcp:shop/wait"} <= set(found.tools)


async def test_what_goes_wrong_is_told_to_the_model_and_it_may_go_on() -> None:
    async with joined("refuse", "die", "flood", "price") as found:
        with pytest.raises(ToolError, match="it is sold out"):
            await call(found, "refuse")
        with pytest.raises(ToolError, match="Field required"):
            await call(found, "price")  # its own check of the arguments
        assert "[... 100000 characters cut ...]" in await call(found, "flood")
        with pytest.raises(ToolError, match="the MCP server shop: Connection closed"):
            await call(found, "die")
        assert await call(found, "price", item="tea") == "tea costs 42", "it was not started again"


async def test_a_call_that_is_left_is_cancelled_there(tmp_path: Path) -> None:
    file = tmp_path / "told"
    async with joined("wait", "price") as found:
        waiting = asyncio.create_task(call(found, "wait", path=str(file)))
        async with asyncio.timeout(20):
            while not file.exists() or "came" not in file.read_text():  # noqa: ASYNC110 - another process
                await asyncio.sleep(0.01)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        assert await call(found, "price", item="tea") == "tea costs 42"
        async with asyncio.timeout(20):
            while "cancelled" not in file.read_text():  # noqa: ASYNC110 - another process
                await asyncio.sleep(0.01)


async def test_a_server_that_does_not_answer_is_given_up(tmp_path: Path) -> None:
    link = Link(shop(), call_s=0.3)
    with pytest.raises(ToolError, match="the MCP server shop"):
        await link.call("wait", {"path": str(tmp_path / "told")})
    await link.aclose()
    silent = Link(McpServer(name="mute", command=("/bin/cat", "/dev/zero")), open_s=0.3)
    with pytest.raises(ToolError, match="mute"):
        await silent.call("x", {})
    await silent.aclose()


@pytest.mark.parametrize(
    ("server", "told"),
    [
        (McpServer(name="shop", command=("/nowhere/x",)), "/nowhere/x cannot be started: No such file"),
        (McpServer(name="shop", command=("/bin/sh", "-c", "echo out of order >&2")), "it said: out of order"),
        (McpServer(name="shop", url="http://127.0.0.1:9/mcp"), "the MCP server shop cannot be used"),
        (shop(unset=("NAMED",)), "NAMED is not set"),
        (shop("broken"), "the MCP server shop"),
    ],
    ids=["missing", "ends", "closed", "unset", "no-end-of-line"],
)
async def test_a_server_that_cannot_be_used_is_told_before_the_run(server: McpServer, told: str) -> None:
    with pytest.raises(UsageError, match=told):
        async with joined("price", server=server):
            pass


async def test_without_the_sdk(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("mcp", "mcp_types", "mcp.client"):
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(UsageError, match="the MCP SDK is not installed: pip install"):
        async with joined("price"):
            pass


async def test_names_that_are_not_there() -> None:
    with pytest.raises(UsageError, match="has no tool nope") as caught:
        async with joined("nope"):
            pass
    assert "price" in (caught.value.hint or "")
    with pytest.raises(UsageError, match="there is no MCP server other"):
        await join({}, ["mcp:other/x"])
    with pytest.raises(UsageError, match="names no tool"):
        parts("mcp:shop")


# --- over HTTP --------------------------------------------------------------------------------------------------------


@contextmanager
def shop_at(key: str = "") -> Iterator[McpServer]:
    wants = {"SHOP_KEY": key} if key else {}
    command = [*PROGRAM, "http"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env={**ENVIRONMENT, **wants}) as process:
        assert process.stdout is not None
        try:
            yield McpServer(name="shop", url=process.stdout.readline().strip())
        finally:
            process.kill()


async def listening(server: McpServer) -> None:
    """Its address is known a moment before it listens."""
    where = urlsplit(server.url)
    for _ in range(200):
        try:
            _, writer = await asyncio.open_connection(where.hostname, where.port)
        except OSError:
            await asyncio.sleep(0.05)
        else:
            writer.close()
            return


CANARY = "sk-canary-7f3a"


async def test_a_server_with_a_key_gets_it_and_nobody_else_sees_it() -> None:
    """Not the error of a server that repeats what it refused, not a result, not what is printed of the server."""
    with shop_at(key=CANARY) as bare:
        await listening(bare)
        right, wrong = replace(bare, key=CANARY), replace(bare, key=f"{CANARY}-wrong")
        async with joined("repeat", server=right) as found:
            assert await call(found, "repeat", text=f"it is {CANARY}!") == "it is ***!"
        for server in (wrong, bare):
            with pytest.raises(UsageError, match="the MCP server shop") as caught:
                async with joined("repeat", server=server):
                    pass
            assert CANARY not in f"{caught.value} {caught.value.hint}"
            assert CANARY not in (await offers(server)).told
        assert (await offers(right)).told.startswith("answers, 7 tools: price")
        assert CANARY not in repr(right)


async def test_a_key_that_is_not_set_is_missed_before_anything_is_sent() -> None:
    server = McpServer(name="shop", url="http://127.0.0.1:9/mcp", unset=("SHOP_KEY",))
    assert await offers(server) == (False, "cannot be used: SHOP_KEY is not set, which its `api_key_env` names")


async def test_what_a_server_offers_is_asked_and_it_ends() -> None:
    assert await offers(shop()) == (
        True,
        "answers, 7 tools: price, environment, die, refuse, flood, wait, repeat",
    )
    told = await offers(McpServer(name="shop", command=("/nowhere/x",)))
    assert told == (False, "cannot be used: /nowhere/x cannot be started: No such file or directory")


async def test_a_server_at_an_address() -> None:
    with shop_at() as server:
        await listening(server)
        async with joined("price", "refuse", server=server) as found:
            assert await call(found, "price", item="tea") == "tea costs 42"
            with pytest.raises(ToolError, match="it is sold out"):
                await call(found, "refuse")


async def test_answers_over_http_are_bounded() -> None:
    async def long(_request: web.Request) -> web.Response:
        return web.Response(body=b"x" * (MAX_BYTES + 1))

    async def squeezed(_request: web.Request) -> web.Response:
        return web.Response(body=b"x", headers={"Content-Encoding": "gzip"})

    import httpx2

    async with served({"/long": long, "/squeezed": squeezed}) as address, bounded_client(5) as client:
        with pytest.raises(httpx2.ReadError, match="longer than"):
            await client.get(f"{address}/long")
        with pytest.raises(httpx2.ReadError, match="compressed"):
            await client.get(f"{address}/squeezed")


# --- what a stranger may say ------------------------------------------------------------------------------------------


class Liar(Link):
    """A server that says what a test wants."""

    def __init__(self, tools: list[types.Tool]) -> None:
        super().__init__(McpServer(name="liar"))
        self._tools = tools

    async def page(self, _cursor: str | None) -> tuple[list[types.Tool], str | None]:
        return self._tools, "again"


def offered(name: str, **more: Any) -> types.Tool:
    return types.Tool(name=name, **{"input_schema": {"type": "object"}, **more})


async def test_what_a_server_offers_is_bounded() -> None:
    many = [offered(f"t{n}") for n in range(1000)]
    assert len(await _mcp._listed(Liar(many))) == _mcp.MAX_TOOLS
    assert list(await _mcp._listed(Liar([offered("a b"), offered("../x\n"), offered("ok")]))) == ["ok"]
    tool = _mcp._tool(Liar([]), offered("ok", description="d" * 9999))
    assert (len(tool.description), tool.checked, tool.local) == (_mcp.MAX_DESCRIPTION, False, True)
    with pytest.raises(UsageError, match="its schema is longer"):
        _mcp._tool(Liar([]), offered("ok", input_schema={"type": "object", "x": "y" * 30_000}))


def test_names_on_the_wire_fit_and_never_meet() -> None:
    pairs = [
        ("a", "b"),
        ("a", "_b"),
        ("a_", "b"),
        ("a__b", "c"),
        ("a", "b__c"),
        ("a", "x.y"),
        ("a", "x/y"),
        ("a", "n" * 128),
    ]
    names = [wire_name(*pair) for pair in pairs]
    assert len(set(names)) == len(pairs)
    assert all(_mcp._WIRE.fullmatch(name) for name in names)


def test_results_become_text() -> None:
    resource = types.TextResourceContents(uri="file:///a", text="inside")
    blob = types.BlobResourceContents(uri="file:///b", blob="AAAA")
    content: list[types.ContentBlock] = [
        types.TextContent(text="words"),
        types.ImageContent(data="AAAA", mime_type="image/png"),
        types.EmbeddedResource(resource=resource),
        types.EmbeddedResource(resource=blob),
        types.ResourceLink(name="c", uri="file:///c"),
    ]
    told = text_of(types.CallToolResult(content=content)).splitlines()
    assert told == [
        "words",
        "[image, image/png: left out]",
        "inside",
        "[file:///b: not text, left out]",
        "[c: file:///c]",
    ]
    assert text_of(types.CallToolResult(content=[], structured_content={"a": 1})) == '{"a": 1}'
    assert text_of(types.CallToolResult(content=[])) == "(nothing)"
    with pytest.raises(ToolError, match="did not say why"):
        text_of(types.CallToolResult(content=[], is_error=True))
