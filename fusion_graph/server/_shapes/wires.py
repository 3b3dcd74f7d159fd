"""Shapes of the Messages and Responses endpoints, as far as this server is bound by them. Pure."""

from __future__ import annotations

from fusion_graph.server._shapes.words import (
    BLOCK,
    COUNT,
    NULL,
    TEXT,
    Schema,
    array,
    either,
    number,
    record,
    ref,
)
from fusion_graph.server._wires.fields import EFFORTS, MAX_TOKENS

MODEL: Schema = {"type": "string", "minLength": 1, "maxLength": 256}
FLAG: Schema = {"type": ["boolean", "null"]}
ANYTHING: Schema = {"type": "object"}
MOST = number(0, MAX_TOKENS, "integer")
TURN = record({"role": {"enum": ["user", "assistant", "system"]}, "content": either(TEXT, array(ANYTHING))})
EFFORT = either({"enum": list(EFFORTS)}, NULL)
ASKED = {
    "stream": FLAG,
    "temperature": either(number(0, 2), NULL),
    "top_p": either(number(0, 1), NULL),
    "tools": either(array(ANYTHING, maxItems=128), NULL),
    "fusion": either(ANYTHING, NULL),
}
TOKENS = record(
    {"input_tokens": COUNT, "output_tokens": COUNT},
    {"cache_creation_input_tokens": COUNT, "cache_read_input_tokens": COUNT},
)
COUNTED = {
    "input_tokens": COUNT,
    "input_tokens_details": record({"cached_tokens": COUNT}),
    "output_tokens": COUNT,
    "output_tokens_details": record({"reasoning_tokens": COUNT}),
    "total_tokens": COUNT,
}
STATUS = {"enum": ["in_progress", "completed", "incomplete", "failed"]}
STOPS = ["end_turn", "max_tokens", "stop_sequence", "tool_use", "refusal"]
BLOCKS = either(
    record({"type": {"const": "text"}, "text": TEXT}),
    record({"type": {"const": "tool_use"}, "id": TEXT, "name": TEXT, "input": ANYTHING}),
)

WIRES: dict[str, Schema] = {
    "MessagesRequest": record(
        {"model": MODEL, "messages": array(TURN, minItems=1), "max_tokens": MOST},
        {
            **ASKED,
            "system": either(TEXT, array(ANYTHING), NULL),
            "stop_sequences": either(array(TEXT, maxItems=16), NULL),
        },
    ),
    "CountRequest": record({"model": MODEL, "messages": array(TURN, minItems=1)}),
    "Count": record({"input_tokens": number(1, 2**53, "integer")}),
    "MessagesError": record(
        {"type": {"const": "error"}, "error": record({"type": TEXT, "message": TEXT}), "request_id": TEXT}
    ),
    "Message": record(
        {
            "id": TEXT,
            "type": {"const": "message"},
            "role": {"const": "assistant"},
            "model": TEXT,
            "content": array(BLOCKS),
            "stop_reason": {"enum": STOPS},
            "stop_sequence": either(TEXT, NULL),
            "usage": TOKENS,
        },
        {"fusion": BLOCK},
    ),
    "MessagesEvent": record(
        {
            "type": {
                "enum": [
                    "message_start",
                    "ping",
                    "content_block_start",
                    "content_block_delta",
                    "content_block_stop",
                    "message_delta",
                    "message_stop",
                    "error",
                ]
            }
        }
    ),
    "ResponsesRequest": record(
        {"model": MODEL, "input": either(TEXT, array(ANYTHING, minItems=1))},
        {
            **ASKED,
            "instructions": either(TEXT, NULL),
            "max_output_tokens": either(MOST, NULL),
            "reasoning": either(record({}, {"effort": EFFORT}), NULL),
            "parallel_tool_calls": FLAG,
        },
    ),
    "Response": record(
        {
            "id": TEXT,
            "object": {"const": "response"},
            "created_at": COUNT,
            "status": STATUS,
            "error": either(record({"code": TEXT, "message": TEXT}), NULL),
            "incomplete_details": either(record({"reason": TEXT}), NULL),
            "instructions": either(TEXT, NULL),
            "model": TEXT,
            "output": array(record({"id": TEXT, "type": TEXT, "status": STATUS})),
            "parallel_tool_calls": {"type": "boolean"},
            "metadata": ANYTHING,
            "temperature": {"type": ["number", "null"]},
            "tool_choice": either(TEXT, ANYTHING),
            "tools": array(ANYTHING),
            "top_p": {"type": ["number", "null"]},
            "usage": either(record(COUNTED), NULL),
        },
        {"fusion": BLOCK},
    ),
    "ResponsesEvent": record({"type": TEXT, "sequence_number": COUNT}, {"response": ref("Response")}),
}
