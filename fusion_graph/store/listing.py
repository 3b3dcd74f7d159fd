"""Runs and series of runs as the journal has them, a line each, and which of them a name means."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from sqlite3 import Connection, Row

from fusion_graph.errors import UsageError
from fusion_graph.store.database import whole
from fusion_graph.store.owner import is_alive

SUMS = (
    " COUNT(attempts.run) AS attempts, SUM(attempts.cost_usd) AS cost_usd,"
    " SUM(attempts.cost_usd IS NULL AND attempts.state != 'started') AS unknown,"
    " SUM(COALESCE(attempts.prompt_tokens, 0) + COALESCE(attempts.completion_tokens, 0)) AS tokens,"
)
RUNS = (
    "SELECT runs.id, runs.pipeline, runs.command, runs.state, runs.reason, runs.began, runs.tried, runs.tries,"
    " runs.owner, runs.series, 1 AS is_run, 1 AS runs,{sums} MAX(attempts.ended) AS last"
    " FROM runs LEFT JOIN attempts ON attempts.run = runs.id"
    " WHERE runs.id IN (SELECT id FROM runs WHERE {where} ORDER BY tried DESC LIMIT ?) GROUP BY runs.id"
)
SERIES = (
    "SELECT series.id, series.title AS pipeline, series.command, series.state, '' AS reason, series.began,"
    " series.tried, series.tries, series.owner, NULL AS series, 0 AS is_run, COUNT(DISTINCT runs.id) AS runs,"
    "{sums} MAX(runs.began + attempts.ended) - series.began AS last"
    " FROM series LEFT JOIN runs ON runs.series = series.id LEFT JOIN attempts ON attempts.run = runs.id"
    " WHERE series.id IN (SELECT id FROM series WHERE {where} ORDER BY tried DESC LIMIT ?) GROUP BY series.id"
)


TABLES = ("runs", "series")


@dataclass(frozen=True, slots=True, kw_only=True)
class RunLine:
    """A run, or all `runs` of a series as one. `state` is `interrupted` for one whose process is gone. `seconds`: until
    its last event of any try; `cost_usd` None when a price is unknown; `series` what a run belongs to."""

    id: str
    pipeline: str
    command: str
    state: str
    reason: str
    began: float
    seconds: float
    tries: int
    attempts: int
    tokens: int
    cost_usd: float | None
    runs: int = 1
    series: str | None = None
    is_run: bool = True  # else a series


def list_runs(
    connection: Connection,
    *,
    most: int,
    pipeline: str | None = None,
    series: str | None = None,
    run: str | None = None,
    apart: bool = False,
) -> list[RunLine]:
    """Single runs, those of one series, or one run; `apart`: all there are, whatever they belong to. The newest
    first; `most` -1: every one."""
    where, values = "series IS NULL", []
    if run is not None:
        where, values = "id = ?", [run]
    elif series is not None:
        where, values = "series = ?", [series]
    elif apart:
        where = "1"
    if pipeline is not None:
        where, values = f"{where} AND pipeline = ?", [*values, pipeline]
    return _newest(connection.execute(RUNS.format(where=where, sums=SUMS), (*values, most)).fetchall(), most)


def list_all(connection: Connection, *, most: int) -> list[RunLine]:
    """Single runs, and each series as one. The newest first."""
    rows = connection.execute(RUNS.format(where="series IS NULL", sums=SUMS), (most,)).fetchall()
    return _newest([*rows, *connection.execute(SERIES.format(where="1", sums=SUMS), (most,))], most)


def line_of_series(connection: Connection, series: str) -> RunLine | None:
    rows = connection.execute(SERIES.format(where="id = ?", sums=SUMS), (series, 1)).fetchall()
    return _line(rows[0]) if rows else None


def find_run(connection: Connection, given: str) -> str:
    """The id that a beginning of it means; `last` is the newest that is of no series. Raises UsageError."""
    found, table = find(connection, given, tables=("runs",) if given == "last" else TABLES)
    if table != "runs":
        (command,) = connection.execute("SELECT command FROM series WHERE id = ?", (found,)).fetchone()
        hint = f"`fusiongraph runs list --of {found}` lists them; {_going_on(command, found)}"
        raise UsageError(f"{given!r} is many runs", hint=hint)
    return found


def find_single(connection: Connection, given: str) -> str:
    """The id of a run that goes on by itself. Raises UsageError for one of an eval or a session: by itself its calls
    would be others, and bought again in the name of the series."""
    found = find_run(connection, given)
    sql = "SELECT series.id, series.command FROM runs JOIN series ON series.id = runs.series WHERE runs.id = ?"
    for series, command in connection.execute(sql, (found,)):
        raise UsageError(f"run {found} is part of {command} {series}", hint=_going_on(command, series))
    return found


def _going_on(command: str, series: str) -> str:
    return f"`fusiongraph {command} --resume {series}` goes on with it"


def find_series(connection: Connection, given: str) -> str:
    """The id of a series. Raises UsageError."""
    found, table = find(connection, given, tables=("series",))
    assert table == "series"
    return found


def find(connection: Connection, given: str, tables: Sequence[str] = TABLES) -> tuple[str, str]:
    """An id and its table, by a beginning of it; `last` is the newest, single runs and series alike. Raises
    UsageError."""
    rows: list[tuple[float, str, str]] = []
    given = whole(given)
    for table in tables:
        where, values = "substr(id, 1, ?) = ?", [len(given), given]
        if given == "last":
            where, values = "series IS NULL" if table == "runs" else "1", []
        sql = f"SELECT tried, id FROM {table} WHERE {where} ORDER BY tried DESC LIMIT 2"  # noqa: S608 (constants)
        rows += [(row["tried"], row["id"], table) for row in connection.execute(sql, values)]
    if not rows or (len(rows) > 1 and given != "last"):
        why = "means several runs" if rows else "is no run"
        raise UsageError(f"{given!r} {why}", hint="`fusiongraph runs` lists them; `last` is the newest")
    return max(rows)[1:]


def _newest(rows: list[Row], most: int) -> list[RunLine]:
    newest = sorted(rows, key=lambda row: row["tried"], reverse=True)
    return [_line(row) for row in (newest[:most] if most >= 0 else newest)]


def _line(row: Row) -> RunLine:
    state = row["state"]
    if state == "running" and not is_alive(row["owner"]):
        state = "interrupted"
    return RunLine(
        id=row["id"],
        pipeline=row["pipeline"],
        command=row["command"],
        state=state,
        reason=row["reason"],
        began=row["began"],
        seconds=row["last"] or 0.0,
        tries=row["tries"],
        attempts=row["attempts"],
        tokens=row["tokens"] or 0,
        cost_usd=None if row["unknown"] else row["cost_usd"] or 0.0,
        runs=row["runs"],
        series=row["series"],
        is_run=bool(row["is_run"]),
    )
