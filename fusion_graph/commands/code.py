"""`fusiongraph code`: an agent that works on a folder."""

from __future__ import annotations

import click

from fusion_graph.commands import _interrupt, _options


@click.command("code", short_help="an agent that works on a folder of code")
@click.argument("task", required=False)
@click.option(
    "--root", metavar="DIR", default=".", help="The folder it works on; nothing else is in reach.  [default: .]"
)
@click.option("--model", metavar="NAME", help="The brain: a model, or a pipeline (a file or a preset).")
@click.option("--council", metavar="PIPELINE", help="Let it ask this pipeline hard questions.")
@click.option("--plan", is_flag=True, help="Make a numbered plan first, then act on it.")
@click.option("--approve", is_flag=True, help="Ask before every change and command.")
@click.option("--checkpoint", is_flag=True, help="Keep the folder's state in git before the first change of each task.")
@click.option("--max-steps", type=_options.Whole(min=1), default=60, show_default=True, help="Replies of the model.")
@click.option("--budget-usd", type=_options.Number(min=0, min_open=True), help="Stop at X dollars.")
@click.option("--window", type=_options.Whole(min=2000), metavar="TOKENS", help="Let its conversation grow to so many.")
@click.option("--resume", metavar="SESSION", help="Go on with a session: its name, or `last`.")
@_options.journal("Write the session down, so that it can go on later.")
@click.option("--web", is_flag=True, help="Let it search the web and read pages.")
@click.option(
    "--allow-tools",
    multiple=True,
    metavar="NAMES",
    help="Tools of MCP servers that it may use: mcp:server/tool, or mcp:server, with commas between.",
)
@click.option("--bash-network", is_flag=True, help="Let its commands reach the network.")
@click.option("--unsafe-bash", is_flag=True, help="Run its commands unconfined where no sandbox works.")
@click.option("--json", "as_json", is_flag=True, help="Print everything that happens as JSON lines, nothing else.")
@_options.prices
def COMMAND(
    task: str | None,
    root: str,
    model: str | None,
    council: str | None,
    plan: bool,
    approve: bool,
    checkpoint: bool,
    max_steps: int,
    budget_usd: float | None,
    window: int | None,
    resume: str | None,
    journal: bool,
    web: bool,
    allow_tools: tuple[str, ...],
    bash_network: bool,
    unsafe_bash: bool,
    as_json: bool,
    prices: str | None,
) -> int:
    """Do TASK in a folder: read, change, run and check, step by step. Without TASK it asks for one, and for the next;
    off a terminal standard input is the task.

    Ctrl-C once stops what it does, twice leaves; --resume goes on.
    """
    from fusion_graph.commands._code.coding import Order, code

    order = Order(
        task=task,
        root=root,
        model=model,
        council=council,
        plan=plan,
        approve=approve,
        checkpoint=checkpoint,
        max_steps=max_steps,
        budget_usd=budget_usd,
        window=window,
        resume=resume,
        journal=journal,
        web=web,
        allow_tools=allow_tools,
        network=bash_network,
        unsafe_bash=unsafe_bash,
        as_json=as_json,
        prices=prices,
    )
    return _interrupt.run(code(order))
