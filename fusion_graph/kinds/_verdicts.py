"""The shapes of verdicts: scores, a ranking, a choice, a comparison, a critique. Reasons come before verdicts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any, NamedTuple

from fusion_graph.contracts import JsonSchema
from fusion_graph.kinds._ladder import Unfit, make_form
from fusion_graph.kinds._shapes import DRAFTS, LABEL, TEXT, Labels, find_label, first_of, list_of, listed, object_of

GRADE: JsonSchema = {"type": "number", "minimum": 0, "maximum": 10}
GRADES = {"accuracy": GRADE, "completeness": GRADE, "clarity": GRADE}
TIE = "tie"


def grade(entry: dict[str, float]) -> float:
    """0..10: the mean of the grades with accuracy as a ceiling, so that polish cannot make up for a mistake."""
    return min(entry["accuracy"], sum(entry[name] for name in GRADES) / len(GRADES))


# --- scores -----------------------------------------------------------------------------------------------------------


def _tidy_scores(value: Any) -> Any:
    """A bare list, an object from label to number or grades, one number for all grades, a missing reason."""
    found = value.get("scores", value) if isinstance(value, dict) else value
    if isinstance(found, dict):
        found = [{"label": label, **_graded(given)} for label, given in found.items()]
    if not isinstance(found, list):
        return value
    return {"scores": [_tidy_score(entry) for entry in found]}


def _tidy_score(entry: Any) -> Any:
    if not isinstance(entry, dict):
        return entry
    grades = _graded(entry["score"]) if "score" in entry and "accuracy" not in entry else _graded(entry)
    label, reason = first_of(entry, "label", "draft", "model"), first_of(entry, "reason", "reasons", "why")
    return {"label": label, "reason": reason or "", **grades}


def _graded(given: Any) -> dict[str, Any]:
    if isinstance(given, dict):
        return {name: given[name] for name in (*GRADES, "reason") if name in given}
    return dict.fromkeys(GRADES, given)


SCORES = make_form(
    "scores",
    object_of(scores=list_of(object_of(label=LABEL, reason=TEXT, **GRADES), DRAFTS)),
    '{"scores": [{"label": "<label>", "reason": "...", "accuracy": 0, "completeness": 0, "clarity": 0}]}\n'
    "One entry for each draft; a <label> is the letter of a draft alone.",
    _tidy_scores,
)


def read_scores(value: Any, labels: Labels) -> dict[str, float]:
    """Grade by label, for every draft once."""
    given = [(find_label(entry["label"], labels), grade(entry)) for entry in value["scores"]]
    _require_each_once([label for label, _ in given], labels)
    return dict(given)


# --- ranking, choice, comparison --------------------------------------------------------------------------------------


def _tidy_ranking(value: Any) -> Any:
    """A bare list, other names for it, `A > B > C`, no reason."""
    found = first_of(value, "ranking", "order", "rank") if isinstance(value, dict) else value
    if isinstance(found, str):
        found = [part.strip() for part in found.split(">" if ">" in found else ",")]
    if not isinstance(found, list):
        return value
    labels = [first_of(e, "label", "draft", "model") if isinstance(e, dict) else e for e in found]
    return {"reason": _reason(value), "ranking": labels}


RANKING = make_form(
    "ranking",
    object_of(reason=TEXT, ranking=list_of(LABEL, DRAFTS)),
    '{"reason": "...", "ranking": ["<label of the best>", "...", "<label of the worst>"]}\n'
    "Every draft once; a <label> is the letter of a draft alone.",
    _tidy_ranking,
)


def read_ranking(value: Any, labels: Labels) -> list[str]:
    """Labels, best first: a permutation of those that were shown."""
    ranking = [find_label(label, labels) for label in value["ranking"]]
    _require_each_once(ranking, labels)
    return ranking


def _tidy_choice(value: Any) -> Any:
    if isinstance(value, dict):
        return {"reason": _reason(value), "choice": first_of(value, "choice", "label", "best", "winner", "draft")}
    return value


CHOICE = make_form(
    "choice",
    object_of(reason=TEXT, choice=LABEL),
    '{"reason": "...", "choice": "<label>"}\nThe <label> is the letter of a draft alone.',
    _tidy_choice,
)


def read_choice(value: Any, labels: Labels) -> str:
    return find_label(value["choice"], labels)


def _tidy_comparison(value: Any) -> Any:
    if isinstance(value, dict):
        return {"reason": _reason(value), "winner": first_of(value, "winner", "better", "choice", "label")}
    return value


COMPARISON = make_form(
    "comparison",
    object_of(reason=TEXT, winner=LABEL),
    '{"reason": "...", "winner": "<label>"}\n'
    f'The <label> is the letter of a draft alone, or "{TIE}" if neither is better.',
    _tidy_comparison,
)


def read_comparison(value: Any, labels: Labels) -> str:
    """The winner's label, or TIE."""
    said = value["winner"].strip().casefold()
    return TIE if said in (TIE, "neither", "equal", "both", "draw") else find_label(value["winner"], labels)


