"""The table of codes is whole: what is used is in it, what is in it is used."""

from __future__ import annotations

import re
from pathlib import Path

from fusion_graph.graph.codes import CODES

PACKAGE = Path(__file__).parents[2] / "fusion_graph"
USED = {
    code
    for file in PACKAGE.rglob("*.py")
    if file.name != "codes.py"
    for code in re.findall(r'"(FG\d{3})"', file.read_text("utf-8"))
}


def test_every_code_in_use_is_in_the_table() -> None:
    assert USED - CODES.keys() == set()


def test_every_code_in_the_table_is_in_use() -> None:
    assert CODES.keys() - USED == set()


def test_codes_are_in_order_and_one_line() -> None:
    assert list(CODES) == sorted(CODES)
    assert all(re.fullmatch(r"FG[1-6]\d\d", code) for code in CODES)
    assert all("\n" not in text and text.endswith(".") for text in CODES.values())
