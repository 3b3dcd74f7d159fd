"""Write schemas/ from the kinds: both forms of a pipeline, for editors, and the analysis a judge gives.

A test fails when a file is stale. The program itself composes them in memory and reads none of these files.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from fusion_graph.graph.schema import DRAFT, graph_document, panel_document, tests_document
from fusion_graph.kinds import KINDS, _analysis

FOLDER = Path(__file__).parents[1] / "schemas"


def main() -> None:
    """Write every file."""
    FOLDER.mkdir(exist_ok=True)
    for name, text in files().items():
        (FOLDER / name).write_text(text, "utf-8")
        print(f"schemas/{name}: {len(text)} characters")


def files() -> dict[str, str]:
    """Name and text of every schema."""
    return {
        "analysis.schema.json": as_text({"$schema": DRAFT, "title": "fusion_graph analysis", **_analysis.SCHEMA}),
        "graph.schema.json": as_text(graph_document(KINDS)),
        "panel.schema.json": as_text(panel_document()),
        "tests.schema.json": as_text(tests_document()),
    }


def as_text(schema: Mapping[str, Any]) -> str:
    return json.dumps(schema, indent=1, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    main()
