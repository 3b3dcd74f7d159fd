"""Pictures and sounds, and the models that take them."""

from __future__ import annotations

from fusion_graph.facts import Facts
from tests.server.stand import stand

URL = "https://pictures.example/a.png"
PICTURE = {"role": "user", "content": [{"type": "text", "text": "What is it?"},
                                       {"type": "image_url", "image_url": {"url": URL}}]}  # fmt: skip
SEES, READS = Facts(input=("text", "image")), Facts(input=("text",))


async def test_parts_go_to_all_models_that_nobody_spoke_of() -> None:
    async with stand() as at:
        assert (await at.ask(messages=[PICTURE]))[0] == 200
        sent = {request.body["model"]: str(request.body["messages"]) for request in at.upstream.received}
    assert {model: URL in messages for model, messages in sent.items()} == {
        "a/x": True, "b/y": True, "w/w": True, "j/j": False,
    }  # fmt: skip


async def test_node_that_cannot_take_a_part_is_named() -> None:
    # wire 1.2: to nodes whose model takes them, else R naming the node
    async with stand(facts={"a/x": SEES, "b/y": READS, "w/w": SEES, "j/j": READS}) as at:
        status, body = await at.ask(messages=[{"role": "user", "content": "Look."}, PICTURE])
        assert at.upstream.received == []
        assert (await at.ask(model="one", messages=[PICTURE]))[0] == 200
    error = body["error"]
    assert (status, error["param"], error["code"]) == (400, "messages[1].content[1]", "unsupported_content")
    assert "panel/y takes no image" in error["message"]


async def test_cards_tell_what_is_known() -> None:
    facts = {"a/x": READS, "w/w": Facts(context_length=1000, max_completion_tokens=99, input=("text", "image"))}
    async with stand(facts=facts) as at, at.session.get(at.url("/v1/models")) as response:
        cards = {card["id"]: card for card in (await response.json())["data"]}
    assert cards["fusion"]["context_length"] == 1000
    assert cards["fusion"]["top_provider"] == {"context_length": 1000, "max_completion_tokens": 99}
    assert cards["fusion"]["architecture"]["input_modalities"] == ["text"]
    assert cards["one"]["architecture"]["input_modalities"] == ["text", "image"]
    assert "context_length" not in cards["b/y"]  # nobody knows: nothing is claimed
