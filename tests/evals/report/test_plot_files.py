"""A plot as SVG and as PNG."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET

from fusion_graph.evals.report.plot_files import to_png, to_svg
from fusion_graph.evals.report.plots import plots
from tests.evals.report.rows import many, report

MADE = plots(report())


def test_svg_is_xml_and_harmless() -> None:
    svg = to_svg(MADE["cost"])
    ET.fromstring(svg)  # noqa: S314 - our own text
    assert "made &lt;up&gt;" in svg
    assert not re.search(r"<script|href=|url\(", svg)


def test_png_is_a_picture() -> None:
    assert to_png(MADE["time"], 72).startswith(b"\x89PNG")


def test_a_tall_sheet_is_drawn_whole() -> None:
    plot = plots(many(60))["cost"]
    assert f'height="{plot.height:.0f}"' in to_svg(plot)
    assert to_png(plot, 40).startswith(b"\x89PNG")
