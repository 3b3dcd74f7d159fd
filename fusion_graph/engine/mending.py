"""The last check of an answer that nobody streamed: a text that breaks the request's contract is mended by one call of
a writer, or the run fails. A raw draft that breaks it is never returned (semantics 3)."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from typing import TYPE_CHECKING

from fusion_graph.contracts import Ask
from fusion_graph.engine.answer_form import breach, wanted_schema
from fusion_graph.engine.attempts import CallRun
from fusion_graph.engine.calls import complete
from fusion_graph.errors import NodeFailed
from fusion_graph.messages import Message
from fusion_graph.outputs import Draft

if TYPE_CHECKING:
    from fusion_graph.engine.run import Run

UNMET = "response_format_unmet"
PROMPT = (
    "Give the text between the two marked lines again, with the same content, as one JSON value and nothing else. "
    "It must fit this JSON Schema: {schema}\n\n<<< text | {fence} >>>\n{text}\n<<< end of text | {fence} >>>"
)


async def keep_contract(run: Run, answer: Draft) -> Draft | None:
    """The answer as the request demands it; None when it cannot be had, which is told."""
    try:
        return await _kept(run, answer)
    except NodeFailed as unmet:
        run.degrade(run.nodes[run.bound.output].id, UNMET, unmet.message, "no answer was returned")
        return None


async def _kept(run: Run, answer: Draft) -> Draft:
    """Of what was streamed all n texts are looked at. Raises NodeFailed."""
    asked = run.request.writer
    streamed = run.live is not None and run.live.node >= 0
    texts = run.choices.get(run.bound.by_id[answer.node].index) if streamed else None  # type: ignore[index]
    broken = next(filter(None, (breach(asked, text) for text in texts or (answer,))), "")
    if asked is None or not broken:
        return answer
    if streamed:
        run.degrade(answer.node, UNMET, broken, "sent as it was written")
        return answer
    schema = wanted_schema(asked)
    if schema is None or not run.bound.writers:
        raise NodeFailed(UNMET, broken)
    writer = run.bound.nodes[min(run.bound.writers)]
    prompt = PROMPT.format(schema=json.dumps(schema), fence=run.fence, text=answer.text)
    call = CallRun(run, writer, Ask((Message("user", prompt),), "draft"), number=0)
    call.task = asyncio.current_task()
    left = None if run.deadline is None else run.deadline - run.clock()
    try:
        async with asyncio.timeout(left):
            mended = await complete(call)
    except TimeoutError:
        raise NodeFailed(UNMET, f"{broken}; the deadline came before it was mended") from None
    run.degrade(answer.node, UNMET, broken, f"{writer.id} was asked to mend it")
    return replace(answer, text=mended.text, finish_reason=mended.finish_reason)
