"""`fusiongraph sim`: simulated models behind a real socket, for tests and demonstrations."""

from __future__ import annotations

import click

from fusion_graph.commands import _options

PORT = 8378


@click.command("sim", short_help="serve simulated models over HTTP")
@click.option(
    "--port", type=_options.Whole(0, 65535), default=PORT, show_default=True, help="Listen here; 0 is a free port."
)
@click.option("--host", metavar="ADDRESS", default="127.0.0.1", show_default=True, help="Listen on this address.")
@click.option(
    "--first-token-s", type=_options.Number(min=0), default=0.5, show_default=True, help="Wait before a reply."
)
@click.option("--token-s", type=_options.Number(min=0), default=0.02, show_default=True, help="Wait before each token.")
@click.option("--fault", metavar="NAME", default="", help="Let calls fail so; a wrong name lists the faults.")
@click.option(
    "--fault-share", type=_options.Number(0, 1), default=1.0, show_default=True, help="Share of calls that fail."
)
@click.option("--api-key", metavar="KEY", default="", help="Refuse calls without this key.")
@click.option("--usd-per-mtok", type=_options.Number(min=0), help="Report a cost, at X dollars per million.")
def COMMAND(
    port: int,
    host: str,
    first_token_s: float,
    token_s: float,
    fault: str,
    fault_share: float,
    api_key: str,
    usd_per_mtok: float | None,
) -> int:
    """Serve simulated models that speak the OpenAI API, until Ctrl-C. Every reply is marked simulated.

    Any model name is answered. sim/fault-NAME fails in the way that NAME says: sim/fault-429, sim/fault-cut, ...
    A user's turn may order a reply: `sim: call TOOL {"json": "arguments"}`, `sim: say "text"`.
    """
    from fusion_graph.commands import _console, _interrupt
    from fusion_graph.listening import cannot_listen
    from fusion_graph.providers._sim.server import SimOptions, serve
    from fusion_graph.providers.sim import Pace

    def ready(url: str) -> None:
        _console.out(f"export FUSION_BASE_URL={url}" + (f" FUSION_API_KEY={api_key}" if api_key else ""))
        _console.err("simulated models answer there until Ctrl-C; run the line above in another shell")

    options = SimOptions(
        pace=Pace(first_token_s=first_token_s, token_s=token_s),
        fault=fault,
        fault_share=fault_share,
        api_key=api_key,
        usd_per_mtok=usd_per_mtok,
    )
    try:
        _interrupt.run(serve(host, port, options, ready))
    except OSError as error:
        raise cannot_listen(host, port, error, option="--port") from error
    return 0
