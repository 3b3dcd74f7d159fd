"""An agent from the command line: settings, brain, tools and screen put together."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from fusion_graph import settings
from fusion_graph.agent import memory
from fusion_graph.agent.checkpoint import Checkpoints
from fusion_graph.agent.happenings import Happening, as_json
from fusion_graph.agent.work import Agent, Bounds
from fusion_graph.commands import _console
from fusion_graph.commands._code.brains import PipelineBrain, brain_of, council_of
from fusion_graph.commands._code.desk import Desk
from fusion_graph.commands._journal import opened
from fusion_graph.commands._prompt import STDIN, read_prompt
from fusion_graph.errors import UsageError
from fusion_graph.store.series import NOUNS
from fusion_graph.tools import TOOLS
from fusion_graph.tools._sandbox.levels import find_sandbox, lacks
from fusion_graph.wiring.tools import ALL, PREFIX, Allowed, mcp_listed, toolbox, with_mcp

if TYPE_CHECKING:
    from fusion_graph.agent.screen import AgentScreen
    from fusion_graph.store.journal import Journal
    from fusion_graph.toolbox import Toolbox

WAYS = 'fusiongraph code "what to do", or on standard input'
WEB = ("web_search", "web_fetch")


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What was asked for on the command line."""

    task: str | None = None
    root: str = "."
    model: str | None = None
    council: str | None = None
    plan: bool = False
    approve: bool = False
    checkpoint: bool = False
    max_steps: int = 60
    budget_usd: float | None = None
    window: int | None = None
    resume: str | None = None
    journal: bool = True
    web: bool = False
    allow_tools: tuple[str, ...] = ()
    network: bool = False
    unsafe_bash: bool = False
    as_json: bool = False
    prices: str | None = None


async def code(order: Order) -> int:
    """The exit code of the task, or of the last one."""
    on_terminal = _console.is_terminal(sys.stdin) and _console.is_terminal(sys.stdout) and not order.as_json
    if order.approve and not on_terminal:
        raise UsageError("--approve needs a terminal to ask on", hint="no pipes, and no --json")
    order = replace(order, task=_task(order, on_terminal=on_terminal))
    if order.resume and not order.journal:
        raise UsageError("--no-journal and --resume exclude each other", hint="give one of them")
    setup = settings.load()
    async with AsyncExitStack() as stack:
        brain = await brain_of(order.model, setup, order.prices)
        stack.push_async_callback(brain.close)
        council = await council_of(order.council, setup, order.prices)
        if council is not None:
            stack.push_async_callback(council.close)
        box = await _box(order, setup, council)
        if box.close is not None:
            stack.push_async_callback(box.close)
        journal = stack.enter_context(opened(setup, NOUNS["code"], keep=order.journal))
        desk = await _open_desk(order, setup, (brain, council), box, journal, on_terminal=on_terminal)
        return await desk.work(order.task, plan=order.plan)


def _task(order: Order, *, on_terminal: bool) -> str | None:
    """As given, or standard input's; None when it is asked for, or an old one goes on."""
    if order.task != STDIN and order.task is not None:
        return read_prompt(order.task, None, ways=WAYS)
    if on_terminal or (order.task is None and order.resume):
        return None
    if order.task is None and order.as_json and _console.is_terminal(sys.stdin):
        raise UsageError("--json needs a task", hint=WAYS)
    if order.task is None and _console.is_terminal(sys.stdin):
        raise UsageError("without a task it needs a terminal to ask on", hint=WAYS)
    return read_prompt(STDIN, None, ways=WAYS)


async def _open_desk(
    order: Order,
    setup: settings.Settings,
    minds: tuple[PipelineBrain, PipelineBrain | None],
    box: Toolbox,
    journal: Journal,
    *,
    on_terminal: bool,
) -> Desk:
    root, (brain, council) = box.site.workspace.root, minds
    if order.checkpoint:
        await Checkpoints(root=root, session="").check()
    made = memory.resume(journal, order.resume, str(root)) if order.resume else memory.begin(journal, str(root))
    kept = Checkpoints(root=root, session=made.name)
    if order.resume:
        await kept.recall()
    screen = None if order.as_json else _screen(order, setup, brain, council)
    tell: Callable[[Happening], None] = screen or (lambda event: _console.out(json.dumps(as_json(event))))
    bounds = Bounds(steps=order.max_steps, budget_usd=order.budget_usd, window=order.window or brain.window)
    agent = Agent(brain=brain, box=box, memory=made, tell=tell, fence=made.series.fence, bounds=bounds)
    for mind in filter(None, (brain, council)):
        mind.left, mind.session = agent.left, made
    desk = Desk(agent, kept if order.checkpoint or kept.kept else None, keeps=order.checkpoint, screen=screen)
    if on_terminal:
        desk.sit_down(asks=order.approve)
    _console.err(brain.told)
    return desk


async def _box(order: Order, setup: settings.Settings, council: PipelineBrain | None) -> Toolbox:
    """What it may use: the folder; bash where something confines it; the web and a council where they are wanted; tools
    of MCP servers that were allowed by name. Those are taken to change something, whatever their server says."""
    names = [name for name, tool in TOOLS.items() if tool.local and name != "bash"] + ["finish"]
    if order.unsafe_bash or find_sandbox() is not None:
        names.append("bash")
    else:
        _console.err(f"warning: it cannot run commands: {lacks()}; --unsafe-bash lets it, unconfined")
    names += ["council"] if council is not None else []
    strange = mcp_listed(order.allow_tools)
    _refuse_own(order.allow_tools)
    allowed = Allowed(names=tuple(names), root=order.root, unsafe_bash=order.unsafe_bash, network=order.network)
    convene = council.convene if council is not None else None
    box = await with_mcp(toolbox(setup, allowed, convene=convene), setup, strange)
    tools = {
        name: replace(tool, mutates=True) if name.startswith(PREFIX) else tool
        for name, tool in box.tools.items()
        if order.web or name not in WEB
    }
    return replace(box, tools=tools)


def _refuse_own(given: tuple[str, ...]) -> None:
    """An agent has its own tools without being allowed them; the web has a flag of its own."""
    own = [word for text in given for word in text.split(",") if word and not word.startswith(PREFIX)]
    if own:
        hint = "--web has those of the web; it has its own anyway" if own[0] in (*TOOLS, ALL) else "mcp:server/tool"
        raise UsageError(f"--allow-tools {own[0]}: only tools of MCP servers are allowed so", hint=hint)


def _screen(order: Order, setup: settings.Settings, brain: PipelineBrain, council: PipelineBrain | None) -> AgentScreen:
    from rich.console import Console

    from fusion_graph.agent.screen import AgentScreen

    console = Console(color_system=None if setup.no_color else "auto", highlight=False)
    return AgentScreen(
        console,
        _console.scrub,
        asks=order.approve,
        live=console.is_terminal and not setup.dumb_terminal,
        doing=lambda: (council.doing if council is not None else "") or brain.doing,
    )
