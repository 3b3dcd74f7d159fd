"""Section 1: `usable` is tested once, where the text is made; `extract` gives a draft its answer."""

from __future__ import annotations

from typing import Any

import pytest

from fusion_graph.events import CallFailed
from fusion_graph.messages import Completion
from tests.engine.stage import Stage, entries, shown, states

ONE = """
a: {kind: proposer, model: m/a%s}
last: {kind: proposer, model: m/last}
final: {kind: fallback, inputs: [a, last]}
"""
CUT = Completion(text="cut of", finish_reason="length")


@pytest.mark.parametrize(
    ("rule", "bad", "good", "name"),
    [
        ("{complete: true}", CUT, "whole", "complete"),
        ("{match: 'Answer:'}", "no", "Answer: 1", "match"),
        ("{schema: {type: object, required: [x]}}", '{"y": 1}', '{"x": 1}', "schema"),
        ("{schema: {type: object, required: [x]}}", "plain", '{"x": 1}', "schema"),
    ],
)
async def test_unusable_text_is_asked_for_again(rule: str, bad: str | Completion, good: str, name: str) -> None:
    # semantics 1: `usable` is tested once, where the text is made, and retries follow
    stage = Stage({"m/a": [bad, good]})
    result = await stage.run(ONE % f", usable: {rule}")
    assert result.text == good
    assert result.state == "ok"
    (lost,) = stage.heard(CallFailed)
    assert (lost.reason, lost.text) == (f"unusable:{name}", bad if isinstance(bad, str) else bad.text)


async def test_spent_retries_lead_to_alternates() -> None:
    # semantics 1: after retries come alternates
    stage = Stage({"m/a": "no", "m/b": "no", "m/c": "Answer: 1"})
    result = await stage.run(ONE % ", usable: {match: 'Answer:'}, alternates: [m/b, m/c], retry: {attempts: 2}")
    assert result.text == "Answer: 1"
    assert stage.asked == ["m/a", "m/a", "m/b", "m/b", "m/c"]


async def test_never_usable_fails_with_the_rule() -> None:
    # semantics 1: then failed `unusable:<rule>`, the text kept in the trace
    stage = Stage({"m/a": "no", "m/last": "rescue"})
    result = await stage.run(ONE % ", usable: {match: 'Answer:'}, retry: {attempts: 2}")
    assert states(result)["a"] == "failed unusable:match"
    assert result.text == "rescue"
    assert [event.text for event in stage.heard(CallFailed)] == ["no", "no"]


@pytest.mark.parametrize("how", [{"refusal": "I will not."}, {"finish_reason": "content_filter"}])
async def test_refusal_is_named_and_not_asked_again(how: dict[str, Any]) -> None:
    # the fault table of the wire contract: content_filter, refusal: member failed, alternates
    stage = Stage({"m/a": Completion(**how), "m/last": "rescue"})
    result = await stage.run(ONE % "")
    assert states(result)["a"] == "failed content_filter"
    assert (stage.asked, result.text) == (["m/a", "m/last"], "rescue")


@pytest.mark.parametrize("blank", ["", "  \n ", "\u200b\ufeff"])
async def test_blank_is_never_usable(blank: str) -> None:
    # design 2, usable: not blank; asked once more, not as often as a lost connection
    stage = Stage({"m/a": blank, "m/last": "rescue"})
    result = await stage.run(ONE % ", retry: {attempts: 5}")
    assert result.text == "rescue"
    assert stage.asked == ["m/a", "m/a", "m/last"]


async def test_truncated_text_is_usable_and_marked() -> None:
    # design 2: refusals and cut-offs are marked in any case
    result = await Stage({"m/a": CUT}).run(ONE % "")
    assert result.text == "cut of"
    assert entries(result) == [("a", "truncated")]


async def test_consumers_look_at_states_only() -> None:
    # semantics 1: ok means usable: a group does not test its members' texts again
    stage = Stage({"m/a": Completion(text="cut of", finish_reason="length"), "m/b": "beta", "m/w": "answer"})
    result = await stage.run(
        "p: {kind: layer, models: [m/a, m/b], quorum: 2}\nw: {kind: synth, model: m/w, inputs: [p]}"
    )
    assert sorted(shown(stage.sent("m/w")[0]).values()) == ["beta", "cut of"]
    assert result.text == "answer"


