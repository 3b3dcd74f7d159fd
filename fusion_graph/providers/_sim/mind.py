"""What a simulated model says. Pure and seeded: the same call gets the same reply, in any process.

Each model knows its own part of the facts and slips now and then, so a panel or a vote can really beat its members. It
reads drafts in its prompt and weighs their answers, and it fills whatever JSON Schema it is asked for. What a user
orders it to do (`_sim/orders`) goes before all that.
"""

from __future__ import annotations

import hashlib
import json
import random
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from fusion_graph.errors import ProviderError, Transient
from fusion_graph.messages import Call, Completion, FinishReason, Usage
from fusion_graph.providers._sim.facts import find_fact, wrong_answers
from fusion_graph.providers._sim.judge import Judge, Seen, read_drafts
from fusion_graph.providers._sim.orders import obey
from fusion_graph.providers._wire.usage import BYTES_PER_TOKEN, estimate_usage

_FENCE = re.compile(r"^<<< .* \| (\S+) >>>$", re.MULTILINE)
_TOKENS = re.compile(r"\s*\S+|\s+$")

_LONGEST_QUESTION = 120
LISTENS = 100_000
"""Characters at the beginning of a conversation, and as many at its end."""

_OPENINGS = ("In short", "Put simply", "The main point", "My view", "First of all")
_POINTS = (
    "begin with the smallest step that shows whether the idea holds",
    "name the assumption that would hurt most if it were wrong, and test that one first",
    "compare at least two ways before settling on one",
    "write down what done looks like, so that you know when to stop",
    "measure before and after, or the change is only an opinion",
    "prefer what can be undone over what is merely quick",
    "ask who has solved this before and what they would do differently",
    "keep the common case simple and let the rare case be a little harder",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Mind:
    """Shares are 0..1. `known` gives a model its own `knowledge`; `slip` is how often it says something else than it
    knows; `error_rate` how often a call fails."""

    knowledge: float = 0.65
    known: Mapping[str, float] = field(default_factory=dict)
    slip: float = 0.05
    error_rate: float = 0.0

    def reply(self, call: Call) -> Completion:
        heard = _heard(call)
        ordered = None if _schema_of(call) else obey(heard, _FENCE)
        if ordered is not None:
            written = ordered.text + "".join(made.arguments for made in ordered.tool_calls)
            return replace(ordered, usage=count_usage(call, written), model=call.model, simulated=True)
        dice = _dice(heard, "reply")
        text = self._text(heard, dice)
        text, reason, stop = _cut(text, call)
        return Completion(
            text=text,
            finish_reason=reason,
            stop_sequence=stop,
            usage=count_usage(call, text),
            model=call.model,
            simulated=True,
        )

    def error(self, call: Call, attempt: int) -> ProviderError | None:
        """A failure, if the dice want one for this attempt at this call."""
        if self.error_rate and _dice(_heard(call), f"error {attempt}").random() < self.error_rate:
            return Transient("upstream_5xx", "the simulated upstream failed (status 503)", status=503)
        return None

    def knows(self, model: str, question: str) -> bool:
        """Fixed per model and question: no amount of sampling makes a model know more."""
        return _share("knows", model, question) < self.known.get(model, self.knowledge)

    def _text(self, call: Call, dice: random.Random) -> str:
        spoken = _spoken(call)
        fact = find_fact("\n".join(spoken))
        drafts = read_drafts(spoken[-1]) if spoken else ()
        answer = self._answer(call.model, fact, drafts, dice) if fact else None
        schema = _schema_of(call)
        if schema is not None:
            filled = Judge(schema=schema, drafts=drafts, answer=answer, dice=dice).fill()
            return json.dumps(filled, ensure_ascii=False)
        if fact and answer:
            return f'{dice.choice(_OPENINGS)}: the question is "{fact[0]}" and I make it {answer}.\nAnswer: {answer}'
        return _advise(_question_of(call), drafts, dice)

    def _answer(self, model: str, fact: tuple[str, str], drafts: Sequence[Seen], dice: random.Random) -> str:
        """What most of the drafts say; its own knowledge weighs two of them and decides a tie."""
        question, truth = fact
        known = self.knows(model, question) and dice.random() >= self.slip
        own = truth if known else dice.choice(wrong_answers(*fact))
        votes = Counter(seen.answer for seen in drafts if seen.answer)
        if not votes:
            return own
        votes[own] += 2 if known else 0
        most = max(votes.values())
        return own if votes[own] == most else next(said for said, count in votes.items() if count == most)


def _heard(call: Call) -> Call:
    """As much as a mind listens to: of a conversation longer than that its beginning and its end. A server on simulated
    models would hang over a long text, which no reply of theirs depends on."""
    texts = [message.text for message in call.messages]
    total, at = sum(map(len, texts)), 0
    if total <= 2 * LISTENS:
        return call
    messages = []
    for message, text in zip(call.messages, texts, strict=True):
        first, last = max(LISTENS - at, 0), max(total - LISTENS - at, 0)
        at += len(text)
        ends = "\n".join(filter(None, (text[:first], text[last:])))
        messages.append(message._replace(content=ends) if first < last else message)
    return replace(call, messages=tuple(messages))


def count_usage(call: Call, text: str) -> Usage:
    """What would be an estimate elsewhere is a count here: a simulated token is four bytes."""
    return estimate_usage(call, text)._replace(estimated=False)


def cut_words(text: str) -> list[str]:
    """The pieces a text is streamed in: words with the space before them. Joined they give the text back."""
    return _TOKENS.findall(text)


def _cut(text: str, call: Call) -> tuple[str, FinishReason, str]:
    """As far as the call wants it, why it ends there, and the stop text that ended it."""
    met = ""
    for stop in filter(None, call.sampling.stop_sequences):
        if stop in text:
            text, met = text.split(stop, 1)[0], stop
    cap = call.sampling.max_tokens
    if cap is not None and len(text.encode()) > cap * BYTES_PER_TOKEN:
        return text.encode()[: cap * BYTES_PER_TOKEN].decode(errors="ignore"), "length", ""
    return text, "stop", met


def _advise(question: str, drafts: Sequence[Seen], dice: random.Random) -> str:
    """Three points, by preference those that drafts make."""
    made = [point for point in _POINTS if any(point in seen.text for seen in drafts)]
    rest = [point for point in _POINTS if point not in made]
    first, second, third = [*made, *dice.sample(rest, len(rest))][:3]
    about = f'On "{question}"' if question else "Without a question to go by"
    return f"{about}: {first}. Then {second}. {dice.choice(_OPENINGS)}: {third}."


def _question_of(call: Call) -> str:
    """The first line of the last user turn, shortened; drafts that follow the conversation are not the question."""
    turns = [message.text for message in call.messages if message.role == "user"]
    asked = [text for text in turns if not _FENCE.search(text)] or turns or [""]
    line = next((line.strip() for line in asked[-1].splitlines() if line.strip()), "")
    return line if len(line) <= _LONGEST_QUESTION else line[:_LONGEST_QUESTION] + " ..."


def _spoken(call: Call) -> list[str]:
    """The texts of the call, without the random mark that fences drafts: it must not change the reply."""
    texts = [message.text for message in call.messages]
    fences = {mark for text in texts for mark in _FENCE.findall(text)}
    for mark in fences:
        texts = [text.replace(mark, "") for text in texts]
    return texts


def _schema_of(call: Call) -> Mapping[str, object] | None:
    wanted = call.sampling.response_format
    if not wanted:
        return None
    if wanted.get("type") == "json_schema":
        schema = wanted.get("json_schema", {}).get("schema")
        return schema if isinstance(schema, Mapping) else {"type": "object"}
    return {"type": "object"} if wanted.get("type") == "json_object" else None


def _dice(call: Call, salt: str) -> random.Random:
    roles = [message.role for message in call.messages]
    key = json.dumps([call.model, roles, _spoken(call), call.sampling.seed, call.draw, salt])
    return random.Random(hashlib.sha256(key.encode()).digest())  # noqa: S311 - simulated models, no secrets


def _share(*parts: str) -> float:
    digest = hashlib.sha256("\0".join(parts).encode()).digest()
    return int.from_bytes(digest[:8], "big") / 2**64
