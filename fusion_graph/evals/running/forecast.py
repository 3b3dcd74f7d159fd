"""What an eval will take at most, before anything is spent: calls of the arms and of the judge, and their cost. Bounds,
not guesses: every text as long as it may be, nothing shared and nothing recorded."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from fusion_graph.engine.estimates import prompt_tokens, text_tokens
from fusion_graph.evals.arms import Arm
from fusion_graph.evals.running.judging import Judging
from fusion_graph.evals.task import TaskSet
from fusion_graph.graph.forecast.estimate import Rates, estimate
from fusion_graph.graph.forecast.tokens import DEFAULT_OUTPUT_TOKENS, output_tokens
from fusion_graph.messages import Message, Usage

VERDICT_TOKENS = 300  # of a judge's reply: two sentences, and what a little thinking takes


@dataclass(frozen=True, slots=True, kw_only=True)
class Forecast:
    """`None`: a price is unknown."""

    arm_calls: int
    arm_usd: float | None
    judge_calls: int
    judge_usd: float | None


def foresee(
    arms: Sequence[Arm], tasks: TaskSet, runs: int, judging: Judging | None, rates: Callable[[str], Rates | None]
) -> Forecast:
    """`rates` as `graph/forecast` takes it."""
    longest = max(text_tokens(task.prompt) for task in tasks.tasks)
    planned = [estimate(arm.bound, rates, longest) for arm in arms]
    times = len(tasks.tasks) * runs
    costs = [one.cost.most for one in planned]
    criteria = sum(len(task.criteria) for task in tasks.tasks) * runs * len(arms)
    judge_calls = criteria * judging.passes if judging else 0
    return Forecast(
        arm_calls=sum(one.calls.most for one in planned) * times,
        arm_usd=None if None in costs else sum(cost or 0.0 for cost in costs) * times,
        judge_calls=judge_calls,
        judge_usd=_judge_usd(arms, tasks, judging, judge_calls, rates) if judging and judge_calls else 0.0,
    )


def _judge_usd(
    arms: Sequence[Arm], tasks: TaskSet, judging: Judging, calls: int, rates: Callable[[str], Rates | None]
) -> float | None:
    price = rates(judging.model)
    if price is None:
        return None
    asked = max(prompt_tokens((Message("user", task.prompt),)) for task in tasks.tasks)
    fixed = text_tokens(judging.protocol.template)
    text = max((_longest_answer(arm) for arm in arms), default=DEFAULT_OUTPUT_TOKENS)
    one = Usage(prompt_tokens=asked + fixed + text, completion_tokens=VERDICT_TOKENS)
    return price.cost(one) * calls


def _longest_answer(arm: Arm) -> int:
    writers = [arm.bound.nodes[i] for i in arm.bound.writers]
    return max((output_tokens(node) for node in writers if node.model), default=DEFAULT_OUTPUT_TOKENS)
