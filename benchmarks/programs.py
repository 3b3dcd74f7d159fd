"""What the benchmarks of the server start: an upstream that answers from ready-made bytes, and the bare server of
somebody who needs this one panel, this one pass-through and aiohttp, and nothing else.

`python -m benchmarks.programs upstream PORT`, `... bare PORT UPSTREAM_PORT WORDS`. Ours is the command line as it is.
WORDS are the prompts, as JSON: both ask the same, and the bare server imports nothing of ours.
"""

from __future__ import annotations

import asyncio
import json
import secrets
import sys
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import aiohttp
    from aiohttp import web

MODELS = ("a/x", "b/y", "c/z")
CALLS = len(MODELS) + 2
DRAFT = "A draft of some length that says something about the question, as drafts do. " * 4
VERDICT = {"consensus": ["yes"], "contradictions": [], "partial_coverage": [], "unique_insights": [], "blind_spots": []}
CHUNKS, PACE_S = 200, 0.005
BURST, PACED, FIRST = "burst", "paced", "first"
"""Questions that are answered with all chunks at once, with one every PACE_S, and with one and all others PACE_S later.
"""

# --- the upstream -----------------------------------------------------------------------------------------------------


def event(delta: Mapping[str, Any] | None, finish: str | None = None, **more: Any) -> bytes:
    choices = [] if delta is None else [{"index": 0, "delta": delta, "finish_reason": finish}]
    head = {"id": "up", "object": "chat.completion.chunk", "created": 0, "model": "m", "choices": choices}
    return b"data: " + json.dumps({**head, **more}).encode() + b"\n\n"


COUNT = {"prompt_tokens": 9, "completion_tokens": 9, "total_tokens": 18}
TAIL = event({}, "stop") + event(None, usage=COUNT) + b"data: [DONE]\n\n"
PIECES = [event({"content": f"word{i} "}) for i in range(CHUNKS)]


def streamed(text: str) -> bytes:
    return event({"role": "assistant", "content": ""}) + event({"content": text}) + TAIL


def whole(text: str) -> bytes:
    choice = {"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"}
    head = {"id": "up", "object": "chat.completion", "created": 0, "model": "m"}
    return json.dumps({**head, "choices": [choice], "usage": COUNT}).encode()


class Upstream(asyncio.Protocol):
    """One connection. `seen` counts calls and connections of all."""

    seen: Mapping[str, int] = {"calls": 0, "connections": 0}
    judged = (whole(json.dumps(VERDICT)), streamed(json.dumps(VERDICT)))
    drafted = (whole(DRAFT), streamed(DRAFT))

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport: Any = transport
        self._data = b""
        self._called = False

    def data_received(self, data: bytes) -> None:
        self._data += data
        while (end := self._data.find(b"\r\n\r\n")) >= 0:
            head = self._data[:end].lower()
            if head.startswith(b"get "):
                self._data = self._data[end + 4 :]
                self._write(json.dumps(Upstream.seen).encode(), b"application/json")
                continue
            size = int(head.partition(b"content-length:")[2].partition(b"\r\n")[0])
            if len(self._data) < end + 4 + size:
                return
            body, self._data = json.loads(self._data[end + 4 : end + 4 + size]), self._data[end + 4 + size :]
            self._count()
            self._answer(body)

    def _count(self) -> None:
        seen = Upstream.seen
        Upstream.seen = {"calls": seen["calls"] + 1, "connections": seen["connections"] + (not self._called)}
        self._called = True

    def _answer(self, body: Mapping[str, Any]) -> None:
        asked, stream = body["messages"][-1]["content"], bool(body.get("stream"))
        if asked in (BURST, PACED, FIRST):
            self._transport.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n")
            self._transport.write(b"Transfer-Encoding: chunked\r\n\r\n")
            self._say(0, 0 if asked == BURST else 1 if asked == FIRST else CHUNKS)
        else:
            reply = (self.judged if body["model"] == "j/j" else self.drafted)[stream]
            self._write(reply, b"text/event-stream" if stream else b"application/json")

    def _say(self, n: int, pauses: int) -> None:
        """One event after the other, each a write and a chunk of its own, as servers of models send them; behind the
        first `pauses` of them a pause."""
        while True:
            chunk = PIECES[n] if n < CHUNKS else TAIL
            end = b"" if n < CHUNKS else b"0\r\n\r\n"
            self._transport.write(b"%x\r\n%b\r\n%b" % (len(chunk), chunk, end))
            n += 1
            if n > CHUNKS:
                return
            if n <= pauses:
                asyncio.get_running_loop().call_later(PACE_S, self._say, n, pauses)
                return

    def _write(self, body: bytes, media: bytes) -> None:
        self._transport.write(
            b"HTTP/1.1 200 OK\r\nContent-Type: %b\r\nContent-Length: %d\r\n\r\n%b" % (media, len(body), body)
        )


