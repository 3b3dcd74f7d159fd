"""The table of commands, and `main`. Nothing is imported here before it is needed: not even click, so that Ctrl-C is
already ours while it loads.

A new command is one file here that exports one click command named COMMAND, and one line in `SUMMARIES`.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator, Mapping, Sequence

TYPE_CHECKING = False  # typing's own would cost 15 ms in which Ctrl-C is not ours yet; type checkers know the name
if TYPE_CHECKING:
    from fusion_graph.contracts import Command

INTERRUPTED, TERMINATED = 130, 143  # 128 + the number of SIGINT and SIGTERM, as shells have it
SWEEPS = (200_000, 5, 50)
"""How seldom the garbage collector looks: a start makes thousands of objects that stay, and nothing to collect."""

SUMMARIES: Mapping[str, str] = {
    "run": "run a pipeline on a prompt",
    "ask": "ask the default panel, print the answer only",
    "chat": "a conversation with a pipeline",
    "code": "an agent that works on a folder of code",
    "check": "find every mistake in pipeline files",
    "test": "run the tests of pipelines on stub replies",
    "plan": "what a pipeline will do and cost at most, before anything is spent",
    "expand": "print a pipeline's graph form",
    "render": "draw a pipeline",
    "runs": "earlier runs: list, show, export, resume, diff, prune",
    "new": "start a pipeline file from a shape that works",
    "models": "the models of the presets, their prices, and the backends",
    "doctor": "what is in use and why: backend, keys, local servers, versions",
    "eval": "does a shape pay? score, cost and time of pipelines over tasks",
    "tune": "search shapes under a budget, print those that pay as pipeline files",
    "serve": "every pipeline as a model behind the OpenAI API",
    "mcp": "every pipeline as an MCP tool",
    "sim": "serve simulated models over HTTP",
}


class _Table(Mapping[str, "Command"]):
    """Name to command. Entries are made when asked for: `--help` shall not pay for the contracts."""

    def __getitem__(self, name: str) -> Command:
        from fusion_graph.contracts import Command

        return Command(name=name, summary=SUMMARIES[name], module=f"{__name__}.{name}")

    def __iter__(self) -> Iterator[str]:
        return iter(SUMMARIES)

    def __len__(self) -> int:
        return len(SUMMARIES)


COMMANDS: Mapping[str, Command] = _Table()


def main() -> int:
    """The program. Returns the exit code; after an interrupt the process ends here, as Python would take its time."""
    gc.set_threshold(*SWEEPS)
    code = execute()
    if code in (INTERRUPTED, TERMINATED):
        import os

        os._exit(code)
    gc.freeze()  # all of it goes now: nothing is to be looked for
    return code


def execute(arguments: Sequence[str] | None = None) -> int:
    """Run one command line. Returns the exit code (see `_exit`); no exception gets past."""
    try:
        from fusion_graph.commands import _interrupt

        with _interrupt.watched():
            from fusion_graph.commands._program import PROGRAM

            code = PROGRAM.main(arguments, prog_name="fusiongraph", standalone_mode=False)
            return code if isinstance(code, int) else 0
    except BaseException as error:  # noqa: BLE001  (the one place that turns what was raised into a code and a line)
        from fusion_graph.commands._exit import conclude

        return conclude(error)
