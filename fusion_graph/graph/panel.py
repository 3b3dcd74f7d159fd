"""The panel form, rewritten as a graph: one fixed graph with declared parameters, so that a caller may override a
panel in the same way as any other pipeline (semantics 6). Checked before (`graph/schema`), never after.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fusion_graph.graph.schema import LAYERS, PANEL, SAMPLES
from fusion_graph.graph.yaml.places import Path

JUDGE, SYNTHESIZER = "openai/gpt-5.5", "anthropic/claude-opus-4.8"
"""Used where a file names none: those of the default preset."""
TEMPERATURE, JITTER, RETRIES, BACKOFF_S = 0.7, 0.3, 2, 0.5


def to_graph(panel: Mapping[str, Any]) -> dict[str, Any]:
    """The graph form of a panel file: layers, samples and diversity in one layer, then judge, synth and refine,
    closed by a fallback to the best draft."""
    top = {key: panel[key] for key in panel if key in ("description", "convene", "forward") or key.startswith("x-")}
    return {
        "version": 1,
        "name": panel["name"],
        **top,
        "params": _params(panel),
        **_limits(panel),
        "defaults": _defaults(panel),
        "nodes": {
            "panel": _layer(panel),
            "judge": {"kind": "judge", "model": "$judge", "inputs": ["panel"]},
            "synth": {"kind": "synth", "model": "$synthesizer", "inputs": ["panel", "judge?"]},
            "refine": {
                "kind": "refine",
                "model": "$synthesizer",
                "inputs": ["synth", "judge?", "panel"],
                "when": {"params.refine": {"equals": True}},
            },
            "answer": {"kind": "fallback", "inputs": ["refine", "synth", "panel"]},
        },
        "output": "answer",
    }


def _params(panel: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "panel": {"type": "models", "default": _members(panel), "minItems": 1, "maxItems": PANEL},
        "judge": {"type": "string", "default": panel.get("judge", JUDGE)},
        "synthesizer": {"type": "string", "default": panel.get("synthesizer", SYNTHESIZER)},
        "refine": {"type": "boolean", "default": panel.get("refine", False)},
        "layers": {"type": "integer", "default": panel.get("layers", 1), "minimum": 1, "maximum": LAYERS},
        "samples": {"type": "integer", "default": panel.get("samples", 1), "minimum": 1, "maximum": SAMPLES},
        "diversity": {"type": "boolean", "default": panel.get("diversity", True)},
    }


def _members(panel: Mapping[str, Any]) -> list[Any]:
    """The panelists; their tools only where tools are enabled."""
    if panel.get("tools_enabled", False):
        return list(panel["panel"])
    return [
        {k: v for k, v in member.items() if k != "tools"} if isinstance(member, Mapping) else member
        for member in panel["panel"]
    ]


def inert_tools(panel: Mapping[str, Any]) -> list[Path]:
    """Where members list tools that are not enabled."""
    if panel.get("tools_enabled", False):
        return []
    return [("panel", i, "tools") for i, m in enumerate(panel["panel"]) if isinstance(m, Mapping) and m.get("tools")]


def _limits(panel: Mapping[str, Any]) -> dict[str, Any]:
    limits = dict(panel.get("limits", {}))
    if panel.get("max_concurrency"):
        limits["max_concurrency"] = panel["max_concurrency"]
    return {"limits": limits} if limits else {}


def _defaults(panel: Mapping[str, Any]) -> dict[str, Any]:
    defaults: dict[str, Any] = {"temperature": panel.get("temperature", TEMPERATURE)}
    if panel.get("max_tokens") is not None:
        defaults["max_tokens"] = panel["max_tokens"]
    retry = {"attempts": panel.get("max_retries", RETRIES) + 1, "backoff_s": panel.get("retry_backoff", BACKOFF_S)}
    return {**defaults, "retry": retry}


def _layer(panel: Mapping[str, Any]) -> dict[str, Any]:
    layer = {"kind": "layer", "models": "$panel", "repeat": "$layers", "samples": "$samples"}
    spread = {"jitter": panel.get("diversity_jitter", JITTER), "enabled": "$diversity"}
    waiting = {key: panel[key] for key in ("quorum", "grace_s") if key in panel}
    return {**layer, **({"spread": spread} if panel.get("temperature", TEMPERATURE) is not None else {}), **waiting}


_ORIGINS: Mapping[Path, Path] = {
    ("params", "panel", "default"): ("panel",),
    ("nodes", "panel", "models"): ("panel",),
    ("nodes", "panel", "quorum"): ("quorum",),
    ("nodes", "panel", "grace_s"): ("grace_s",),
    ("nodes", "panel", "repeat"): ("layers",),
    ("nodes", "panel", "samples"): ("samples",),
    ("nodes", "panel", "spread"): ("diversity_jitter",),
    ("nodes", "panel"): ("panel",),
    ("nodes", "judge"): ("judge",),
    ("nodes", "synth"): ("synthesizer",),
    ("nodes", "refine"): ("refine",),
    ("limits",): ("limits",),
    ("defaults", "temperature"): ("temperature",),
}


def origin(path: Path) -> Path:
    """Where in the panel file a place of the graph comes from."""
    for i in range(len(path), 0, -1):
        if path[:i] in _ORIGINS:
            return (*_ORIGINS[path[:i]], *path[i:])
    return path[1:2] if path[:1] == ("params",) else ()
