"""Runs that belong together: written, found and taken up by another process."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from fusion_graph.engine.report import RunResult
from fusion_graph.errors import UsageError
from fusion_graph.events import CallStarted, Event
from fusion_graph.messages import Completion
from fusion_graph.store.database import reading
from fusion_graph.store.journal import FILE, Job, Journal, digest_of
from fusion_graph.store.listing import find, find_run, line_of_series, list_all, list_runs
from fusion_graph.store.series import Heard, Series, take_up
from fusion_graph.store.tables import JOURNAL
from tests.engine.stage import Stage
from tests.graph.walk import bound_of
from tests.store.keeping import ASKED, PANEL

BOUND = bound_of(PANEL)


async def run(
    series: Series, stage: Stage, *words: str, part: str = "", events: list[Event] | None = None
) -> RunResult:
    """A run of the series, which goes on if it was there."""
    run_id = series.run_id(*words)
    past = series.past(run_id)
    memory = series.memory(Job(run_id, BOUND, ASKED, series.fence, "sim", part=part), past)
    tell = (lambda _event: None) if events is None else events.append
    result = await stage.run(BOUND, listener=tell, messages=ASKED, run_id=run_id, fence=series.fence, memory=memory)
    memory.conclude("{}")
    await series.flush()
    return result


async def made(folder: Path, *, title: str = "some work", state: str = "ok") -> Series:
    """One with two runs, of a process that is done."""
    journal = Journal(folder)
    series = Series(journal=journal, command="eval", title=title, place="here")
    for word in ("one", "two"):
        await run(series, Stage({"m/w": word}), word, part="p")
    series.write({"n": 1})
    series.write({"n": 2})
    series.end(state)
    journal.close()
    return series


async def test_it_goes_on_in_another_process(tmp_path: Path) -> None:
    first = await made(tmp_path)
    journal = Journal(tmp_path)
    for given in ("last", first.id, first.id[:6]):
        again = take_up(journal, "eval", given, "here")
        assert (again.id, again.fence, again.title) == (first.id, first.fence, "some work")
        assert (again.lines, again.length, again.tries) == ([{"n": 1}, {"n": 2}], 2, 1)
    stage = Stage()
    assert (await run(again, stage, "two", part="p")).text == "two"
    assert stage.asked == []
    again.write({"n": 3})
    again.end("finished")
    journal.close()
    with reading(tmp_path / FILE, JOURNAL) as connection:
        rows = connection.execute("SELECT number, body FROM lines ORDER BY number").fetchall()
        assert [tuple(row) for row in rows] == [(0, '{"n": 1}'), (1, '{"n": 2}'), (2, '{"n": 3}')]
        assert (line := line_of_series(connection, first.id))
        assert (line.state, line.tries, line.runs) == ("finished", 2, 2)


async def test_one_that_finds_all_it_needs_ends_too(tmp_path: Path) -> None:
    first = await made(tmp_path, state="running")
    with closing(sqlite3.connect(tmp_path / FILE)) as writing:
        writing.execute("UPDATE series SET owner = 'here/1/1'")
        writing.commit()
    journal = Journal(tmp_path)
    take_up(journal, "eval", "last").end("ok")
    journal.close()
    with reading(tmp_path / FILE, JOURNAL) as connection:
        assert (line := line_of_series(connection, first.id))
        assert line.state == "ok"


async def test_what_cannot_be_taken_up_is_told(tmp_path: Path) -> None:
    first, second = await made(tmp_path), await made(tmp_path)
    journal = Journal(tmp_path)
    for command, given, place, told in (
        ("eval", "zz", None, "no eval zz"),
        ("code", "last", None, "no session last"),
        ("eval", "last", "there", "no eval last that worked on there"),
        ("eval", "", None, "means several"),
    ):
        with pytest.raises(UsageError, match=told):
            take_up(journal, command, given, place)
    assert take_up(journal, "eval", "last").id == second.id
    with closing(sqlite3.connect(tmp_path / FILE)) as writing:
        writing.execute("UPDATE lines SET body = '[]' WHERE series = ?", (first.id,))
        writing.commit()
    with pytest.raises(UsageError, match="cannot be read any more"):
        take_up(journal, "eval", first.id)
    journal.close()


async def test_a_reply_is_found_by_part_and_digest(tmp_path: Path) -> None:
    await made(tmp_path)
    journal = Journal(tmp_path)
    series, told = take_up(journal, "eval", "last"), list[Event]()
    await run(series, Stage(), "three", part="q", events=told)
    (sent,) = (event for event in told if isinstance(event, CallStarted) and event.node == "panel/a")
    digest = digest_of(Job("", BOUND, ASKED, series.fence, "sim"), sent)
    heard = series.heard("p", digest)
    assert heard is not None
    assert heard.completion.text
    assert series.heard("r", digest) is None
    assert series.heard("p", "other") is None
    call = (sent.node, sent.call, sent.attempt)
    series.retime(series.run_id("three"), call, Heard(1.5, 7.0, Completion()))
    await series.flush()
    assert (again := series.heard("q", digest))
    assert again.first_s == pytest.approx(1.5)
    assert again.seconds == pytest.approx(7.0)
    series.end("ok")
    journal.close()


async def test_two_runs_of_one_name_break_nothing(tmp_path: Path) -> None:
    """Whoever gives names may give one twice."""
    journal = Journal(tmp_path)
    series = Series(journal=journal, command="eval")
    job = Job("0" * 16, BOUND, ASKED, series.fence, "sim")
    for _ in range(2):
        await Stage().run(BOUND, messages=ASKED, run_id=job.id, fence=series.fence, memory=series.memory(job))
    assert journal.off == ""
    series.end("ok")
    journal.close()


async def test_it_is_listed_as_one(tmp_path: Path) -> None:
    series = await made(tmp_path, state="running")
    with reading(tmp_path / FILE, JOURNAL) as connection:
        (line,) = list_all(connection, most=9)
        assert (line.id, line.pipeline, line.runs, line.attempts) == (series.id, "some work", 2, 6)
        assert list_runs(connection, most=9) == []
        assert {one.series for one in list_runs(connection, most=9, series=series.id)} == {series.id}
        assert len(list_runs(connection, most=-1, apart=True)) == 2
        assert find(connection, "last") == (series.id, "series")
        assert find_run(connection, series.run_id("one")) == series.run_id("one")
        with pytest.raises(UsageError, match="is many runs"):
            find_run(connection, series.id)
        with pytest.raises(UsageError, match="is no run"):
            find_run(connection, "last")
    with closing(sqlite3.connect(tmp_path / FILE)) as writing:
        writing.execute("UPDATE series SET owner = 'here/1/1'")
        writing.commit()
    with reading(tmp_path / FILE, JOURNAL) as connection:
        assert [one.state for one in list_all(connection, most=9)] == ["interrupted"]


async def test_without_a_journal_nothing_is_kept() -> None:
    series = Series(journal=Journal(None), command="eval")
    assert (await run(series, Stage({"m/w": "done"}), "one")).text == "done"
    series.write({"n": 1})
    assert (series.kept, series.length, series.past(series.run_id("one"))) == (False, 1, None)
    assert (series.heard("p", "d"), series.document("r")) == (None, None)
    series.end("ok")
    with pytest.raises(UsageError, match="journal cannot be read"):
        take_up(series.journal, "eval", "last")


async def test_one_of_two_that_go_on_at_once_is_refused(tmp_path: Path) -> None:
    """Both looked before either began: the later one neither writes nor ends what is the other's."""
    await made(tmp_path)
    journals = Journal(tmp_path), Journal(tmp_path)
    faster, slower = (take_up(journal, "eval", "last") for journal in journals)
    faster.begin()
    with pytest.raises(UsageError, match="goes on in another process"):
        slower.write({"n": 3})
    slower.end("interrupted")
    journals[1].close()
    with reading(tmp_path / FILE, JOURNAL) as connection:
        line = line_of_series(connection, faster.id)
    assert (line and line.state, line and line.tries) == ("running", 2)
    faster.write({"n": 3})
    faster.end("ok")
    journals[0].close()
    assert not journals[0].off
    with reading(tmp_path / FILE, JOURNAL) as connection:
        line = line_of_series(connection, faster.id)
    assert (line and line.state) == "ok"
