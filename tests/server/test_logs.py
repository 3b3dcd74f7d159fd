"""The server's log."""

from __future__ import annotations

import io
import json

from fusion_graph.server._logs import Log
from tests.server.stand import stand


def test_a_line_is_one_object() -> None:
    stream = io.BytesIO()
    Log(stream, as_json=True, clock=lambda: 1.5).say("request", path="a\nb\x1b", empty="", nothing=None)
    assert stream.getvalue().count(b"\n") == 1
    assert json.loads(stream.getvalue()) == {"at": 1.5, "event": "request", "path": "a\nb\x1b"}


def test_a_line_is_a_line_to_every_reader() -> None:
    # security 29: control characters beyond ASCII are escaped too, and what some take for the end of a line
    stream = io.BytesIO()
    odd = "a\u2028b\x85c\x9b31m\u202e"
    Log(stream, as_json=True).say("ignored", field=odd)
    assert stream.getvalue().isascii()
    assert json.loads(stream.getvalue())["field"] == odd


def test_text_holds_no_control_codes() -> None:
    # security 29
    stream = io.BytesIO()
    Log(stream, as_json=False).say("request", path="a\nb\x1b", seconds=0.123456)
    assert stream.getvalue().endswith(b'request path="a\\nb\\u001b" seconds=0.1235\n')


async def test_texts_stay_out_unless_asked_for() -> None:
    # security 29
    for wanted in (False, True):
        async with stand(log_content=wanted) as at:
            await at.ask(messages=[{"role": "user", "content": "secret question"}])
            assert ("secret question" in at.log_text) is wanted
            assert ("The written answer" in at.log_text) is wanted


async def test_request_line_tells_of_the_run() -> None:
    async with stand() as at:
        await at.ask()
        (line,) = at.log
    assert (line["status"], line["model"], line["state"], line["key"]) == (200, "fusion", "ok", "anyone")
    assert line["cost_usd"] > 0
    assert line["tokens"] > 0
