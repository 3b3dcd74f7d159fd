"""Is the judge a party? One that equals a model of the graded arms, or comes from the same vendor, favours its own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from fusion_graph.pipeline import ModelRef


def warnings(judge: str, models: Mapping[str, Sequence[str]]) -> list[str]:
    """One line per model that is the judge or its vendor's. `models`: model to the names of the arms that call it."""
    own, found = ModelRef.parse(judge).slug, []
    for model, arms in models.items():
        slug = ModelRef.parse(model).slug
        if _name(slug) == _name(own):
            found.append(f"the judge {judge} is graded itself, in {_list(arms)}: it favours its own texts")
        elif vendor(slug) and vendor(slug) == vendor(own):
            found.append(f"the judge {judge} is of the same vendor as {model}, in {_list(arms)}")
    return found


def vendor(slug: str) -> str:
    """`google` of google/gemini; "" of a bare name."""
    head, slash, _ = slug.removeprefix("~").partition("/")
    return head.casefold() if slash else ""


def _name(slug: str) -> str:
    return slug.partition(":")[0].casefold()


def _list(names: Sequence[str]) -> str:
    return ", ".join(names[:3]) + (" and others" if len(names) > 3 else "")