def _reason(value: Any) -> str:
    found = first_of(value, "reason", "reasons", "reasoning", "why") if isinstance(value, dict) else None
    return found if isinstance(found, str) else ""


def _require_each_once(given: Sequence[str], labels: Labels) -> None:
    counts = Counter(given)
    wrong = [f"{label} is missing" for label in sorted(set(labels.values()) - counts.keys())]
    wrong += [f"{label} is there {count} times" for label, count in counts.items() if count > 1]
    if wrong:
        raise Unfit(f"every draft must be there once: {', '.join(wrong[:30])}")


# --- critique ---------------------------------------------------------------------------------------------------------


class Critique(NamedTuple):
    """What a critic says of a text. `score` is 0..10, None where none was asked for."""

    issues: tuple[tuple[str, str], ...]  # (what is wrong, how to mend it)
    accept: bool
    score: float | None = None


def _tidy_critique(value: Any) -> Any:
    """Issues in plain text, a list left out where there is none, other names for the verdict."""
    if not isinstance(value, dict) or not value.keys() & {"issues", "accept", "accepted"}:
        return value
    issues = [_tidy_issue(entry) for entry in listed(value.get("issues"))]
    grades = {name: value[name] for name in GRADES if name in value}
    return {"issues": issues, **grades, "accept": first_of(value, "accept", "accepted")}


def _tidy_issue(entry: Any) -> Any:
    if isinstance(entry, dict):
        problem = first_of(entry, "problem", "issue", "fault")
        return {"problem": problem, "fix": first_of(entry, "fix", "suggestion", "mend") or ""}
    return {"problem": entry, "fix": ""}


_ISSUES = list_of(object_of(problem=TEXT, fix=TEXT))
_ISSUE = '"issues": [{"problem": "...", "fix": "..."}]'
CRITIQUE = make_form(
    "critique",
    object_of(issues=_ISSUES, accept={"type": "boolean"}),
    f'{{{_ISSUE}, "accept": false}}',
    _tidy_critique,
)
RATED_CRITIQUE = make_form(
    "critique",
    object_of(issues=_ISSUES, **GRADES, accept={"type": "boolean"}),
    f'{{{_ISSUE}, "accuracy": 0, "completeness": 0, "clarity": 0, "accept": false}}',
    _tidy_critique,
)


def read_critique(value: Any) -> Critique:
    """A text that is not accepted has at least one issue: a rewrite without one would only change words."""
    issues = tuple((issue["problem"], issue["fix"]) for issue in value["issues"])
    if not value["accept"] and not issues:
        raise Unfit("`accept` is false and `issues` is empty: name what is wrong, or accept")
    return Critique(issues, value["accept"], grade(value) if "accuracy" in value else None)
