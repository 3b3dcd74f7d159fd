"""The models of a dry run: simulated panelists, each with its own knowledge and pace, and a simulated examiner that
looks for the terms of a requirement in the text. All seeded; it shows what a report looks like, never what a shape is
worth."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Mapping

from fusion_graph.contracts import Backend, Client, Provider, Sink
from fusion_graph.messages import Call, Completion
from fusion_graph.providers._sim.mind import Mind
from fusion_graph.providers.sim import Pace, SimClient

NAME = "sim"
_RESPONSE = re.compile(r"<response (\w+)>\n(.*)\n</response \1>", re.DOTALL)
_WANTED = re.compile(r"^(?:Description|Requirement \(\w+\)): (.*)\Z", re.DOTALL | re.MULTILINE)
_QUOTED = re.compile(r'"([^"]+)"')
_WORDS = re.compile(r"\w{4,}")
_ENOUGH = 0.6  # of a requirement's words, where it quotes nothing


class Panelist:
    """A client that gives every model a mind of its own: knowledge between a half and four fifths, and a pace."""

    def __init__(self) -> None:
        self._minds: dict[str, SimClient] = {}

    async def complete(self, call: Call, sink: Sink) -> Completion:
        mind = self._minds.get(call.model)
        if mind is None:
            share = hashlib.sha256(call.model.encode()).digest()[0] / 255
            slow = 0.5 + 1.5 * share
            mind = self._minds[call.model] = SimClient(
                mind=Mind(knowledge=0.5 + 0.3 * share),
                pace=Pace(first_token_s=0.6 * slow, token_s=0.02 * slow),
                records=False,
            )
        return await mind.complete(call, sink)

    async def aclose(self) -> None:
        self._minds.clear()


def examine(call: Call) -> str:
    """A verdict in the form that the call asks for."""
    text = call.messages[-1].text
    response, wanted = _RESPONSE.search(text), _WANTED.search(text)
    met = bool(response and wanted and _holds(response.group(2), wanted.group(1)))
    word = "MET" if met else "UNMET"
    if call.sampling.response_format:
        return json.dumps({"verdict": word, "justification": "Simulated."})
    return json.dumps({"explanation": "Simulated.", "criterion_status": word})


def _holds(response: str, requirement: str) -> bool:
    response = response.casefold()
    quoted = _QUOTED.findall(requirement)
    if quoted:
        return all(term.casefold() in response for term in quoted)
    words = set(_WORDS.findall(requirement.casefold()))
    return bool(words) and sum(word in response for word in words) >= _ENOUGH * len(words)


def examiner(_backend: Backend) -> Client:
    return SimClient({"*": examine}, records=False)


def panelist(_backend: Backend) -> Client:
    return Panelist()


PANEL = Provider(name=NAME, summary="simulated panelists", open=panelist)
EXAMINER = Provider(name=NAME, summary="a simulated examiner", open=examiner)
"""Neither is free: a dry run shows what its tokens would have cost."""


def backends(names: Iterable[str]) -> Mapping[str, Backend]:
    """Every backend there may be, simulated."""
    return {name: Backend(name=name, provider=NAME) for name in {NAME, *names} - {""}}
