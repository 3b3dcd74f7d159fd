"""Answers that know the benchmark. A hit flags the task and does not void it: the mean is shown with and without."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Literal, NamedTuple
from urllib.parse import urlsplit

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

URLS = (
    "huggingface.co/datasets/perplexity-ai/draco",
    "r2cdn.perplexity.ai/pplx-draco.pdf",
    "arxiv.org/abs/2602.11685",
    "arxiv.org/pdf/2602.11685",
    "arxiv.org/html/2602.11685",
)
HOSTS = (
    "huggingface.co", "hf.co", "arxiv.org", "alphaxiv.org", "paperswithcode.com", "semanticscholar.org",
    "openrouter.ai", "research.perplexity.ai",
)  # fmt: skip


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


def is_blocked(url: str, level: Literal["urls", "hosts"]) -> bool:
    """For web tools, in search and fetch alike: an address that holds the benchmark, or a host that may."""
    parts = urlsplit(url if "://" in url else f"//{url}")
    host = (parts.hostname or "").casefold().removeprefix("www.")
    if level == "hosts" and any(host == name or host.endswith(f".{name}") for name in HOSTS):
        return True
    address = f"{host}{parts.path}".casefold().rstrip("/")
    return any(re.fullmatch(rf"{re.escape(known)}(?:v\d+)?(?:\.pdf)?(?:/.*)?", address) for known in URLS)


BLOCKED: Mapping[str, tuple[str, ...]] = {"urls": URLS, "hosts": HOSTS}


def _plain(text: str) -> str:
    return _SPACE.sub(" ", text.casefold()).strip()