async def test_judge_that_abstains_fails() -> None:
    # semantics 1: a judge that abstains is failed `abstained`
    stage = Stage({"m/j": "not json at all", "*": "text"})
    result = await stage.run("""
        p: {kind: layer, models: [m/a, m/b]}
        j: {kind: judge, model: m/j, inputs: [p]}
        w: {kind: synth, model: m/w, inputs: [p, 'j?']}
        """)
    assert states(result)["j"] == "failed abstained"
    assert ("j", "abstained") in entries(result)
    assert result.text == "text"


# --- extract ----------------------------------------------------------------------------------------------------------

VOTED = """
votes: {kind: sample, model: m/a, samples: 4, extract: {regex: 'Answer: (.+)'}%s}
vote: {kind: judge, mode: vote, inputs: [votes]}
final: {kind: fallback, inputs: [vote, votes]}
"""


async def test_group_hands_extract_to_its_members() -> None:
    # semantics 1: `extract` is a model-call option (a group hands it to its members); the draft carries its `answer`
    stage = Stage({"m/a": ["x Answer: 1", "y Answer: 2", "none", "z Answer: 2"]})
    result = await stage.run(VOTED % "")
    assert sorted(str(draft.answer) for draft in result.drafts) == ["1", "2", "2", "None"]


async def test_vote_compares_answers_only() -> None:
    # semantics 1: stop, vote, majority and `agreement` only compare answers; no answer = an abstention
    stage = Stage({"m/a": ["none", "none", "long Answer: 2", "Answer: 2"]})
    result = await stage.run(VOTED % "")
    assert result.text == "long Answer: 2"


async def test_vote_without_any_answer_abstains() -> None:
    # semantics 1: no answer = an abstention; a vote over nothing fails `abstained`
    stage = Stage({"m/a": "nothing to count"})
    result = await stage.run(VOTED % "")
    assert states(result)["vote"] == "failed abstained"
    assert result.text == "nothing to count"
    assert ("vote", "abstained") in entries(result)


async def test_vote_judge_may_extract_itself() -> None:
    # semantics 1: a vote judge may have it when the drafts have none
    stage = Stage({"m/a": "so 7", "m/b": "thus 8", "m/c": "hence 8"})
    result = await stage.run("""
        p: {kind: layer, models: [m/a, m/b, m/c]}
        vote: {kind: judge, mode: vote, extract: last_number, inputs: [p]}
        final: {kind: fallback, inputs: [vote, p]}
        """)
    assert result.text == "thus 8"


async def test_majority_takes_the_largest_answer() -> None:
    # semantics 2: `pick: majority` compares answers
    stage = Stage({"m/a": ["Answer: 1", "Answer: 2", "Answer: 2 again 2", "Answer: 2"]})
    nodes = "votes: {kind: sample, model: m/a, samples: 4, extract: last_number}\n"
    result = await stage.run(nodes + "final: {kind: fallback, pick: majority, inputs: [votes]}")
    assert result.text == "Answer: 2"


async def test_agreement_counts_members_with_a_value() -> None:
    # semantics 1: `agreement` = members of the largest answer / members with a value
    stage = Stage({"m/a": ["Answer: 1", "Answer: 1", "none", "Answer: 3"], "m/s": "strong"})
    nodes = VOTED.replace("inputs: [votes]}", "inputs: [votes], when: {votes.agreement: {at_least: %s}}}", 1)
    nodes = nodes.replace("[vote, votes]", "[vote, strong]") + "strong: {kind: proposer, model: m/s}\n"
    assert (await stage.run(nodes % ("", 0.5), top={"output": "final"})).text == "Answer: 1"
    again = Stage({"m/a": ["Answer: 1", "Answer: 1", "none", "Answer: 3"], "m/s": "strong"})
    assert (await again.run(nodes % ("", 0.51), top={"output": "final"})).text == "strong"
