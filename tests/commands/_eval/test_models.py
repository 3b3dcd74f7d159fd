"""The models of evals: what a budget must know of them, and which tools they get."""

from __future__ import annotations

from typing import Any

import pytest

from fusion_graph.commands._eval.models import Models
from fusion_graph.errors import UsageError
from fusion_graph.evals.arms import Arm
from fusion_graph.settings import load
from fusion_graph.wiring import engines, pipelines


def models(budget_usd: float | None = None) -> Models:
    return Models(None, load(), engines.prices(), budget_usd)


def arm(**node: Any) -> Arm:
    nodes = {"a": {"kind": "proposer", "model": "a/x", **node}}
    return Arm(
        name="p", bound=pipelines.bind(pipelines.load({"version": 1, "name": "p", "nodes": nodes, "output": "a"}))
    )


def test_a_budget_wants_every_price() -> None:
    models().check_prices([arm(model="my/own")], "")
    with pytest.raises(UsageError, match="my/own"):
        models(1.0).check_prices([arm(model="my/own")], "")
    with pytest.raises(UsageError, match="their/judge"):
        models(1.0).check_prices([], "their/judge")


def test_a_public_benchmark_is_not_to_be_found() -> None:
    made = models()
    assert made.tools([arm(tools=["web_fetch"])]).site.web.blocked == ()
    made.guarded = True
    assert "huggingface.co" in made.tools([arm(tools=["web_fetch"])]).site.web.blocked


def test_an_eval_opens_nothing_of_this_machine() -> None:
    with pytest.raises(UsageError, match="tools of the web only"):
        models().tools([arm(tools=["bash"])])
