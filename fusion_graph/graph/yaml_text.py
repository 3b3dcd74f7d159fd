"""A document as YAML text that loads as the same document: block style, short leaves in flow style, long texts as
blocks."""

from __future__ import annotations

import re
from collections.abc import Mapping
from io import StringIO
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq
from ruamel.yaml.scalarstring import DoubleQuotedScalarString, LiteralScalarString

from fusion_graph.graph.yaml.scalars import read_scalar

WIDTH = 110
_PLAIN = re.compile(r"[A-Za-z$](?:[A-Za-z0-9_./?@$+~-]|[: ](?=[A-Za-z0-9]))*")
INLINE = 90  # a leaf map or list longer than this gets lines of its own


def to_yaml(document: Mapping[str, Any]) -> str:
    """YAML text of a JSON-like document."""
    yaml = YAML(typ="rt", pure=True)
    yaml.width = WIDTH
    yaml.allow_unicode = True
    yaml.indent(mapping=2, sequence=4, offset=2)
    out = StringIO()
    yaml.dump(_styled(document), out)
    return out.getvalue()


def _styled(value: Any) -> Any:
    if isinstance(value, Mapping):
        styled = CommentedMap((_text(key), _styled(item)) for key, item in value.items())
        if value and _is_leaf(value.values()) and len(str(dict(value))) <= INLINE:
            styled.fa.set_flow_style()
        return styled
    if isinstance(value, list | tuple):
        items = CommentedSeq(_styled(item) for item in value)
        if _is_leaf(value) and len(str(value)) <= INLINE:
            items.fa.set_flow_style()
        return items
    return _text(value) if isinstance(value, str) else value


def _is_leaf(values: Any) -> bool:
    return not any(isinstance(v, Mapping | list | tuple) or (isinstance(v, str) and "\n" in v) for v in values)


def _text(text: str) -> Any:
    """Text in a style that brings it back as it is: blocks for paragraphs, quotes for what would be read as something
    else."""
    if "\n" in text and text.strip() == text.rstrip("\n") and all(c.isprintable() or c == "\n" for c in text):
        return LiteralScalarString(text)
    if _PLAIN.fullmatch(text) and read_scalar(text, plain=True) == text:
        return text
    return DoubleQuotedScalarString(text)
