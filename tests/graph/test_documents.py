"""What may stand in a file's text, and that nothing hostile costs more than a large file."""

from __future__ import annotations

import pytest

from fusion_graph.graph.documents import Document, parse
from fusion_graph.graph.yaml.composer import MAX_VALUES
from fusion_graph.graph.yaml.places import Place
from tests.graph.written import Steps


def fault(text: str | bytes) -> tuple[str, int, int]:
    """Code, line and column of the first fault."""
    _, faults = parse(text.encode() if isinstance(text, str) else text)
    return faults[0].code, *faults[0].place


def test_bom_and_crlf_are_fine() -> None:
    document, faults = parse(b"\xef\xbb\xbfa: 1\r\nb:\r\n  - x\r\n")
    assert (document.data, faults) == ({"a": 1, "b": ["x"]}, [])
    assert document.place(("b", 0)) == (3, 5)


@pytest.mark.parametrize("text", ["", "   \n", "# only a comment\n"])
def test_empty_file_is_said_so(text: str) -> None:
    assert fault(text) == ("FG101", 1, 1)


@pytest.mark.parametrize(
    ("source", "place"),
    [
        (b"a: 1\nb: \xff\xfe", (2, 4)),
        (b"\x7fELF\x02\x01", (1, 1)),
        (b"a: \x00", (1, 4)),
        ("a: é".encode("latin-1"), (1, 4)),
        ("a: 1".encode("utf-16"), (1, 1)),
    ],
)
def test_binary_is_refused_with_its_place(source: bytes, place: tuple[int, int]) -> None:
    assert fault(source) == ("FG101", *place)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a: &x 1\n", ("FG105", 1, 4)),
        ("a: 1\nb: *x\n", ("FG105", 2, 4)),
        ("a: {}\nb:\n  <<: {c: 1}\n", ("FG105", 3, 3)),
        ("a: !!python/object:os.system 1\n", ("FG105", 1, 4)),
        ("a: !env KEY\n", ("FG105", 1, 4)),
        ("a: 1\na: 2\n", ("FG104", 2, 1)),
        ("a: {b: 1, b: 2}\n", ("FG104", 1, 11)),
        ("a:\n\tb: 1\n", ("FG103", 2, 1)),
        ("a: [1, 2\n", ("FG103", 2, 1)),
        ("a: b: c\n", ("FG103", 1, 5)),
        ("a: 1\n---\nb: 2\n", ("FG103", 2, 1)),
        ('a: "\\U00110000"\n', ("FG103", 1, 1)),
        ("a: {{question}}\n", ("FG106", 1, 5)),
        ("? [1]\n: 2\n", ("FG106", 1, 3)),
    ],
)
def test_what_pipelines_do_not_use_is_refused(text: str, expected: tuple[str, int, int]) -> None:
    assert fault(text) == expected


def test_all_faults_are_reported_at_once() -> None:
    _, faults = parse(b"a: &x 1\na: 2\nb: *x\nc: 0x1F\n")
    assert [f.code for f in faults] == ["FG105", "FG104", "FG105", "FG106"]


def test_alias_bomb_is_never_built() -> None:
    bomb = "a: &a [x, x]\n" + "".join(
        f"{c}: &{c} [*{p}, *{p}, *{p}]\n" for p, c in zip("abcdefgh", "bcdefghi", strict=True)
    )
    document, faults = parse(bomb.encode())
    assert len(str(document.data)) < 500
    assert {f.code for f in faults} == {"FG105"}


@pytest.mark.parametrize(
    "text", ["[" * 5000, "{" * 5000, "- " * 5000, "? " * 5000, "a: " + "[{b: " * 3000, "[?" * 5000]
)
def test_deep_nesting_is_refused_at_once(text: str) -> None:
    with Steps(30_000):
        assert fault(text)[0] in ("FG102", "FG106")


def test_ten_megabytes_are_refused_unread() -> None:
    with Steps(100):
        assert fault(b"a: 1\n" * 2_000_000) == ("FG102", 1, 1)


@pytest.mark.parametrize(
    ("text", "place"), [("[" + "1," * 100_000 + "]", (1, 2 * MAX_VALUES)), ("- x\n" * 60_000, (MAX_VALUES, 3))]
)
def test_too_many_values_end_the_reading(text: str, place: tuple[int, int]) -> None:
    assert fault(text) == ("FG102", *place)


def test_every_key_and_value_has_a_place() -> None:
    document, _ = parse(b"nodes:\n  a: {kind: judge, inputs: [x, y?]}\n")
    assert document.place(("nodes", "a", "kind"), key=True) == Place(2, 7)
    assert document.place(("nodes", "a", "kind")) == Place(2, 13)
    assert document.place(("nodes", "a", "inputs", 1)) == Place(2, 32)


def test_unknown_path_gets_the_nearest_place() -> None:
    document, _ = parse(b"nodes:\n  a: {kind: judge}\n")
    assert document.place(("nodes", "a", "model")) == Place(2, 3)
    assert document.place(("params", "x")) == Place(1, 1)


def test_document_without_text_has_no_places() -> None:
    assert Document(data={"a": 1}).place(("a",)) is None
