"""Whether a reply counts: the one place where a text is found usable or not (semantics 1)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fusion_graph.engine.answer_form import breach
from fusion_graph.errors import Transient
from fusion_graph.graph.answers import unusable
from fusion_graph.messages import Completion
from fusion_graph.pipeline import Usable

if TYPE_CHECKING:
    from fusion_graph.engine.attempts import CallRun

NOT_BLANK = Usable()
BAD_ARGUMENTS = "tool_arguments_not_json"
"""The note on a completion that calls a tool with something else than an object."""


class Unusable(Transient):
    """The reply came whole but the node's `usable` refuses it. Carries it, for the trace and the bill."""

    def __init__(self, rule: str, completion: Completion) -> None:
        super().__init__(f"unusable:{rule}", f"the reply is not usable: {rule}")
        self.completion = completion


class Refused(Unusable):
    """Nothing was written, by the model's or its provider's own decision: to ask again would be told the same."""

    transient = False

    def __init__(self, completion: Completion) -> None:
        super().__init__("blank", completion)
        self.reason, self.message = "content_filter", "the model refused to answer"


class BrokenCall(Unusable):
    """A tool is called with arguments that are no JSON object, and nobody has seen it: it may be asked for again."""

    def __init__(self, completion: Completion) -> None:
        super().__init__("tool_arguments", completion)
        self.reason, self.message = "invalid_output", "the arguments of a tool call are not JSON"


class Unasked(Unusable):
    """Not in the form that the request demands."""

    def __init__(self, broken: str, completion: Completion) -> None:
        super().__init__("contract", completion)
        self.message = f"not what the request demands: {broken}"


def accept(call: CallRun, completion: Completion) -> None:
    """Nothing, if the reply is usable; a note need only say something. Raises Unusable."""
    usable, writer = call.options.usable, call.run.request.writer
    if writer is None and not usable.holds_back and completion.text[:1].isalnum():
        return  # what nearly every reply is
    if call.ask.reads is not None:
        completion = call.ask.reads(completion)
    rule = unusable(NOT_BLANK if call.ask.purpose == "note" else usable, completion)
    if rule == "blank" and (completion.refusal is not None or completion.finish_reason == "content_filter"):
        raise Refused(completion)
    if rule:
        raise Unusable(rule, completion)
    if writer is None or call.run.live is not None or not call.writes:
        return
    if BAD_ARGUMENTS in completion.notes:
        raise BrokenCall(completion)
    if broken := breach(writer, completion):
        raise Unasked(broken, completion)
