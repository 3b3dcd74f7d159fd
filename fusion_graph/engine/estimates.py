"""Token and cost estimates at run time: what an attempt may cost at most, and what one without reported usage did cost.

Tokens are counted as bytes / 4 where the backend reported none; no tokenizer is worth its weight here.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from fusion_graph.engine.ledger import Amount
from fusion_graph.graph.forecast.tokens import DEFAULT_OUTPUT_TOKENS
from fusion_graph.messages import Call, Message, Usage

if TYPE_CHECKING:
    from fusion_graph.engine.lane import Lane
    from fusion_graph.engine.services import Services

TURN_TOKENS = 4  # what a chat template adds around a message


def text_tokens(text: str) -> int:
    return (len(text) if text.isascii() else len(text.encode("utf-8", "replace"))) // 4 + 1


def prompt_tokens(messages: Iterable[Message]) -> int:
    return sum(text_tokens(m.text) + TURN_TOKENS for m in messages)


def estimated_usage(call: Call, chars: int) -> Usage:
    """Usage of an attempt that reported none: the prompt, and the characters that arrived."""
    return Usage(prompt_tokens=prompt_tokens(call.messages), completion_tokens=chars // 4, estimated=True)


def worst_case(call: Call, services: Services, lane: Lane) -> Amount:
    """The most one attempt can take: its prompt and all of its max_tokens."""
    tokens_in, tokens_out = prompt_tokens(call.messages), call.sampling.max_tokens or DEFAULT_OUTPUT_TOKENS
    usage = Usage(prompt_tokens=tokens_in, completion_tokens=tokens_out)
    return Amount(services.cost(lane, call.model, usage) or 0.0, 1, tokens_in + tokens_out)
