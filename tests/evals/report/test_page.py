"""The page: whole, marked when simulated, and nothing in it that calls out."""

from __future__ import annotations

import re

from fusion_graph.evals.report.page import page
from tests.evals.report.rows import report


def test_page_needs_nothing_else() -> None:
    made = page(report(warnings=("beware <b>",)))
    assert made.count("<svg") == 2
    assert "beware &lt;b&gt;" in made
    assert not re.search(r"<script|src=|<link|https?://(?!www\.w3\.org)", made)
    assert "Simulated" not in made


def test_simulated_page_says_so_first() -> None:
    made = page(report(simulated=True))
    assert made.index("These figures mean nothing") < made.index("<table>")


def test_what_is_not_known_is_not_zero() -> None:
    assert "<td>none</td>" in page(report([]))
