"""The text of a page (`_web/page`)."""

from __future__ import annotations

import importlib.util

import pytest

from fusion_graph.tools._web.fetch import Page
from fusion_graph.tools._web.page import _Reader, text_of
from tests.tools.web_server import PAGE


def page(body: str | bytes, media: str = "text/html", charset: str = "") -> Page:
    content = body if isinstance(body, bytes) else body.encode()
    return Page(url="http://x.test/", status=200, media=media, charset=charset, body=content)


def read(text: str) -> str:
    reader = _Reader()
    reader.feed(text)
    reader.close()
    return reader.text


def test_words_without_what_is_not_for_reading() -> None:
    text = read(PAGE)
    assert text.startswith("# Head\n\nFirst & second.\n\none\n\ntwo")
    assert "evil" not in text
    assert "menu" not in text
    assert text_of(page(PAGE))[0] == "A page"


def test_broken_markup_is_read_as_far_as_it_goes() -> None:
    assert read("<head><title>x<body><p>a<div>b</p></div><script>c") == "a\nb"
    assert read("a < b && c <<< d") == "a < b && c <<< d"


@pytest.mark.parametrize(
    ("body", "charset"),
    [("é".encode("latin-1"), "latin-1"), (b'<meta charset="latin-1"><p>\xe9', ""), ("é".encode(), "no-such-thing")],
)
def test_charsets(body: bytes, charset: str) -> None:
    reader_text = text_of(page(body, "text/html" if b"<" in body else "text/plain", charset))[1]
    assert "é" in reader_text


def test_plain_text_stays_as_it_is() -> None:
    assert text_of(page("<b>", "text/plain")) == ("", "<b>")


@pytest.mark.skipif(importlib.util.find_spec("trafilatura") is None, reason="the extra web is not installed")
def test_trafilatura_finds_the_article() -> None:
    article = "<article><p>" + "A long sentence of the article. " * 30 + "</p></article>"
    assert "long sentence" in text_of(page(f"<html><body><nav>menu</nav>{article}</body></html>"))[1]
