"""`fusiongraph serve`: every pipeline is a model behind the OpenAI API."""

from __future__ import annotations

import click

from fusion_graph.commands import _options


@click.command("serve", short_help="every pipeline as a model behind the OpenAI API")
@click.option("--config", metavar="FILE", help="Serve this pipeline, as `fusion` too.")
@click.option("--pipelines", metavar="DIR", help="Serve every pipeline file of this folder.")
@click.option("--host", metavar="ADDRESS", help="Listen on this address.  [default: 127.0.0.1]")
@click.option("--port", type=_options.Whole(0, 65535), help="Listen here; 0 is a free port.  [default: 8377]")
@click.option("--prices", metavar="FILE", help="Lay these prices over the shipped ones.")
@click.option("--drain-s", type=_options.Number(min=0), help="After SIGTERM let answers go on for X seconds.")
@click.option("--max-runs", type=_options.Whole(min=1), help="Runs at once.  [default: 256]")
@click.option("--workers", type=_options.Whole(1, 64), default=1, show_default=True, help="Processes on the same port.")
@click.option("--log-json", is_flag=True, help="Log as JSON, a line per request.")
@click.option("--log-content", is_flag=True, help="Log prompts and answers too; with --otel in spans as well.")
@click.option("--journal", is_flag=True, help="Write every run down, for `fusiongraph runs`; prompts and answers too.")
@click.option("--otel", is_flag=True, help="Send spans and metrics by OTLP; needs the otel extra.")
@click.option(
    "--allow-tools",
    multiple=True,
    metavar="NAMES",
    help="Tools that pipelines may use: web_search, web_fetch, with commas between; or all of the web. Those of MCP"
    " servers by name: mcp:server/tool, or mcp:server.",
)
@click.option("--shared-port", is_flag=True, hidden=True)
@click.option("--insecure-open", is_flag=True, help="Be reachable from elsewhere without keys. Anybody may spend then.")
def COMMAND(
    config: str | None,
    pipelines: str | None,
    host: str | None,
    port: int | None,
    prices: str | None,
    drain_s: float | None,
    max_runs: int | None,
    workers: int,
    log_json: bool,
    log_content: bool,
    journal: bool,
    otel: bool,
    allow_tools: tuple[str, ...],
    shared_port: bool,
    insecure_open: bool,
) -> int:
    """Serve pipelines at http://ADDRESS:PORT/v1 until SIGTERM or Ctrl-C. SIGHUP reads the pipelines again.

    Without --config and --pipelines the default preset is served as `fusion`. Keys of callers come from
    FUSION_SERVER_KEYS or keys_file.
    """
    if workers > 1:
        from fusion_graph.commands._serve.workers import multiply

        return multiply(workers, port)
    from fusion_graph.commands._serve import serving

    return serving.perform(
        serving.Given(
            config=config, folder=pipelines, prices=prices, journal=journal, otel=otel, allow_tools=allow_tools
        ),
        shared_port=shared_port,
        host=host,
        port=port,
        drain_s=drain_s,
        max_runs=max_runs,
        log_json=log_json,
        log_content=log_content,
        insecure_open=insecure_open,
    )
