"""What a line that begins with a slash does: one function a command, and the table of them."""

from __future__ import annotations

import difflib
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import NamedTuple

from fusion_graph.chat.session import costs_by_model
from fusion_graph.chat.talk import Leave, Talk
from fusion_graph.errors import UsageError
from fusion_graph.figures import seconds, several, spent, usd


class Slash(NamedTuple):
    """`use` shows its argument, if it takes one."""

    summary: str
    do: Callable[[Talk, str], Awaitable[None]]
    use: str = ""


async def obey(talk: Talk, line: str) -> None:
    """Raises UsageError for a command there is not, and Leave to end."""
    name, _, argument = line[1:].partition(" ")
    command = SLASHES.get(name.lower())
    if command is None:
        near = difflib.get_close_matches(name.lower(), SLASHES, n=1)
        hint = f"did you mean /{near[0]}?" if near else "/help lists them; // begins a question with a slash"
        raise UsageError(f"there is no command /{name}", hint=hint)
    await command.do(talk, argument.strip())


async def _help(talk: Talk, _argument: str) -> None:
    talk.screen.table({f"/{name} {slash.use}".strip(): slash.summary for name, slash in SLASHES.items()})


async def _reset(talk: Talk, _argument: str) -> None:
    talk.session.reset()
    talk.screen.tell("a new conversation")


async def _stats(talk: Talk, _argument: str) -> None:
    session = talk.session
    turns, runs = len(session.turns), len(session.runs)
    talk.screen.tell(
        f"{talk.panel.name}: {several(turns, 'turn')}, {several(runs, 'run')}, {several(session.calls, 'call')},"
        f" {seconds(session.seconds)}, {spent(session.tokens, session.cost_usd)}"
    )


async def _exit(_talk: Talk, _argument: str) -> None:
    raise Leave


async def _pipeline(talk: Talk, argument: str) -> None:
    if argument:
        await talk.panel.switch(argument)
        talk.screen.tell(f"{talk.panel.name} answers from now on; the conversation goes on")
        return
    rows = {f"{'*' if name == talk.panel.name else ' '} {name}": text for name, text in talk.panel.others.items()}
    talk.screen.tell(f"{talk.panel.name} answers; /pipeline NAME or FILE takes another")
    talk.screen.table(rows)


async def _drafts(talk: Talk, _argument: str) -> None:
    turn = talk.session.last
    drafts = [d for d in turn.run["drafts"] if d["node"] != turn.run["written_by"]["node"]] if turn else []
    if turn is None or not drafts:
        talk.screen.tell("there are no drafts" + ("" if turn else " yet"))
        return
    heads = {node: f"{label}: {node}" for node, label in turn.labels.items()}
    told = [f"### {heads.get(d['node'], d['node'])} ({d['model']})\n\n{d['text']}" for d in drafts]
    talk.screen.tell("\n\n".join(told), markdown=True)


async def _analysis(talk: Talk, _argument: str) -> None:
    turn = talk.session.last
    found = turn.run["analysis"] if turn else None
    if turn is None or found is None:
        talk.screen.tell("no judge has compared anything" + ("" if turn else " yet"))
        return
    parts, names = [], {label: f"{label} ({node})" for node, label in turn.labels.items()}
    for title, points in found.items():
        if points:
            told = "\n".join(f"- {_point(point, names)}" for point in points)
            parts.append(f"**{title.replace('_', ' ')}**\n{told}")
    talk.screen.tell("\n\n".join(parts) or "the judge found nothing to tell", markdown=True)


async def _cost(talk: Talk, _argument: str) -> None:
    session = talk.session
    if not session.runs and not session.cut_short:
        talk.screen.tell("nothing was spent yet")
        return
    rows = [f"{model:<34} {role:<7} {usd(cost)}" for (model, role), cost in costs_by_model(session.runs).items()]
    if session.cut_short:
        rows.append(f"{several(len(session.cut_short), 'stopped turn')}, estimated")
    talk.screen.tell("\n".join([*rows, f"{'together':<42} {usd(session.cost_usd)}"]))


async def _save(talk: Talk, argument: str) -> None:
    if not argument:
        raise UsageError("/save needs a file", hint="/save talk.md, or talk.json with everything")
    try:
        _write(argument, talk.session.written(argument))
    except FileExistsError:
        raise UsageError(f"{argument} is there already", hint="name another file") from None
    except OSError as fault:
        raise UsageError(f"{argument} cannot be written: {fault.strerror}", hint="name another file") from fault
    talk.screen.tell(f"saved {several(len(talk.session.turns), 'turn')} in {argument}")


async def _retry(talk: Talk, _argument: str) -> None:
    """The last question once more. If that fails, the answer that was there stays."""
    if not talk.session.asked:
        raise UsageError("nothing was asked yet", hint="ask something")
    await talk.ask(talk.session.asked, again=talk.session.again)


async def _undo(talk: Talk, _argument: str) -> None:
    turn = talk.session.undo()
    if turn is None:
        raise UsageError("there is nothing to take back", hint="ask something")
    talk.screen.tell(f"taken back: {first_line(turn.question)}")


SLASHES: Mapping[str, Slash] = {
    "help": Slash("this list", _help),
    "reset": Slash("begin a new conversation", _reset),
    "stats": Slash("turns, calls, tokens, time and cost so far", _stats),
    "cost": Slash("what each model has cost", _cost),
    "drafts": Slash("what each panelist said to the last question", _drafts),
    "analysis": Slash("what the judge found in the drafts", _analysis),
    "pipeline": Slash("which pipeline answers; another one", _pipeline, "[NAME]"),
    "retry": Slash("ask the last question again", _retry),
    "undo": Slash("take the last question and its answer back", _undo),
    "save": Slash("write the conversation to a file (.md or .json)", _save, "FILE"),
    "exit": Slash("leave (also Ctrl-D)", _exit),
}


def _write(name: str, text: str) -> None:
    """A new file; one that is there is somebody's."""
    with Path(name).expanduser().open("x", encoding="utf-8") as stream:
        stream.write(text)


def _point(point: object, names: Mapping[str, str]) -> str:
    """One entry of an analysis on one line, labels with the nodes behind them."""
    if not isinstance(point, dict):
        return str(point)
    if "stances" in point:
        told = (f"{names.get(s['model'], s['model'])}: {s['stance']}" for s in point["stances"])
        return f"{point['topic']}: " + "; ".join(told)
    models = [point["model"]] if point.get("model") else point.get("models", ())
    who = ", ".join(names.get(model, model) for model in models)
    return f"{who}: {point.get('insight') or point.get('point')}"


def first_line(text: str) -> str:
    """As much of it as fits a line."""
    line = text.strip().splitlines()[0]
    return line if len(line) <= 70 else f"{line[:67]}..."
