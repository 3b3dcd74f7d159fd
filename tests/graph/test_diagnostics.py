"""Findings: order, words, and how they are shown."""

from __future__ import annotations

import pytest

from fusion_graph.errors import Diagnostic
from fusion_graph.graph.diagnostics import Findings, excerpt, nearest, pointer, suggest
from fusion_graph.graph.documents import Document, parse
from fusion_graph.graph.yaml.places import Fault, Place
from tests.graph.written import Steps

SOURCE = "a: 1\nb:\n  c: [x, y]\n"


def findings(*faults: Fault) -> Findings:
    return Findings(parse(SOURCE.encode())[0], "f.yaml", faults)


def test_findings_stand_in_document_order() -> None:
    found = findings()
    found.error("FG111", ("b", "c", 1), "third")
    found.warn("FG206", ("b", "c"), "second", key=True)
    found.error("FG111", ("a",), "first")
    assert [str(d) for d in found.ordered()] == [
        "f.yaml:1:4: FG111 first",
        "f.yaml:3:3: warning FG206 second",
        "f.yaml:3:10: FG111 third",
    ]


def test_same_finding_is_said_once() -> None:
    found = findings()
    for _ in range(2):
        found.error("FG111", ("a",), "x")
    assert len(found.ordered()) == 1


def test_faulty_text_is_not_told_twice() -> None:
    found = findings(Fault("FG105", Place(1, 4), "alias"))
    found.error("FG113", ("a",), "must be a number")
    assert [d.code for d in found.ordered()] == ["FG105"]


def test_warnings_are_no_failure() -> None:
    found = findings()
    found.warn("FG206", ("a",), "x")
    assert not found.failed
    found.error("FG111", ("a",), "x")
    assert found.failed


def test_relocated_findings_point_into_the_original() -> None:
    found = findings()
    found.relocate = lambda path: ("b", *path[1:])
    found.error("FG111", ("zzz", "c"), "x")
    (only,) = found.ordered()
    assert (only.line, only.col, only.pointer) == (3, 6, "/b/c")


def test_finding_is_shown_with_a_caret() -> None:
    found = Diagnostic(code="FG111", message="m", file="f.yaml", line=3, col=10, hint="h")
    assert excerpt(found, SOURCE) == "    3 |   c: [x, y]\n      |          ^"


def test_tabs_keep_the_caret_in_place() -> None:
    assert excerpt(Diagnostic(code="X", message="m", line=1, col=3), "a\tbc").splitlines()[-1] == "      |  \t^"


@pytest.mark.parametrize("room", [40, 120])
@pytest.mark.parametrize("before", [0, 10, 300])
@pytest.mark.parametrize("after", [0, 10, 300])
def test_long_lines_are_cut_round_the_place(before: int, after: int, room: int) -> None:
    source, found = "x" * before + "HERE" + "y" * after, Diagnostic(code="X", message="m", line=1, col=before + 1)
    line, under = excerpt(found, source, room).splitlines()
    assert line[under.index("^") :].startswith("HERE")
    shown = line.partition("| ")[2]
    assert len(shown) <= room
    assert shown in source or "..." in (shown[:3], shown[-3:])


def test_place_outside_of_the_text_shows_no_line() -> None:
    assert excerpt(Diagnostic(code="X", message="m"), SOURCE) == ""
    assert excerpt(Diagnostic(code="X", message="m", line=99, col=1), SOURCE) == ""


def test_lines_are_counted_as_yaml_counts_them() -> None:
    shown = excerpt(Diagnostic(code="X", message="m", line=3, col=1), "\ufeffa\x0bb\r\nc\u2028d")
    assert shown.splitlines()[0] == "    3 | d"


def test_keys_are_masked_wherever_they_show() -> None:
    """wire 5.26: canary keys appear in no error"""
    key = "sk-or-v1-0123456789abcdef"
    document = Document(data={})
    found = Findings(document, "f.yaml")
    found.error("FG111", ("x", key), f"not {key}", f"mind {key}")
    assert key not in repr(found.ordered())
    assert key not in excerpt(Diagnostic(code="X", message="m", line=1, col=1), f"model: {key}")


def test_pointer_escapes() -> None:
    assert pointer(("nodes", "a/b~c", 0)) == "/nodes/a~1b~0c/0"
    assert pointer(()) == ""


def test_suggestions_name_the_nearest_word() -> None:
    assert suggest("temprature", ["temperature", "top_p"]) == "did you mean temperature?"
    assert suggest("zzz", ["a", "b"]) == "known: a, b"
    assert suggest("zzz", [f"name{i}" for i in range(50)]) == ""
    assert suggest(3, []) == ""


def test_many_names_are_searched_quickly() -> None:
    names = [f"node{i}" for i in range(20_000)]
    with Steps(200_000):
        assert nearest("node7x", names) == "node7"
