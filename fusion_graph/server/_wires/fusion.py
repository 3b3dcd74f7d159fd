"""OpenRouter's words for a fusion (wire contract 2): the plugin `fusion` and the tool `openrouter:fusion` of a request.
Pure: which pipeline and which models they come to is decided where the pipelines are known (`_doors`)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from fusion_graph.server._errors import invalid
from fusion_graph.server._wires import fields
from fusion_graph.server._wires.asked import Convening
from fusion_graph.server._wires.tools import FUSION, HOSTED

FLASH = "openrouter/fusion-flash"
ALIASES = frozenset({"openrouter/fusion", FLASH})
"""Names of the default pipeline and of the preset `general-fast`; a `:suffix` changes nothing."""
MAX_PANEL = 8
TOOL_TOKENS = 16_000
PLUGIN = frozenset({"id", "enabled", "preset", "analysis_models", "model", "max_tool_calls", "tools"})
TOOL = frozenset(
    {"analysis_models", "model", "max_tool_calls", "tools", "max_completion_tokens", "reasoning", "temperature"}
)


def read_convening(body: Mapping[str, Any], ignored: list[str]) -> tuple[Convening | None, bool]:
    """What plugin and tool say, the plugin first; and whether the writer shall answer alone. Both together are one:
    what the plugin leaves open the tool says."""
    tool = next((_tool(*found, ignored) for found in tools_of(body)), None)
    plugin, enabled = _plugin(body, ignored)
    door = tool is not None or str(body.get("model")).partition(":")[0] in ALIASES
    alone = not enabled or (door and body.get("tool_choice") == "none")
    if plugin is None or tool is None:
        return plugin or tool, alone
    return (
        Convening(
            door="plugin",
            preset=plugin.preset,
            panel=plugin.panel or tool.panel,
            judge=plugin.judge or tool.judge,
            max_tokens=tool.max_tokens,
            else_tokens=tool.else_tokens,
            reasoning_effort=tool.reasoning_effort,
            reasoning_tokens=tool.reasoning_tokens,
            temperature=tool.temperature,
            max_tool_calls=tool.max_tool_calls if plugin.max_tool_calls is None else plugin.max_tool_calls,
            tools=tool.tools if plugin.tools is None else plugin.tools,
        ),
        alone,
    )


def tools_of(body: Mapping[str, Any]) -> Iterator[tuple[Mapping[str, Any], str]]:
    """The parameters of each `openrouter:fusion` among the tools, and their path."""
    tools = body.get("tools")
    for i, tool in enumerate(tools if isinstance(tools, list) else ()):
        if isinstance(tool, dict) and tool.get("type") == FUSION:
            path = f"tools[{i}].parameters"
            yield fields.mapping(fields.given(tool, "parameters", {}), path), path


def _plugin(body: Mapping[str, Any], ignored: list[str]) -> tuple[Convening | None, bool]:
    entries = fields.array(fields.given(body, "plugins", []), "plugins", most=16)
    for i, entry in enumerate(entries):
        path = f"plugins[{i}]"
        plugin = fields.mapping(entry, path)
        name = fields.text(plugin.get("id"), f"{path}.id", most=64, least=1)
        if name != "fusion":
            ignored.append(f"plugins.{name}")
            continue
        _name_unread(plugin, PLUGIN, path, ignored)
        preset = fields.text(fields.given(plugin, "preset", ""), f"{path}.preset", most=64)
        enabled = plugin.get("enabled") is None or fields.boolean(plugin["enabled"], f"{path}.enabled")
        return Convening(door="plugin", preset=preset, **_models(plugin, path)), enabled
    return None, True


def _tool(given: Mapping[str, Any], path: str, ignored: list[str]) -> Convening:
    _name_unread(given, TOOL, path, ignored)
    most, warmth = given.get("max_completion_tokens"), given.get("temperature")
    reasoning = fields.mapping(fields.given(given, "reasoning", {}), f"{path}.reasoning")
    effort, thought = reasoning.get("effort"), reasoning.get("max_tokens")
    if thought is not None:
        thought = fields.integer(thought, f"{path}.reasoning.max_tokens", 1, fields.MAX_TOKENS)
        if effort is not None:
            ignored.append(f"{path}.reasoning.max_tokens")
    where = f"{path}.max_completion_tokens"
    return Convening(
        door="tool",
        **_models(given, path),
        max_tokens=None if most is None else fields.integer(most, where, 1, fields.MAX_TOKENS),
        else_tokens=TOOL_TOKENS,
        reasoning_effort=None if effort is None else fields.choice(effort, f"{path}.reasoning.effort", fields.EFFORTS),
        reasoning_tokens=thought if effort is None else None,
        temperature=None if warmth is None else fields.number(warmth, f"{path}.temperature", 0, 2),
    )


def _models(given: Mapping[str, Any], path: str) -> dict[str, Any]:
    """Panel and judge, and what the panel may do with its tools."""
    panel = fields.array(given["analysis_models"], f"{path}.analysis_models", least=1, most=MAX_PANEL) if given.get(
        "analysis_models"
    ) is not None else ()  # fmt: skip
    most, judge = given.get("max_tool_calls"), fields.given(given, "model", "")
    return {
        "panel": tuple(fields.text(m, f"{path}.analysis_models[{i}]", most=128, least=1) for i, m in enumerate(panel)),
        "judge": fields.text(judge, f"{path}.model", most=128),
        "max_tool_calls": None if most is None else fields.integer(most, f"{path}.max_tool_calls", 1, 16),
        "tools": None if given.get("tools") is None else tuple(_tool_names(given["tools"], f"{path}.tools")),
    }


def _tool_names(value: Any, path: str) -> Iterator[str]:
    """Tools of the panel, by name or as objects; OpenRouter writes its own before a colon."""
    for i, entry in enumerate(fields.array(value, path, most=8)):
        name, where = (entry.get("type"), f"{path}[{i}].type") if isinstance(entry, dict) else (entry, f"{path}[{i}]")
        yield fields.text(name, where, most=128, least=1).removeprefix(HOSTED)


def _name_unread(given: Mapping[str, Any], known: frozenset[str], path: str, ignored: list[str]) -> None:
    """Unknown keys of a plugin are as harmless as they are in OpenRouter, but for those that could be an address or a
    key."""
    for name in fields.unread(given, known):
        if name in ("base_url", "api_base", "api_key", "headers", "proxy", "prompt", "url"):
            raise invalid(f"{path} takes no {name}", f"{path}.{name}")
        ignored.append(f"{path}.{name}")
