"""The benchmarks run, and compare like with like. Their figures are nobody's business here."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable

import pytest

from benchmarks import bare, shapes
from benchmarks.__main__ import SUBJECTS, main
from benchmarks.models import QUESTION, Instant, open_engine
from fusion_graph.contracts import Client
from fusion_graph.engine.request import ask
from fusion_graph.graph.bound import Bound
from fusion_graph.messages import Call

FOUR, EIGHT, TEN = shapes.names(4), shapes.names(8), shapes.names(10)
SOURCES = shapes.tangled(10, 20)
PAIRS: dict[str, tuple[Bound, Callable[[Client], Awaitable[str]]]] = {
    "panel": (shapes.panel(FOUR), lambda c: bare.panel(c, QUESTION, FOUR)),
    "layers": (shapes.layers(EIGHT, 2, "m/w"), lambda c: bare.layers(c, QUESTION, EIGHT, 2, "m/w")),
    "fan-in": (shapes.fan_in("m/m", 9, "m/w"), lambda c: bare.fan_in(c, QUESTION, "m/m", 9, "m/w")),
    "chain": (shapes.chain(TEN), lambda c: bare.chain(c, QUESTION, TEN)),
    "graph": (shapes.graph(TEN, SOURCES), lambda c: bare.graph(c, QUESTION, TEN, SOURCES)),
}


@pytest.mark.parametrize("subject", SUBJECTS)
def test_subject_runs_in_small(subject: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([subject, "--quick"]) == 0
    assert len(capsys.readouterr().out.splitlines()) > 2


@pytest.mark.parametrize("shape", PAIRS)
async def test_both_sides_make_the_same_calls(shape: str) -> None:
    bound, program = PAIRS[shape]
    ours, theirs = Instant(), Instant()
    ours.calls, theirs.calls = [], []
    assert (await open_engine(ours).run(bound, ask(QUESTION))).state == "ok"
    await program(theirs)
    assert sorted(map(plain, ours.calls)) == sorted(map(plain, theirs.calls))


def plain(call: Call) -> str:
    """What is said in a call, whatever its fence, and whoever has which label and place in the order."""
    texts = [
        re.sub(r"(?<= )[0-9a-f]{12}\b", "FENCE", re.sub(r"(draft|end of) [A-Z]+\b", r"\1", m.text))
        for m in call.messages
    ]
    said = [(m.role, sorted(text.split("\n\n"))) for m, text in zip(call.messages, texts, strict=True)]
    return repr((call.model, said, call.sampling))
