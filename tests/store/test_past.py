"""What the next try finds; a journal that somebody else wrote into is no reason to trust it."""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from fusion_graph.errors import Transient, UsageError
from fusion_graph.graph.identity import identities
from fusion_graph.providers.sim import Script
from fusion_graph.store.journal import FILE
from fusion_graph.store.owner import me
from tests.engine.stage import FLAT, Stage
from tests.graph.walk import bound_of
from tests.store.keeping import ASKED, PANEL, gone_on, past_of, written

HANGS: Script = {"m/cheap": [(asyncio.Event(), "never")]}
CHEAP = "one: {kind: proposer, model: m/cheap, max_tokens: 1000}"


def spoil(folder: Path, sql: str, *values: object) -> None:
    with closing(sqlite3.connect(folder / FILE)) as connection:
        connection.execute(sql, values)
        connection.commit()


def same(nodes: str) -> dict[str, str]:
    bound = bound_of(nodes)
    return dict(zip(bound.plan.ids, identities(bound, ASKED, "sim"), strict=True))


async def test_decisions_hold_for_nodes_that_are_the_same(tmp_path: Path) -> None:
    await written(Stage(), tmp_path)
    past = past_of(tmp_path)
    assert past.decided(same(PANEL)) == {"panel": ("panel/a", "panel/b")}
    assert past.decided(same(PANEL.replace("m/b", "m/c"))) == {}


async def test_what_a_decision_went_without_is_told_again(tmp_path: Path) -> None:
    stage = Stage({"m/b": Transient("upstream_5xx")})
    nodes = PANEL.replace("models: [m/a, m/b]", "models: [m/a, {model: m/b, retry: {attempts: 1}}]")
    await written(stage, tmp_path, nodes)
    past, bound = past_of(tmp_path), bound_of(nodes)
    ((member, reason, _, action),) = past.lost(same(nodes), bound)
    assert (member, reason) == ("panel/b", "upstream_5xx")
    assert action == "panel went on with 1 of 2 in an earlier try"


async def test_run_that_still_goes_on_is_left_alone(tmp_path: Path) -> None:
    await written(Stage(), tmp_path)
    spoil(tmp_path, "UPDATE runs SET state = 'running', owner = ?", me())
    with pytest.raises(UsageError, match="still going on"):
        past_of(tmp_path)


async def test_unknown_run_is_told(tmp_path: Path) -> None:
    await written(Stage(), tmp_path)
    with pytest.raises(UsageError, match="no run 'nobody'"):
        past_of(tmp_path, "nobody")


@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE blobs SET body = '{'",
        "UPDATE blobs SET body = '[1]'",
        "UPDATE blobs SET body = '{\"text\": 5}'",
        "UPDATE runs SET params = 'x'",
        "UPDATE runs SET params = '[]'",
        "UPDATE node_runs SET chosen = '7', late = '{}'",
        "UPDATE node_runs SET chosen = '[[\"panel/a\"]]'",
        "UPDATE attempts SET reply = NULL, state = 'ok', cost_usd = 'much', prompt_tokens = 'x'",
    ],
)
async def test_spoilt_row_is_a_clear_error(sql: str, tmp_path: Path) -> None:
    await written(Stage(), tmp_path)
    spoil(tmp_path, sql)
    with pytest.raises(UsageError, match="cannot be read any more"):
        past_of(tmp_path)


@pytest.mark.parametrize("chosen", ['["nowhere"]', '["answer"]', '["panel"]', "[]"])
async def test_decision_that_names_other_nodes_is_not_taken(chosen: str, tmp_path: Path) -> None:
    await written(Stage(), tmp_path)
    spoil(tmp_path, "UPDATE node_runs SET chosen = ? WHERE node = 'panel'", chosen)
    stage = Stage()
    again = await gone_on(stage, tmp_path)
    assert (again.state, stage.asked) == ("ok", [])


async def killed(stage: Stage, folder: Path, nodes: str, **top: Any) -> None:
    """Its process is gone while the model has not answered."""
    task = asyncio.create_task(written(stage, folder, nodes, **top))
    await stage.sim.called("m/cheap")
    with closing(sqlite3.connect(folder / FILE)) as connection:
        (held,) = connection.execute("SELECT reserved_usd FROM attempts WHERE state = 'started'").fetchone()
    task.cancel()
    await asyncio.wait([task])
    spoil(folder, "UPDATE runs SET state = 'running', owner = 'here/1/1'")
    spoil(folder, "UPDATE attempts SET state = 'started', cost_usd = NULL, reserved_usd = ?", held)


async def test_what_was_in_flight_counts_as_its_worst_case(tmp_path: Path) -> None:
    await killed(Stage(HANGS, prices=FLAT), tmp_path, CHEAP, limits={"budget_usd": 0.00201})
    past = past_of(tmp_path)
    assert past.in_flight == ("one",)
    assert past.cost_usd == past.held_usd == past.spent[0] > 0.001
    again = await gone_on(Stage(prices=FLAT), tmp_path, CHEAP, limits={"budget_usd": 0.00201})
    assert again.error is not None
    assert again.error.reason == "budget"
    assert (await gone_on(Stage(prices=FLAT), tmp_path, CHEAP, limits={"budget_usd": 0.005})).state == "ok"


async def test_without_a_budget_nothing_is_known_of_what_was_in_flight(tmp_path: Path) -> None:
    await killed(Stage(HANGS, prices=FLAT), tmp_path, CHEAP, limits={"max_calls": 3})
    past = past_of(tmp_path)
    assert (past.in_flight, past.spent[:2], past.cost_usd, past.held_usd) == (("one",), (0.0, 1), None, 0.0)
