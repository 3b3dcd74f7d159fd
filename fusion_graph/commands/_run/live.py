"""The live tree of a run's nodes on a terminal, drawn with rich on stderr ten times a second at most. It never takes
more lines than the screen has: groups fold into one line first, then nodes where nothing happens."""

from __future__ import annotations

import asyncio
import time
from collections import Counter

from rich.console import Console
from rich.text import Text

from fusion_graph.commands._console import scrub
from fusion_graph.commands._run.board import ACTIVE, GOOD, SETTLED, Board, Row
from fusion_graph.events import Event
from fusion_graph.figures import count, seconds, usd
from fusion_graph.graph.expand import as_key
from fusion_graph.messages import total_cost

INTERVAL_S = 0.1
SHARE = 20  # drawing takes at most one part in so many of the time
SPARE = 3  # lines of the screen that stay free
WIDEST = 28  # cells of a node's name
NARROW = 70  # cells of a screen without room for tokens and cost
BESIDE = 38  # cells of one beside a name: state, seconds, the beginning of a note
TOLD = ("writing", "asking", "retrying", "failed")  # of the members of a folded group
ORDER = (
    "ok",
    "cached",
    "replayed",
    "writing",
    "asking",
    "working",
    "retrying",
    "waiting",
    "skipped",
    "failed",
    "cancelled",
)
STYLES = {
    "ok": "green",
    "cached": "green",
    "replayed": "green",
    "failed": "bold red",
    "cancelled": "yellow",
    "retrying": "yellow",
    "writing": "cyan",
    "asking": "cyan",
    "working": "cyan",
    "waiting": "dim",
    "skipped": "dim",
}


