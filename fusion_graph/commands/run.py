"""`fusiongraph run`: one pipeline, one prompt, one answer."""

from __future__ import annotations

import click

from fusion_graph.commands import _interrupt, _options


@click.command("run", short_help="run a pipeline on a prompt")
@_options.pipeline
@click.argument("prompt", required=False)
@_options.prompt_file
@_options.params
@_options.as_json
@click.option(
    "--no-stream", is_flag=True, help="Print the answer when it is whole; until then it may still be replaced."
)
@click.option("--trace", metavar="FILE", help="Write every event of the run to this file, one JSON object a line.")
@click.option("--budget-usd", type=click.FloatRange(min=0), metavar="X", help="Spend at most X dollars.")
@click.option("--deadline-s", type=click.FloatRange(min=0, min_open=True), metavar="X", help="Answer within X seconds.")
@click.option("--seed", type=int, metavar="N", help="The run's seed, which is also sent to the models.")
@_options.record
@_options.replay
@_options.strict
@_options.prices
def COMMAND(
    pipeline: str,
    prompt: str | None,
    file: str | None,
    params: dict[str, str],
    as_json: bool,
    no_stream: bool,
    trace: str | None,
    budget_usd: float | None,
    deadline_s: float | None,
    seed: int | None,
    record: str | None,
    replay: str | None,
    strict: bool,
    prices: str | None,
) -> int:
    """Run PIPELINE, a file or the name of a preset, on PROMPT.

    Without PROMPT, or with -, the prompt is read from standard input.

    On a terminal you see every node live on stderr and the answer on stdout as it is written. In a pipe, stdout gets
    the answer and nothing else.

    With --replay the prompt, parameters, seed and limits are the recorded ones where you give none.
    """
    from fusion_graph import wiring
    from fusion_graph.commands._running import Job, perform
    from fusion_graph.commands._taping import check_tapes, loop_of, read_asked

    check_tapes(record, replay)
    found = wiring.load(pipeline)
    job = Job(
        pipeline=found,
        params=wiring.read_params(found, params),
        prompt=read_asked(prompt, file, replay),
        as_json=as_json,
        stream=not no_stream,
        trace=trace,
        budget_usd=budget_usd,
        deadline_s=deadline_s,
        seed=seed,
        record=record,
        replay=replay,
        strict=strict,
        prices=prices,
    )
    return _interrupt.run(perform(job), loop_of(replay))
