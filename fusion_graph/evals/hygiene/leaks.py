"""Answers that know the benchmark. A hit flags the task and does not void it: the mean is shown with and without."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Literal, NamedTuple

from fusion_graph.evals.task import Task

NAMES = ("perplexity-ai/draco", "perplexity-ai___draco", "pplx-draco", "2602.11685")
SHORTEST = 25  # characters of a requirement that is looked for word for word; shorter ones are said by chance
MOST = 5  # told per answer
_TALK = re.compile(
    r"\b(?:question|task|prompt|query)\b.{0,60}\b(?:benchmark|rubric|evaluation (?:set|item|data))\b"
    r"|\b(?:benchmark|evaluation) (?:question|task|item|prompt)s?\b|\b(?:grading|scoring) (?:rubric|criteria)\b",
    re.IGNORECASE,
)
_END = re.compile(r"[.!?\n]+")
_SENTENCE = 400  # characters of a sentence that are looked at
_TOPIC = re.compile(r"benchmark|rubric|evaluation|grading", re.IGNORECASE)  # a task may itself be about them
_SPACE = re.compile(r"\s+")

HOSTS = (
    "huggingface.co", "hf.co", "arxiv.org", "alphaxiv.org", "paperswithcode.com", "semanticscholar.org",
    "openrouter.ai", "research.perplexity.ai",
)  # fmt: skip
"""Where the benchmark stands, or is written of: closed to web tools while it is the task."""


class Leak(NamedTuple):
    """What was found: the benchmark's name, a requirement word for word, or talk of being evaluated."""

    kind: Literal["name", "requirement", "talk"]
    text: str


def scan(task: Task, texts: Iterable[str]) -> tuple[Leak, ...]:
    """What texts of one task give away."""
    whole = "\n".join(texts)
    plain = _plain(whole)
    found = [Leak("name", name) for name in NAMES if name in plain]
    found += [
        Leak("requirement", criterion.id)
        for criterion in task.criteria
        if len(criterion.requirement) >= SHORTEST and _plain(criterion.requirement) in plain
    ]
    if not _TOPIC.search(task.prompt):
        said = (sentence.strip()[:_SENTENCE] for sentence in _END.split(whole))
        found += [Leak("talk", sentence[:200]) for sentence in said if _TALK.search(sentence)]
    return tuple(found[:MOST])


def _plain(text: str) -> str:
    return _SPACE.sub(" ", text.casefold()).strip()
