"""What failed a moment ago is not run again at once (wire contract 1.7)."""

from __future__ import annotations

import pytest

from fusion_graph.server._errors import MOST_WAIT_S, RETRY_S, Refused, filtered, internal
from fusion_graph.server._failures import FORGOTTEN_S, LASTING_S, MOST, Failures, said_again
from tests.server.stand import ONE, stand
from tests.server.wires import WIRES


def failed(status: int = 502, *, retry: bool = False) -> Refused:
    return Refused(status, "upstream_error", "no", retry=retry, fusion={})


def test_same_request_is_answered_until_its_wait_is_over() -> None:
    now = [0.0]
    failures = Failures(lambda: now[0])
    failures.remember("a", "x", failed())
    now[0] = 1.5
    told = failures.just_now("a", lambda: "x")
    assert told is not None
    assert told.retry_after_s == RETRY_S - 1
    assert failures.just_now("a", lambda: "y") is failures.just_now("b", lambda: "x") is None
    now[0] = RETRY_S
    assert failures.just_now("a", lambda: "x") is None
    assert failures.tries("a", lambda: "x") == 1
    failures.forget("a", lambda: "x")
    assert failures.tries("a", lambda: "x") == 0


def test_what_failed_for_good_is_said_for_ten_seconds() -> None:
    now = [0.0]
    failures = Failures(lambda: now[0])
    failures.remember("a", "x", filtered())
    now[0] = LASTING_S - 0.1
    assert failures.just_now("a", lambda: "x") is not None
    now[0] = LASTING_S
    assert failures.just_now("a", lambda: "x") is None


def test_tries_are_counted_and_forgotten() -> None:
    now = [0.0]
    failures = Failures(lambda: now[0])
    for i in range(3):
        failures.remember("a", "x", failed())
        assert failures.tries("a", lambda: "x") == i + 1
    now[0] = RETRY_S + FORGOTTEN_S
    assert failures.tries("a", lambda: "x") == 0
    now[0] = FORGOTTEN_S + MOST_WAIT_S + 1
    failures.just_now("a", lambda: "y")
    assert len(failures) == 0
    for i in range(MOST + 5):
        failures.remember("a", str(i), failed())
    assert len(failures) == MOST


@pytest.mark.parametrize(
    ("refused", "tries", "insistent", "lasting", "wait"),
    [
        (failed(), 0, True, False, RETRY_S),
        (failed(), 1, True, True, RETRY_S),
        (failed(), 1, False, False, RETRY_S),
        (failed(429, retry=True), 2, True, False, RETRY_S * 4),
        (failed(429, retry=True), 9, False, False, MOST_WAIT_S),
        (internal(), 1, True, True, None),
    ],
)
def test_said_again(refused: Refused, tries: int, insistent: bool, lasting: bool, wait: int | None) -> None:
    told = said_again(refused, tries, insistent=insistent)
    assert (told.lasting, told.retry_after_s) == (lasting, wait)


@pytest.mark.parametrize("stream", [False, True])
async def test_filtered_answer_is_not_bought_again_by_who_repeats_everything(stream: bool) -> None:
    # Codex takes an answer that a filter ended for a broken stream and sends it again
    async with stand(None, ONE) as at:
        at.upstream.faults["w/w"].append("filter-late")
        body = {"model": "one", "input": "Why?", "stream": stream}
        for status in (200, 400):
            async with at.session.post(at.url(WIRES["responses"].path), json=body) as response:
                text = await response.text()
                assert response.status == status, text
        assert len(at.upstream.received) == 1
        assert "content_filter" in text


async def test_copy_without_streaming_is_told_the_same() -> None:
    async with stand(None, ONE) as at:
        at.upstream.faults["w/w"].append("400")
        assert (await at.ask(model="one", stream=False))[0] == 502
        async with at.post(model="one", stream=True) as response:
            assert response.status == 502
        assert len(at.upstream.received) == 1
