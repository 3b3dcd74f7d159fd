"""Every diagnostic code and what it means, in one table. The docs page of codes is made from it.

FG1xx YAML and schema, FG2xx references, FG3xx graph, FG4xx types and streaming, FG5xx limits, FG6xx task files. A code
is never given a new meaning; whether a finding is an error or a warning is said where it is made.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

CODES: Mapping[str, str] = MappingProxyType(
    {
        "FG101": "The file is empty, or is not UTF-8 text.",
        "FG102": "The file is too large, nested too deep, or holds too many values.",
        "FG103": "The text is not YAML.",
        "FG104": "A key stands twice in one map.",
        "FG105": "Anchors, aliases, merge keys and tags are not used in pipelines.",
        "FG106": "A key or value that YAML readers do not agree on, or that JSON does not have.",
        "FG107": "Something that looks like a secret stands in the file; keys come from the environment.",
        "FG110": "The file is neither a graph (`nodes`) nor a panel (`panel`), or it is both.",
        "FG111": "An unknown key.",
        "FG112": "A key that must be there is missing.",
        "FG113": "A value of the wrong type.",
        "FG114": "A value outside of what is allowed.",
        "FG115": "An unknown node kind.",
        "FG116": "Options that do not go together.",
        "FG117": "A `when` that is not of the grammar.",
        "FG118": "An option that has no effect here (warning).",
        "FG201": "A node is named that does not exist.",
        "FG202": "A group has no member of that key.",
        "FG203": "A parameter is named that is not declared.",
        "FG204": "A prompt names something that is not there.",
        "FG205": "A `when` reads a field that the node does not have.",
        "FG206": "A declared parameter is not used (warning).",
        "FG207": "The same node is named twice in one list.",
        "FG208": "A parameter stands where none is taken.",
        "FG209": "Two members or nodes would have the same id.",
        "FG210": "A parameter's default does not fit its declaration or the place where it is used.",
        "FG301": "A cycle.",
        "FG302": "A node that the output never asks for.",
        "FG303": "No output.",
        "FG304": "Too few inputs, or too many.",
        "FG305": "A layer needs exactly one of `models` and `members`.",
        "FG306": "`quorum` and `grace_s` belong to groups.",
        "FG307": "The output has no fallback (warning).",
        "FG308": "A judge is also a panelist (warning).",
        "FG401": "An input of a type that the kind does not take.",
        "FG402": "The output does not give one answer.",
        "FG403": "Scores are needed, but no judge among the inputs gives any.",
        "FG404": "The text to refine must be a bare input.",
        "FG405": "An option that needs other inputs than there are.",
        "FG406": "The output cannot stream while it is written (warning).",
        "FG407": "A turn after a tool result runs the whole graph, because no writer can answer alone (warning).",
        "FG501": "A quorum above the number of members.",
        "FG502": "The reserve leaves no time before the deadline.",
        "FG503": "A timeout that the deadline can never let happen.",
        "FG504": "The graph would expand to too many nodes.",
        "FG505": "More calls may be made than the limits allow (warning).",
        "FG601": "A task or criterion is there twice.",
        "FG602": "A weight that is not a finite number.",
        "FG603": "A task that nothing could score on: no criterion of positive weight.",
        "FG604": "A task file of no known form, or without a task.",
        "FG605": "A manifest that does not say what is in it.",
        "FG606": "A space of no known form, of a pipeline that cannot be read, or too large.",
    }
)
