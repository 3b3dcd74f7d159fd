"""Whatever ended a command becomes an exit code and one clear line on stderr. Nothing else in the commands catches to
end.

0 answered, also degraded     1 the run failed      2 wrong usage or an invalid pipeline
3 degraded under --strict     4 budget or deadline  70 a bug of ours
130, 143, 141 as shells have it for SIGINT (Ctrl-C), SIGTERM, and SIGPIPE (whoever read our output went away)
"""

from __future__ import annotations

import sys

from fusion_graph.commands import INTERRUPTED, TERMINATED, _console, _interrupt
from fusion_graph.errors import FusionError, PipelineError

FAILED, USAGE, DEGRADED, CUT, BUG, BROKEN_PIPE = 1, 2, 3, 4, 70, 141


def conclude(error: BaseException) -> int:
    """Tell of it and return the exit code. With FUSION_DEBUG=1 the traceback comes first."""
    try:
        return _conclude(error)
    except _console.ReaderGone:  # stderr is gone too
        return BROKEN_PIPE
    finally:
        _console.silence()


def _conclude(error: BaseException) -> int:
    from click import Abort, ClickException

    if isinstance(error, SystemExit):
        return error.code if isinstance(error.code, int) else 0
    if isinstance(error, _console.ReaderGone):
        return BROKEN_PIPE
    if isinstance(error, KeyboardInterrupt | Abort):
        told = error.__cause__ or error  # click makes an Abort of it
        terminated = isinstance(told, _interrupt.Terminated)
        _console.err(": ".join(["terminated" if terminated else "interrupted", *map(str, told.args)]))
        return TERMINATED if terminated else INTERRUPTED
    _trace(error)
    if isinstance(error, ClickException):
        return _misused(error)
    if isinstance(error, PipelineError):
        from fusion_graph.commands._findings import show_all

        _console.err(show_all(error.diagnostics, _console.width(sys.stderr)))
        return error.exit_code
    if isinstance(error, FusionError):
        _console.error(error.message, error.hint)
        return error.exit_code
    if isinstance(error, OSError):
        _console.error(_told(error))
        return FAILED
    _console.error(
        f"a bug in fusion_graph: {type(error).__name__}: {error}".replace("\n", " "),
        "please report it with what FUSION_DEBUG=1 prints",
    )
    return BUG


def _misused(error: object) -> int:
    """Click's own findings: an unknown option, a missing argument."""
    from click import ClickException, UsageError
    from click.exceptions import NoArgsIsHelpError

    assert isinstance(error, ClickException)
    if isinstance(error, NoArgsIsHelpError):
        _console.err(error.format_message())
        return USAGE
    context = error.ctx if isinstance(error, UsageError) else None
    _console.error(error.format_message().rstrip("."), f"see {context.command_path} --help" if context else "")
    return USAGE


def _told(error: OSError) -> str:
    """`FILE: what the system says`."""
    says = error.strerror or str(error) or type(error).__name__
    return f"{error.filename}: {says}" if error.filename else says


def _trace(error: BaseException) -> None:
    from fusion_graph import settings

    if settings.debugging():
        import traceback

        _console.err("".join(traceback.format_exception(error)).rstrip())
