"""The format of tests: its reason codes, its names."""

from __future__ import annotations

from pathlib import Path

from jsonschema import Draft202012Validator

from fusion_graph.graph.pipeline_tests import NEVER, PERMANENT, TESTS, TRANSIENT, is_tests


def test_the_schema_is_one() -> None:
    Draft202012Validator.check_schema(TESTS)


def test_reason_codes_are_told_apart() -> None:
    assert len({*TRANSIENT, *PERMANENT, NEVER}) == len(TRANSIENT) + len(PERMANENT) + 1


def test_tests_are_known_by_their_name() -> None:
    assert [is_tests(Path(name)) for name in ("a.tests.yaml", "a.tests.yml", "a.yaml", "tests.yaml")] == [
        True, True, False, False,
    ]  # fmt: skip