def upstream(port: int) -> None:
    async def serve() -> None:
        server = await asyncio.get_running_loop().create_server(Upstream, "127.0.0.1", port, backlog=1024)
        await server.serve_forever()

    asyncio.run(serve())


# --- the bare server --------------------------------------------------------------------------------------------------


class Bare:
    """Five calls with our prompts, or a pass-through. Any failure is a 500."""

    def __init__(self, session: aiohttp.ClientSession, url: str, words: Mapping[str, Any]) -> None:
        self._session = session
        self._url = url
        self._words = words

    async def answer(self, request: web.Request) -> web.StreamResponse:
        from aiohttp import web

        asked = await request.json()
        if asked["model"] == "one":
            return await self._pass(request, {**asked, "model": "w/w"})
        text, tokens = await self.fuse(asked["messages"])
        choice = {"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"}
        head = {"id": "x", "object": "chat.completion", "created": 0, "model": "m"}
        return web.json_response({**head, "choices": [choice], "usage": {"total_tokens": tokens}})

    async def fuse(self, messages: list[Any]) -> tuple[str, int]:
        """The answer, and what all calls used."""
        words, fence = self._words, secrets.token_hex(6)
        found = await asyncio.gather(*(self.call({"model": model, "messages": messages}) for model in MODELS))
        shown = "\n\n".join(
            f"<<< draft {name} | {fence} >>>\n{text}\n<<< end of {name} | {fence} >>>"
            for name, (text, _) in zip("ABC", found, strict=True)
        )
        data, quoted = (
            words["data"].format(fence=fence),
            "\n\n".join(f"[{m['role']}]\n{m['content']}" for m in messages),
        )
        prompt = (
            f"{data}\n\n<<< the conversation | {fence} >>>\n{quoted}\n<<< end of the conversation | {fence} >>>"
            f"\n\n{shown}\n\n{words['analyze']}\n\n{words['form']}"
        )
        asked = [{"role": "system", "content": words["judge"]}, {"role": "user", "content": prompt}]
        form = {"temperature": 0, "response_format": words["response_format"]}
        verdict, counted = await self.call({"model": "j/j", "messages": asked, **form})
        held = "\n".join(f"- {text}" for text in json.loads(verdict)["consensus"])
        analysis = f"Held by all or nearly all:\n{held}"
        last = (
            f"{data}\n\n{shown}\n\n<<< the analysis | {fence} >>>\n{analysis}\n<<< end of the analysis | {fence} >>>"
            f"\n\n{words['synthesize']}"
        )
        text, written = await self.call({"model": "w/w", "messages": [*messages, {"role": "user", "content": last}]})
        return text, sum(tokens for _, tokens in found) + counted + written

    async def call(self, asked: Mapping[str, Any]) -> tuple[str, int]:
        """Streamed, as ours is, so that a slow model is told from a dead one; the text and the tokens used."""
        body = {**asked, "stream": True, "stream_options": {"include_usage": True}}
        async with self._session.post(self._url, json=body) as response:
            raw = (await response.read()).decode()
        parts, tokens = [], 0
        for line in raw.split("\n"):
            if line.startswith("data: {"):
                event = json.loads(line[6:])
                if event["choices"]:
                    parts.append(event["choices"][0]["delta"].get("content", ""))
                if event.get("usage"):
                    tokens = event["usage"]["total_tokens"]
        return "".join(parts), tokens

    async def _pass(self, request: web.Request, body: Mapping[str, Any]) -> web.StreamResponse:
        """The bytes as they come; nobody looks at them."""
        from aiohttp import web

        async with self._session.post(self._url, json=body) as up:
            if not body.get("stream"):
                return web.Response(body=await up.read(), content_type="application/json")
            response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
            await response.prepare(request)
            async for chunk in up.content.iter_any():
                await response.write(chunk)
            return response


def bare(port: int, upstream_port: int, words: Mapping[str, Any]) -> None:
    import aiohttp
    from aiohttp import web

    async def run() -> None:
        async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:
            app = web.Application()
            made = Bare(session, f"http://127.0.0.1:{upstream_port}/v1/chat/completions", words)
            app.router.add_post("/v1/chat/completions", made.answer)
            site = web.AppRunner(app, access_log=None)
            await site.setup()
            await web.TCPSite(site, "127.0.0.1", port, backlog=1024).start()
            await asyncio.Event().wait()

    with asyncio.Runner(loop_factory=_loop_factory()) as runner:
        runner.run(run())


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    """uvloop if it is installed, as in our server: it is no merit of ours."""
    try:
        import uvloop
    except ImportError:
        return None
    factory: Callable[[], asyncio.AbstractEventLoop] = uvloop.new_event_loop
    return factory


if __name__ == "__main__":
    programs: Mapping[str, Callable[..., None]] = {"upstream": upstream, "bare": bare}
    programs[sys.argv[1]](*map(json.loads, sys.argv[2:]))
