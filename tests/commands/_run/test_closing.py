"""The last lines of a run: what degraded, what it cost, how long it took."""

from __future__ import annotations

from dataclasses import replace

from fusion_graph.commands._run.closing import closing_line, cost, degraded_lines
from fusion_graph.engine.degraded import DegradedEntry
from fusion_graph.engine.report import RunResult
from fusion_graph.events import CallFinished
from tests.commands.conftest import sim_result
from tests.engine.traced import traced


def entry(node: str) -> DegradedEntry:
    return DegradedEntry(
        node=node,
        role="panel",
        model="a/x",
        reason="rate_limited",
        text="a/x:\nslow down",
        action="panel went on with 2",
    )


def priced(result: RunResult, cost_usd: float | None) -> RunResult:
    """The same run with this price for every call."""
    events = [
        event._replace(cost_usd=cost_usd) if isinstance(event, CallFinished) else event for event in result.events
    ]
    return replace(result, trace=traced(*events))


async def test_a_good_run_closes_with_its_figures() -> None:
    line = closing_line(await sim_result(), "2026-11-22")
    assert line.startswith("ok in 0.")
    assert line.endswith(", simulated")
    assert ", 3 calls, " in line
    assert ", $0, " in line


async def test_a_degraded_run_names_the_first_causes() -> None:
    result = replace(await sim_result(), degraded=tuple(entry(f"panel/{i}") for i in range(5)))
    assert closing_line(result, "").endswith(
        "simulated: panel/0 rate_limited, panel/1 rate_limited, panel/2 rate_limited and 2 more"
    )


async def test_each_degradation_is_one_line() -> None:
    result = replace(await sim_result(), degraded=(entry("panel/x"),))
    assert degraded_lines(result) == ["degraded: panel/x: rate_limited (a/x: slow down): panel went on with 2"]


async def test_prices_of_the_table_carry_their_date() -> None:
    result = await sim_result()
    assert cost(priced(result, 0.01), "2026-11-22") == "$0.0300 (prices of 2026-11-22)"
    assert cost(priced(result, None), "2026-11-22") == "cost unknown"
