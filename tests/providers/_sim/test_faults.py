"""The table of faults: every reason code of the wire contract that an upstream can cause is in it."""

from __future__ import annotations

from fusion_graph.providers._sim.faults import FAULTS, PREFIX, find_fault

REASONS = {
    "rate_limited",
    "upstream_5xx",
    "upstream_error",
    "bad_request",
    "invalid_model",
    "context_length",
    "content_filter",
    "auth_failed",
    "insufficient_credits",
    "redirect_refused",
    "connect_error",
    "truncated_stream",
    "timeout_first_token",
    "timeout_idle",
    "timeout_attempt",
    "malformed_stream",
    "malformed_json",
    "empty_output",
    "wrong_content_type",
    "body_too_large",
    "invalid_output",
}


def test_every_reason_can_be_had() -> None:
    assert {fault.reason for fault in FAULTS.values()} - {""} == REASONS


def test_model_name_asks_for_a_fault() -> None:
    assert find_fault(PREFIX + "cut") is FAULTS["cut"]
    assert find_fault("a/x") is None
    assert find_fault(PREFIX + "nope") is FAULTS["404"]


def test_retried_reasons_are_transient_everywhere() -> None:
    for reason in REASONS:
        assert len({fault.transient for fault in FAULTS.values() if fault.reason == reason}) == 1, reason
