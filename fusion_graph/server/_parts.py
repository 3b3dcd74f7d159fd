"""What a message holds beside text goes only to models that take it, as far as the operator said which do. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from fusion_graph.facts import READS, Facts, facts_of
from fusion_graph.server._errors import invalid

if TYPE_CHECKING:
    from fusion_graph.graph.bound import Bound
    from fusion_graph.messages import Message


def check_parts(facts: Mapping[str, Facts], bound: Bound, messages: Iterable[Message]) -> None:
    """Every node that writes gets the conversation as it came (judges and critics get its text). Raises Refused for one
    whose model cannot take a part of it."""
    if not facts:
        return
    parts = [
        (f"messages[{i}].content[{j}]", READS[part["type"]])
        for i, message in enumerate(messages)
        if not isinstance(message.content, str)
        for j, part in enumerate(message.content)
        if part["type"] in READS
    ]
    for node, kind in zip(bound.nodes, bound.kinds, strict=True):
        taken = facts_of(facts, node.model.model).input if node.model and kind.prompt is not None else None
        for path, needed in parts if taken is not None else ():
            if needed not in (taken or ()):
                text = f"{path}: the model of {node.id} takes no {needed}"
                raise invalid(text, path, code="unsupported_content")
