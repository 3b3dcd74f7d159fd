"""What simulated models say: seeded, knowing different things, so that a panel can beat its members."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fusion_graph.messages import Call, Message, Sampling
from fusion_graph.providers._sim.facts import FACTS
from fusion_graph.providers._sim.mind import LISTENS, Mind, cut_words

MODELS = ("a/x", "b/y", "c/z", "d/w", "e/v")


def ask(*texts: str, model: str = "a/x", mind: Mind | None = None, draw: int = 0, **sampling: object) -> str:
    messages = tuple(Message("user", text) for text in texts)
    call = Call(model, messages, Sampling(**sampling), (0, draw, 0, 0))  # type: ignore[arg-type]
    return (mind or Mind()).reply(call).text


def show(texts: list[str], fence: str = "f00d") -> str:
    """Drafts as the kinds show them."""
    labelled = zip("ABCDEFGH", texts, strict=False)
    return "\n\n".join(f"<<< draft {a} | {fence} >>>\n{text}\n<<< end of {a} | {fence} >>>" for a, text in labelled)


def is_right(text: str, answer: str) -> bool:
    return text.endswith(f"Answer: {answer}")


def test_same_call_gets_the_same_reply() -> None:
    assert ask("How do I plan a garden?") == ask("How do I plan a garden?")


def test_draw_seed_and_model_vary_the_reply() -> None:
    replies = {ask("How?", draw=n) for n in range(5)} | {ask("How?", seed=n) for n in range(5)}
    replies |= {ask("How?", model=model) for model in MODELS}
    assert len(replies) > 10


def test_random_fence_changes_nothing() -> None:
    assert ask("How?", show(["one", "two"], "aaaa")) == ask("How?", show(["one", "two"], "bbbb"))


def test_reply_mentions_the_question() -> None:
    assert "How do I plan a garden?" in ask("How do I plan a garden?", show(["a", "b"]) + "\n\nWrite the reply.")


def test_knowledge_is_fixed_per_model_and_question() -> None:
    mind = Mind(slip=0.0)
    replies = {ask(FACTS[0][0], draw=n, mind=mind)[-9:] for n in range(20)}
    assert mind.knows("a/x", FACTS[0][0]) == (len(replies) == 1)


def test_all_or_nothing_knowledge() -> None:
    for question, answer in FACTS:
        assert is_right(ask(question, mind=Mind(knowledge=1.0, slip=0.0)), answer)
        assert not is_right(ask(question, mind=Mind(knowledge=1.0, known={"a/x": 0.0})), answer)


def test_sums_are_worked_out() -> None:
    assert ask("What is 17 * 23?", mind=Mind(knowledge=1.0, slip=0.0)).endswith("Answer: 391")


@pytest.mark.parametrize("parts", [1, 2000])
def test_of_a_long_conversation_the_beginning_and_the_end_are_heard(parts: int) -> None:
    """However it is cut into messages. What it took is counted whole."""
    question, rest = "What is 6 times 7?", ["so and so " * (LISTENS // 5 // parts)] * parts
    knowing = Mind(knowledge=1, slip=0)
    assert is_right(ask(question, *rest, mind=knowing), "42")
    assert is_right(ask(*rest, question, mind=knowing), "42")
    assert not is_right(ask(*rest, question, *rest, mind=knowing), "42")
    usage = knowing.reply(Call("a/x", tuple(Message("user", text) for text in rest), Sampling())).usage
    assert usage is not None
    assert usage.prompt_tokens == sum(map(len, rest)) // 4 + 1


def test_panel_beats_its_members() -> None:
    members, panel = dict.fromkeys(MODELS, 0), 0
    for question, answer in FACTS:
        drafts = [ask(question, model=model) for model in MODELS]
        for model, draft in zip(MODELS, drafts, strict=True):
            members[model] += is_right(draft, answer)
        panel += is_right(ask(question, show(drafts) + "\n\nWrite the reply."), answer)
    assert panel > max(members.values())


def test_writer_takes_up_the_drafts_points() -> None:
    drafts = [ask("How?", model=model) for model in MODELS[:2]]
    point = drafts[0].split(": ", 1)[1].split(".")[0]
    assert point in ask("How?", show(drafts))


def test_cap_cuts_and_marks() -> None:
    reply = Mind().reply(Call("a/x", (Message("user", "How?"),), Sampling(max_tokens=3)))
    assert (len(reply.text), reply.finish_reason) == (12, "length")


def test_stop_text_ends_the_reply() -> None:
    assert ask("How?", stop_sequences=(".",)) == ask("How?").split(".")[0]


def test_stop_text_that_comes_first_is_named() -> None:
    first, second = ask("How?").split()[1:3]
    call = Call("sim/a", (Message("user", "How?"),), Sampling(stop_sequences=(second, "\0", first)))
    reply = Mind().reply(call)
    assert (reply.stop_sequence, reply.finish_reason) == (first, "stop")


def test_json_object_is_json() -> None:
    assert ask("Reply in JSON", response_format={"type": "json_object"}) == "{}"


def test_errors_come_at_their_rate() -> None:
    call = Call("a/x", (Message("user", "x"),), Sampling())
    assert sum(Mind(error_rate=0.3).error(call, n) is not None for n in range(200)) == pytest.approx(60, abs=25)
    assert Mind().error(call, 0) is None


@given(st.text())
def test_words_make_the_text_again(text: str) -> None:
    words = cut_words(text)
    assert "".join(words) == text
    assert all(words)
