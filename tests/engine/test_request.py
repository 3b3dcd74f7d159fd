"""What one run is asked."""

from __future__ import annotations

from fusion_graph.engine.request import RunRequest, ask
from fusion_graph.messages import Message


def test_question_is_one_user_message() -> None:
    request = ask("Why?", seed=3, stream=True)
    assert request.messages == (Message("user", "Why?"),)
    assert (request.seed, request.stream, request.n) == (3, True, 1)


def test_nothing_is_asked_of_the_writer_by_default() -> None:
    request = RunRequest(messages=())
    assert (request.writer, request.limits, request.run_id) == (None, None, "")
