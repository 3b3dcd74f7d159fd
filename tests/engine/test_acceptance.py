"""What counts as a reply, by call and by request; the rules of `usable` themselves are tried in graph/test_answers."""

from __future__ import annotations

import pytest

from fusion_graph.contracts import Ask
from fusion_graph.engine.acceptance import Refused, Unusable, accept
from fusion_graph.engine.attempts import CallRun
from fusion_graph.engine.request import RunRequest
from fusion_graph.engine.run import Run
from fusion_graph.messages import Completion, Message, Purpose, Sampling
from tests.engine.stage import Stage
from tests.graph.walk import bound_of

TALK = (Message("user", "?"),)
JSON = Sampling(response_format={"type": "json_object"})


def call_of(purpose: Purpose = "final", options: str = "", writer: Sampling | None = None) -> CallRun:
    bound = bound_of(f"a: {{kind: proposer, model: m/a{options}}}")
    run = Run(Stage().fusion.services, bound, RunRequest(messages=TALK, writer=writer), None)
    return CallRun(run, bound.nodes[0], Ask(TALK, purpose), 0)


@pytest.mark.parametrize("purpose", ["note", "draft", "final"])
def test_no_call_takes_a_blank_reply(purpose: Purpose) -> None:
    with pytest.raises(Unusable) as caught:
        accept(call_of(purpose), Completion(text=" \n"))
    assert (caught.value.reason, caught.value.transient) == ("unusable:blank", True)


def test_notes_are_free_of_the_nodes_rule() -> None:
    accept(call_of("note", ", usable: {match: '^yes'}"), Completion(text="no"))
    with pytest.raises(Unusable, match="match"):
        accept(call_of("final", ", usable: {match: '^yes'}"), Completion(text="no"))


def test_refusal_is_not_asked_again() -> None:
    with pytest.raises(Refused) as caught:
        accept(call_of(), Completion(refusal="I would rather not"))
    assert (caught.value.reason, caught.value.transient) == ("content_filter", False)


def test_writers_keep_the_requests_contract() -> None:
    """A critique or a verdict of the same node is not the answer and need not."""
    with pytest.raises(Unusable, match="contract"):
        accept(call_of(writer=JSON), Completion(text="plain"))
    accept(call_of("note", writer=JSON), Completion(text="plain"))
    accept(call_of(writer=JSON), Completion(text="{}"))
