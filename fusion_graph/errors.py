"""The one error tree. Each class knows its exit code and its HTTP status; `commands/_exit.py` and the server's error
file are the only places that read them.

    FusionError
     |- UsageError            the caller: bad argument, missing file, missing key          exit 2, 400
     |   `- LimitsTooSmall    what is asked for does not fit the limits it is asked under
     |- PipelineError         the author: the YAML is wrong; carries every Diagnostic      exit 2, 400
     |- ProviderError         an upstream: carries a reason code (wire contract, faults)   exit 1, 502
     |   |- Transient         worth another attempt
     |   `- Permanent         never retried; an alternate may answer
     |- ToolError             told to the model, never fatal by itself                     exit 1, 500
     |- NodeFailed            one node's outcome: reason code and text                     exit 1, 502
     `- RunFailed             the run gave no answer; `report` holds every node's reason   exit 1 or 4
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal, Self

if TYPE_CHECKING:
    from fusion_graph.messages import Usage


@dataclass(frozen=True, slots=True, kw_only=True)
class Diagnostic:
    """One finding about a pipeline file. `line` and `col` count from 1; 0 means the place is unknown (not from a
    file)."""

    code: str  # FG1xx YAML and schema, FG2xx references, FG3xx graph, FG4xx types and streaming, FG5xx limits
    message: str
    severity: Literal["error", "warning"] = "error"
    file: str = "<pipeline>"
    line: int = 0
    col: int = 0
    pointer: str = ""  # JSON pointer into the document
    hint: str = ""  # what to do next, "did you mean ..."

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}:{self.col}" if self.line else self.file
        word = "warning " if self.severity == "warning" else ""
        return f"{place}: {word}{self.code} {self.message}" + (f" ({self.hint})" if self.hint else "")


class FusionError(Exception):
    """Base of everything this package raises on purpose. `hint` says what to do next."""

    exit_code: int = 1
    http_status: int = 500

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class UsageError(FusionError):
    """The caller's fault: an unknown name, a missing file, a missing key."""

    exit_code = 2
    http_status = 400


class LimitsTooSmall(UsageError):
    """What was asked for does not fit the limits it was asked under, whatever becomes of it."""


class PipelineError(FusionError):
    """The pipeline is wrong. Carries all findings of one pass, in document order."""

    exit_code = 2
    http_status = 400

    def __init__(self, diagnostics: Sequence[Diagnostic]) -> None:
        self.diagnostics = tuple(diagnostics)
        super().__init__("\n".join(str(d) for d in self.diagnostics))


class ProviderError(FusionError):
    """An upstream failed. `reason` is a code of the fault table; `message` is safe to show: no body, key or address."""

    http_status = 502
    transient: ClassVar[bool] = False

    def __init__(
        self,
        reason: str,
        message: str = "",
        *,
        status: int | None = None,
        retry_after_s: float | None = None,
        sent: bool = True,
        usage: Usage | None = None,
    ) -> None:
        super().__init__(message or reason)
        self.reason = reason
        self.status = status
        self.retry_after_s = retry_after_s
        self.sent = sent  # False: the request never left (a connect error costs nothing)
        self.usage = usage  # what the upstream reported before it failed; None if it reported nothing


class Transient(ProviderError):
    """May go away by itself: 408, 409, 429, 5xx, connection, timeout, cut or malformed stream, empty reply."""

    transient = True


class Permanent(ProviderError):
    """Will not go away: 400, 401, 403, 404, 413, 422, redirects, certificates."""


class ToolError(FusionError):
    """A tool could not do what was asked; the text is shown to the model."""


class NodeFailed(FusionError):
    """A node has no value. Raised behind a kind's door, turned into an Outcome by the scheduler, never fatal to
    siblings."""

    http_status = 502

    def __init__(self, reason: str, detail: str = "", *, text: str = "") -> None:
        super().__init__(f"{reason}: {detail}" if detail else reason)
        self.reason = reason
        self.detail = detail
        self.text = text  # what the model wrote, kept for the trace when it was unusable

    def anew(self) -> Self:
        """The same failure, for whoever raises one that a list of his holds: raised itself, its traceback would hold
        that list, and both would wait for the collector."""
        return type(self)(self.reason, self.detail, text=self.text)


class NotLaunched(NodeFailed):
    """The first call of a further runner of a hedge does not fit what the run may spend: the node waits for its
    turn."""


class RunFailed(FusionError):
    """No answer. Exit code 4 when the budget or the deadline ended the run, else 1."""

    http_status = 502

    def __init__(self, reason: str, message: str, *, hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.reason = reason
        if reason in ("budget", "deadline"):
            self.exit_code = 4
            self.http_status = 504 if reason == "deadline" else 429