class LiveTree:
    """Listens to a run, draws until `stop`. Made inside the event loop."""

    def __init__(self, *, color: bool = True) -> None:
        self.board = Board()
        self._console = Console(stderr=True, color_system="auto" if color else None, highlight=False)
        self._drawn: list[Text] = []
        self._timer: asyncio.TimerHandle | None = None
        self._began = 0.0

    def __call__(self, event: Event) -> None:
        self.board.see(event)
        if self._timer is None and self._began == 0.0:
            self._began = time.monotonic() - event.at
            self._tick()

    def stop(self) -> None:
        """Leave the last state on the screen, and the cursor below it."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
            self._draw()

    def _tick(self) -> None:
        begin = time.perf_counter()
        self._draw()
        pause = max(INTERVAL_S, SHARE * (time.perf_counter() - begin))
        self._timer = asyncio.get_running_loop().call_later(pause, self._tick)

    def _draw(self) -> None:
        """Write the picture over the one before, in one piece. A screen that became narrower has broken the old
        lines."""
        width, height = self._console.size
        taken = sum(max(1, -(-line.cell_len // width)) for line in self._drawn)
        self._drawn = frame(self.board, time.monotonic() - self._began, width, height)
        with self._console.capture() as drawn:
            self._console.print(*self._drawn, sep="\n")
        up = f"\x1b[{min(taken, height - 1)}F" if taken else ""
        lines = drawn.get().replace("\n", "\x1b[K\n")  # each line clears the old one behind it: nothing flickers
        self._console.file.write(f"{up}{lines}\x1b[J")
        self._console.file.flush()


def frame(board: Board, now: float, width: int, height: int) -> list[Text]:
    """The lines of one picture, none wider than the screen, fewer than it is high."""
    rows, folded, hidden = visible(board, max(height - SPARE, 3))
    names = ["  " * row.depth + row.title for row in rows]
    wide = width >= NARROW
    room = min(max([8, *map(len, names)]), WIDEST if wide else max(WIDEST // 2, width - BESIDE))
    lines = [
        _line(row, _fit(name, room), now, folded=row.id in folded, wide=wide)
        for row, name in zip(rows, names, strict=True)
    ]
    if hidden:
        lines.append(Text(f"and {sum(hidden.values())} more: {_told(hidden)}", style="dim"))
    lines.append(_foot(board, now))
    for line in lines:
        line.rstrip()
        line.truncate(width - 1, overflow="ellipsis")
        line.no_wrap = True
    return lines


def visible(board: Board, room: int) -> tuple[list[Row], set[str], Counter[str]]:
    """The rows that fit, which of them are groups shown without their members, and the states of what is not shown."""
    rows = list(board.walk())
    folded: set[str] = set()
    gone: set[str] = set()
    for group in sorted((row for row in rows if row.members), key=_dullness):
        if len(rows) - len(gone) <= room:
            break
        folded.add(group.id)
        gone.update(row.id for row in group.inside)
    rows = [row for row in rows if row.id not in gone]
    if len(rows) <= room:
        return _with_failed(rows, folded, room), folded, Counter()
    busy = [row for row in rows if row.state in ACTIVE or row.state == "failed"][: room - 1]
    shown = {row.id for row in busy}
    return busy, folded, Counter(row.state for row in rows if row.id not in shown)


def _with_failed(rows: list[Row], folded: set[str], room: int) -> list[Row]:
    """What failed inside folded groups, below its group as far as there is room."""
    shown: list[Row] = []
    free = room - len(rows)
    for row in rows:
        shown.append(row)
        lost = [r for r in row.inside if r.state == "failed" and not r.members][:free] if row.id in folded else []
        free -= len(lost)
        shown += lost
    return shown


def _dullness(group: Row) -> tuple[int, int]:
    """What to fold first: groups that are settled, then those where nothing has begun, then the largest."""
    begun = any(row.state != "waiting" for row in group.members)
    return (0 if group.state in SETTLED else 2 if begun else 1, -len(group.members))


def _line(row: Row, name: str, now: float, *, folded: bool, wide: bool) -> Text:
    """`name  state  seconds  tokens  cost  note`; without tokens and cost on a narrow screen."""
    inside = list(row.inside)
    state = "working" if row.state == "waiting" and any(r.state != "waiting" for r in inside) else row.state
    tokens, cost = row.tokens, row.cost_usd
    if folded:
        tokens += sum(r.tokens for r in inside)
        cost = total_cost([cost, *(r.cost_usd for r in inside)])
    line = Text(name)
    line.append(f"  {state:<9}", style=STYLES[state])
    line.append(f"{seconds(row.seconds(now)) if state != 'skipped' else '':>9}")
    if wide:
        line.append(f"{count(tokens) + ' tok' if tokens else '':>11}{usd(cost) if cost != 0 else '':>9}")
    note = scrub(_note(row, inside, folded=folded))
    line.append(f"  {note}", style=STYLES[state] if state in ("failed", "retrying") else "dim")
    return line


def _note(row: Row, inside: list[Row], *, folded: bool) -> str:
    """Why it failed, what it waits for; of a group how far it is; else the model where the name does not tell it."""
    if not row.members:
        return row.note or (row.model if row.title not in as_key(row.model) else "")
    good = sum(member.state in GOOD for member in row.members)
    told = row.note or f"{good} of {len(row.members)}"
    states = Counter(r.state for r in inside if not r.members) if folded else Counter[str]()
    return ", ".join([told, *(f"{states[word]} {word}" for word in TOLD if states[word])])


def _foot(board: Board, now: float) -> Text:
    done = sum(row.state in SETTLED for row in board.rows.values())
    figures = [f"{done} of {len(board.rows)} nodes", seconds(now), f"{count(board.tokens)} tok", usd(board.cost_usd)]
    return Text("  ".join(figures), style="bold")


def _told(states: Counter[str]) -> str:
    return ", ".join(f"{states[state]} {state}" for state in ORDER if states[state])


def _fit(name: str, room: int) -> str:
    return name.ljust(room) if len(name) <= room else f"{name[: room - 3]}..."
