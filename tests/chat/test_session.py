from __future__ import annotations

from fusion_graph.chat.session import Session, costs_by_model
from tests.chat.talking import talked


def test_an_empty_session() -> None:
    session = Session()
    assert [m.text for m in session.messages("hello")] == ["hello"]
    assert (session.undo(), session.last, session.cost_usd, session.written("x.md")) == (None, None, 0.0, "")
    assert session.written("x.json") == '{\n  "turns": []\n}\n'


async def test_costs_by_model_over_all_runs() -> None:
    talk, _ = await talked({"*": "words"}, "one", "two")
    costs = costs_by_model(talk.session.runs)
    assert set(costs) == {("a/x", "panel"), ("b/y", "panel"), ("j/j", "judge"), ("s/w", "synth")}
    talk.session.cut_short.append(None)
    assert talk.session.cost_usd is None
