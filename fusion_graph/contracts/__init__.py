"""Every extension contract, a page each: `kinds` (and the door a kind works through), `providers`, `tools`, `entries`
(routes and commands), and `memory`, what a run need not buy again. A new one is one file with one constant, one line in
its folder's table, one test beside it (docs/contributing.md)."""

from fusion_graph.contracts.entries import Command, Route
from fusion_graph.contracts.kinds import (
    Ask,
    Calls,
    Input,
    Kind,
    NodeContext,
    Wait,
    WaitAll,
    WaitFirst,
    WaitGroup,
)
from fusion_graph.contracts.memory import Memory, Recalled
from fusion_graph.contracts.providers import DEPTH, DEPTH_HEADER, Backend, Client, Provider, Sink
from fusion_graph.contracts.tools import JsonSchema, Tool

__all__ = [
    "DEPTH",
    "DEPTH_HEADER",
    "Ask",
    "Backend",
    "Calls",
    "Client",
    "Command",
    "Input",
    "JsonSchema",
    "Kind",
    "Memory",
    "NodeContext",
    "Provider",
    "Recalled",
    "Route",
    "Sink",
    "Tool",
    "Wait",
    "WaitAll",
    "WaitFirst",
    "WaitGroup",
]
