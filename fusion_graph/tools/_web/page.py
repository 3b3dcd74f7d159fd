"""The text of a page: by the standard library, or by trafilatura where the extra `web` is installed. Pure."""

from __future__ import annotations

import codecs
import re
from collections.abc import Mapping
from html.parser import HTMLParser

from fusion_graph.tools._web.fetch import Page

_SKIPPED = frozenset({"script", "style", "noscript", "template", "svg", "head", "nav", "footer", "aside"})
_BREAKS = frozenset(
    {"p", "div", "br", "li", "tr", "section", "article", "header", "main", "table", "ul", "ol", "pre", "blockquote"}
)
_HEADINGS: Mapping[str, str] = {f"h{n}": "#" * n + " " for n in range(1, 7)}
_VOID = frozenset({"br", "img", "hr", "meta", "link", "input", "source", "wbr", "col", "area", "base", "embed"})
_BLANK_LINES = re.compile(r"\n\s*\n\s*")
_SPACES = re.compile(r"[ \t\r\f\v]+")
_META = re.compile(rb"charset\s*=\s*[\"']?([\w-]+)", re.IGNORECASE)
_HEAD = 2048


def text_of(page: Page) -> tuple[str, str]:
    """Title and text."""
    written = page.body.decode(_charset(page), errors="replace")
    if page.media not in ("text/html", "application/xhtml+xml"):
        return "", written
    reader = _Reader()
    reader.feed(written)
    reader.close()
    return reader.title, _best(written, page.url) or reader.text


def _best(written: str, url: str) -> str:
    """What trafilatura finds, "" where it is not installed or finds nothing."""
    try:
        import trafilatura
    except ImportError:
        return ""
    return trafilatura.extract(written, url=url, include_links=False, include_tables=True) or ""


def _charset(page: Page) -> str:
    declared = _META.search(page.body[:_HEAD])
    for name in (page.charset, declared.group(1).decode("ascii", "ignore") if declared else ""):
        try:
            return codecs.lookup(name).name
        except LookupError:
            continue
    return "utf-8"


class _Reader(HTMLParser):
    """Words in order, a line for each block, a mark before headings; what is not for reading is left out."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self._parts: list[str] = []
        self._title: list[str] = []
        self._skipping: list[str] = []
        self._in_title = False

    @property
    def text(self) -> str:
        lines = (_SPACES.sub(" ", line).strip() for line in "".join(self._parts).split("\n"))
        return _BLANK_LINES.sub("\n\n", "\n".join(lines)).strip()

    @property
    def title(self) -> str:
        return " ".join("".join(self._title).split())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:  # noqa: ARG002  (its interface)
        if tag == "title":
            self._in_title = True
        if tag == "body":
            self._skipping.clear()  # a head need not be closed, nor a title
            self._in_title = False
        if tag in _SKIPPED and tag not in _VOID:
            self._skipping.append(tag)
        elif tag in _HEADINGS:
            self._parts.append(f"\n\n{_HEADINGS[tag]}")
        elif tag in _BREAKS:
            self._parts.append("\n")

    def handle_endtag(self, tag: str) -> None:
        if tag == "title":
            self._in_title = False
        if tag in self._skipping:  # an end tag closes what was left open inside it
            del self._skipping[len(self._skipping) - 1 - self._skipping[::-1].index(tag) :]
        elif tag in _HEADINGS or tag in _BREAKS:
            self._parts.append("\n")

    def handle_data(self, data: str) -> None:
        if self._in_title:
            self._title.append(data)
        elif not self._skipping:
            self._parts.append(data)
