"""errors: one tree, with an exit code and a status on each class."""

from __future__ import annotations

import pytest

from fusion_graph.errors import (
    Diagnostic,
    FusionError,
    NodeFailed,
    Permanent,
    PipelineError,
    ProviderError,
    RunFailed,
    ToolError,
    Transient,
    UsageError,
)


@pytest.mark.parametrize(
    ("error", "exit_code", "status"),
    [
        (UsageError("x"), 2, 400),
        (PipelineError([]), 2, 400),
        (Transient("rate_limited"), 1, 502),
        (Permanent("auth_failed"), 1, 502),
        (ToolError("x"), 1, 500),
        (NodeFailed("no_input"), 1, 502),
        (RunFailed("all_panels_failed", "x"), 1, 502),
        (RunFailed("deadline", "x"), 4, 504),
        (RunFailed("budget", "x"), 4, 429),
    ],
)
def test_error_knows_its_code_and_status(error: FusionError, exit_code: int, status: int) -> None:
    assert (error.exit_code, error.http_status) == (exit_code, status)


def test_only_transient_faults_are_retried() -> None:
    assert Transient("timeout_idle").transient
    assert not Permanent("bad_request").transient
    assert not ProviderError("unknown").transient


def test_provider_error_says_its_reason() -> None:
    error = Transient("rate_limited", status=429, retry_after_s=2.0)
    assert str(error) == "rate_limited"
    assert (error.status, error.retry_after_s, error.sent) == (429, 2.0, True)


def test_node_failure_joins_reason_and_detail() -> None:
    assert str(NodeFailed("unusable:match", "no Answer line", text="hm")) == "unusable:match: no Answer line"
    assert str(NodeFailed("no_input")) == "no_input"


def test_finding_shows_place_code_and_hint() -> None:
    finding = Diagnostic(code="FG203", message="no such thing", file="a.yaml", line=3, col=7, hint="did you mean x?")
    assert str(finding) == "a.yaml:3:7: FG203 no such thing (did you mean x?)"


def test_finding_without_a_place_names_the_file() -> None:
    assert str(Diagnostic(code="FG307", message="m", severity="warning")) == "<pipeline>: warning FG307 m"


def test_pipeline_error_carries_every_finding() -> None:
    findings = [Diagnostic(code="FG101", message="one"), Diagnostic(code="FG303", message="two")]
    error = PipelineError(findings)
    assert error.diagnostics == tuple(findings)
    assert str(error).splitlines() == ["<pipeline>: FG101 one", "<pipeline>: FG303 two"]


def test_hint_is_kept() -> None:
    assert UsageError("no such preset", hint="did you mean budget?").hint == "did you mean budget?"
