"""What is refused before a run spends anything."""

from __future__ import annotations

import pytest

from fusion_graph.engine.preflight import check_run, writer_hold
from fusion_graph.engine.request import RunRequest, ask
from fusion_graph.errors import UsageError
from fusion_graph.messages import Message, Sampling
from fusion_graph.pipeline import Limits
from tests.engine.stage import FLAT, Stage
from tests.graph.walk import bound_of

ONE = "a: {kind: proposer, model: m/cheap, max_tokens: 100%s}"
TALK = (Message("user", "Why?"),)


def refused(nodes: str, request: RunRequest | None = None, stage: Stage | None = None) -> UsageError:
    with pytest.raises(UsageError) as caught:
        check_run(bound_of(nodes), request or ask("Why?"), (stage or Stage(prices=FLAT)).fusion.services)
    assert caught.value.exit_code == 2
    assert caught.value.hint
    return caught.value


def test_sound_run_passes() -> None:
    check_run(bound_of(ONE % ""), ask("Why?"), Stage(prices=FLAT).fusion.services)


def test_empty_conversation_is_refused() -> None:
    assert "empty" in refused(ONE % "", RunRequest(messages=())).message


@pytest.mark.parametrize("nodes", [ONE % ", alternates: [m/b@nowhere]", ONE.replace("m/cheap", "m/a@nowhere") % ""])
def test_unknown_backend_is_refused(nodes: str) -> None:
    assert "nowhere" in refused(nodes).message


@pytest.mark.parametrize("nodes", [ONE % ", alternates: [m/secret]", ONE.replace("m/cheap", "m/secret") % ""])
def test_unknown_price_is_refused_under_a_budget(nodes: str) -> None:
    # semantics 4: unknown price with a budget: refused before spending
    request = RunRequest(messages=TALK, limits=Limits(budget_usd=100))
    assert "m/secret" in refused(nodes, request).message
    check_run(bound_of(nodes), ask("Why?"), Stage(prices=FLAT).fusion.services)


@pytest.mark.parametrize(
    ("limits", "said"),
    [
        (Limits(budget_usd=0.00001), "a budget of 1e-05 USD"),
        (Limits(max_calls=0), "max_calls"),
        (Limits(max_tokens=100), "max_tokens"),
    ],
)
def test_limit_below_one_writer_call_is_refused(limits: Limits, said: str) -> None:
    # semantics 4: a hold alone above the limit is FG5xx
    assert said in refused(ONE % "", RunRequest(messages=TALK, limits=limits)).message


def test_request_limits_go_before_the_files() -> None:
    bound = bound_of(ONE % "", limits={"max_calls": 5})
    with pytest.raises(UsageError, match="max_calls"):
        check_run(bound, RunRequest(messages=TALK, limits=Limits(max_calls=0)), Stage(prices=FLAT).fusion.services)


def hold(nodes: str, request: RunRequest | None = None) -> float:
    return writer_hold(bound_of(nodes), request or ask("Why?"), Stage(prices=FLAT).fusion.services).tokens


def test_hold_grows_with_what_the_writer_may_see() -> None:
    # semantics 4: the worst case of one writer call (prompt bounded by the drafts' `max_tokens`)
    fan = (
        "p: {kind: layer, models: [m/cheap, m/cheap], max_tokens: %d}\nw: {kind: synth, model: m/cheap, inputs: [p]%s}"
    )
    few, many = hold(fan % (100, ", max_tokens: 50")), hold(fan % (1000, ", max_tokens: 50"))
    assert many - few == 2 * 900
    assert hold(fan % (100, ", max_tokens: 150")) - few == 100


def test_hold_grows_with_the_question() -> None:
    assert hold(ONE % "", ask("x" * 4000)) - hold(ONE % "") > 900


def test_hold_is_the_dearest_writers() -> None:
    nodes = (
        "a: {kind: proposer, model: m/cheap, max_tokens: 100}\nb: {kind: proposer, model: m/dear, max_tokens: 100}\n"
        "f: {kind: fallback, inputs: [a, b]}"
    )
    services = Stage(prices=FLAT).fusion.services
    amount = writer_hold(bound_of(nodes), ask("Why?"), services)
    assert amount.usd > 100
    assert amount.calls == 1


def test_hold_counts_what_the_request_asks() -> None:
    asked = RunRequest(messages=TALK, writer=Sampling(max_tokens=900))
    assert hold(ONE % "", asked) - hold(ONE % "") == 800
    assert hold(ONE % "", RunRequest(messages=TALK, n=3)) == 3 * hold(ONE % "")


def test_verbatim_output_holds_nothing() -> None:
    nodes = "p: {kind: layer, models: [m/cheap, m/cheap]}\nf: {kind: fallback, inputs: [p]}"
    assert hold(nodes) == 0


def test_several_texts_need_a_live_writer() -> None:
    # semantics 3: held or verbatim-only outputs: 400
    assert "n > 1" in refused(ONE % ", usable: {complete: true}", RunRequest(messages=TALK, n=2)).message
