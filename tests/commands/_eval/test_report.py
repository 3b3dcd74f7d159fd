"""The report in the terminal: the best first, stars that mean something, and nothing unknown as 0."""

from __future__ import annotations

import pytest

from fusion_graph.commands._eval.report import text
from fusion_graph.evals.report.summary import Line
from tests.evals.report.rows import ROWS, SHAPES, report, row


def lines(**more: object) -> list[str]:
    return "\n".join(text(report(**more))).split("\n")  # type: ignore[arg-type]


def found(start: str, whole: list[str]) -> str:
    return next(line for line in whole if line.startswith(start))


def test_best_first_with_its_bar() -> None:
    whole = lines()
    arms = [line.split("  ")[0] for line in whole[3:7]]
    assert set(arms[:3]) == {"a/x (solo)", "panel", "a/x x3 (vote)"}
    assert arms[3] == "b/y (solo)"
    assert "\u2588" * 10 in found("panel", whole)
    assert "$0.1000" in found("panel", whole)


def test_plain_characters_where_the_screen_has_no_others() -> None:
    whole = "\n".join(text(report(), unicode=False))
    assert "##########" in whole


def test_stars() -> None:
    rows = [row("a/x (solo)", n, 10.0 + n) for n in range(4)] + [row("panel", n, 50.0 + n) for n in range(4)]
    assert "\u2605 +40.0" in "\n".join(text(report(rows, [SHAPES[0], SHAPES[2]])))
    rows = [row("a/x (solo)", n, 50.0) for n in range(4)] + [row("panel", n, n * 40.0) for n in range(4)]
    assert "\u2606 +10.0" in "\n".join(text(report(rows, [SHAPES[0], SHAPES[2]])))


def test_what_stands_beside_the_table() -> None:
    whole = lines()
    assert found("panel, answer", whole).startswith("panel, answer against its best draft: won 1, equal 2, lost 1;")
    assert "all drafts wrong in 50.0%" in found("panel, answer", whole)
    assert found("panel without", whole) == "panel without a/x: -25.0 (-75.0..0.0) over 4 answers"
    assert found("domain", whole).split() == ["domain", "art", "law"]


def test_silence_about_members_is_explained() -> None:
    assert any(line.startswith("Leave-one-out of panel: later nodes") for line in lines(without=()))


def test_an_arm_without_a_score_is_last_and_none() -> None:
    whole = "\n".join(text(report([r for r in ROWS if r.arm != "panel"]))).split("\n")
    assert "none" in found("panel", whole)
    assert isinstance(report().summary.lines[0], Line)


@pytest.mark.parametrize("width", [48, 68, 88, 108])
def test_a_narrow_screen_loses_nothing(width: int) -> None:
    wide, narrow = ("\n".join(text(report(), width=size)) for size in (0, width))
    assert set(narrow.replace("\u2588", "").split()) == set(wide.replace("\u2588", "").split())
    assert max(map(len, narrow.split("\n"))) <= width
