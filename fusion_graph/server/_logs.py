"""One line per request: JSON, or text for a person. Prompts and answers only if the operator asks for them; keys
never."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Mapping
from typing import Any, BinaryIO

from fusion_graph.jsontext import rounded, write_ascii

CLIENT_ID = re.compile(r"[A-Za-z0-9._:-]{1,128}")


class Log:
    """Writes to one stream. `clock` is wall time."""

    def __init__(self, stream: BinaryIO | None, *, as_json: bool, clock: Callable[[], float] = time.time) -> None:
        self._stream = stream
        self._as_json = as_json
        self._clock = clock

    @property
    def open(self) -> bool:
        """Somebody reads it."""
        return self._stream is not None

    def say(self, event: str, **fields: Any) -> None:
        """A line of those that say something."""
        self.tell(event, telling(fields))

    def tell(self, event: str, fields: Mapping[str, Any]) -> None:
        """A line of all of them."""
        if self._stream is None:
            return
        at = self._clock()
        if self._as_json:
            line = write_ascii({"at": rounded(at, 1000), "event": event, **fields}, str)
        else:
            stamp = time.strftime("%H:%M:%S", time.localtime(at))
            line = " ".join([stamp, event, *(f"{name}={_plain(value)}" for name, value in fields.items())]).encode()
        try:
            self._stream.write(line + b"\n")
            self._stream.flush()
        except (OSError, ValueError):
            self._stream = None  # nobody reads it any more


def telling(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Without those that are None or empty; a zero and a no are said."""
    return {name: value for name, value in fields.items() if value or value == 0}


def client_id(given: str | None) -> Mapping[str, str]:
    """The field of a client's own request id, if it is one."""
    return {"client_id": given} if given and CLIENT_ID.fullmatch(given) else {}


def _plain(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.4g}"
    return json.dumps(value) if not isinstance(value, str) or not value.isprintable() or " " in value else value
