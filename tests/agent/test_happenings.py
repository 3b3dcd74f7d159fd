from __future__ import annotations

import json

from fusion_graph.agent.happenings import Ended, Used, as_json


def test_each_is_an_object_of_json() -> None:
    assert as_json(Ended("finished", "x")) == {"event": "Ended", "state": "finished", "text": "x"}
    assert json.loads(json.dumps(as_json(Used(1, "bash", "{}", "c1")))) == {
        "event": "Used",
        "step": 1,
        "tool": "bash",
        "arguments": "{}",
        "call": "c1",
    }
