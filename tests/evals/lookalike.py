"""A made-up data set of DRACO's size and shape: 100 tasks, 3,934 criteria, none of it from the real one."""

from __future__ import annotations

import json
from typing import Any

SECTIONS = ("factual-accuracy", "breadth-and-depth-of-analysis", "presentation-quality", "citation-quality")
TASKS, CRITERIA = 100, 3934


def tree(number: int) -> dict[str, Any]:
    """The rubric of one task: about 39 criteria, some of them negative."""
    count = CRITERIA // TASKS + (number < CRITERIA % TASKS)
    made = [
        {
            "id": f"criterion-{number}-{i}",
            "weight": -10 if i % 10 == 9 else 5 + i % 15,
            "requirement": f"Requirement {i} of task {number}: " + "the report states one particular figure. " * 4,
        }
        for i in range(count)
    ]
    sections = [{"id": name, "title": name.title(), "criteria": made[place::4]} for place, name in enumerate(SECTIONS)]
    return {"id": f"rubric-{number}", "sections": sections}


def jsonl() -> bytes:
    """Carrier A: an object a line, the rubric as text in `answer`."""
    entries = (
        {"id": f"task-{n}", "domain": "Finance", "problem": "Compare. " * 80, "answer": json.dumps(tree(n))}
        for n in range(TASKS)
    )
    return "\n".join(json.dumps(entry) for entry in entries).encode()


def manifest() -> bytes:
    """Carrier B: one object, rubrics decoded."""
    tasks = [{"id": f"task-{n}", "domain": "Law", "problem": "Compare.", "rubric": tree(n)} for n in range(TASKS)]
    ids = [task["id"] for task in tasks]
    return json.dumps({"schema": "any/v1", "task_count": TASKS, "task_ids": ids, "tasks": tasks}, indent=1).encode()
