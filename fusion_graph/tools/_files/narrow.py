"""Which files a search need not read: those without a text that every match must hold, found by ripgrep where it is
installed. It only narrows: whatever it says, each line that is shown was read by our own, careful reader. It runs in
the sandbox of bash; where there is none, or it fails, every file is read.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
from collections.abc import Collection
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from fusion_graph.tools._files.ignore import ALWAYS
from fusion_graph.tools._sandbox.confines import PATH, Caps
from fusion_graph.tools._sandbox.levels import Sandbox

PROGRAM = "rg"  # looked for where the sandbox sees it
SHORTEST = 3  # characters that are worth looking for
CAPS = Caps(seconds=10.0, shown=8 << 20, written=8 << 20)
_UNSURE = re.compile(r"\(\?(?![:=!P<>])|\\[xuUN0-9]")
_COUNT = re.compile(r"\{\d*,?\d*\}")
_CLASS = re.compile(r"\[\^?\]?(?:\\.|[^\]\\])*\]", re.DOTALL)
_PLAIN = re.compile(r"""[A-Za-z0-9_ "'`:=,;/<>#@!%&~-]""")
_FOLDED = re.compile(r"[iIsSkK]")


class Narrowing(NamedTuple):
    """A text that every match holds, and the program that looks for it."""

    program: str
    text: str
    ignore_case: bool

    async def paths(self, root: Path, start: str, sandbox: Sandbox | None) -> Collection[str] | None:
        """Of all files below `start` that may hold a match, relative to the root, as `told` has them; None = nobody
        knows."""
        if sandbox is None or sandbox.level == "none":
            return None
        options = ["--no-config", "--no-ignore", "--hidden", "--text", "--encoding=none", "--files-with-matches"]
        options += ["--null", *(["--ignore-case"] if self.ignore_case else [])]
        options += [f"--glob=!{name}" for name in sorted(ALWAYS)]
        where = "." if start == "." else f"./{start}"
        command = shlex.join([self.program, *options, "--fixed-strings", f"--regexp={self.text}", "--", where])
        ran = await replace(sandbox, caps=CAPS, network=False).run(f"{command} 2>/dev/null", root)
        if ran.code not in (0, 1) or ran.ended or len(ran.output) >= CAPS.shown // 2:
            return None
        return frozenset(path.removeprefix("./") for path in ran.output.split("\0"))


def narrowing(expression: str, *, ignore_case: bool, start: str) -> Narrowing | None:
    """None where every file must be read: ripgrep is not here, or there is nothing to ask it for. A folder that is left
    out below others may be asked for by name."""
    program = shutil.which(PROGRAM, path=PATH)
    if program is None or ALWAYS & set(start.split("/")):
        return None
    text = literal_of(expression, ignore_case=ignore_case)
    return Narrowing(program, text, ignore_case) if len(text) >= SHORTEST else None


def told(path: str) -> str:
    """A path as it stands in what was narrowed."""
    return os.fsencode(path).decode("utf-8", "replace")


def literal_of(expression: str, *, ignore_case: bool = False) -> str:
    """The longest text that stands in every match, as far as it is beyond doubt; "" if there is none. Of letters that
    other alphabets share when case does not count, nothing is said."""
    if _UNSURE.search(expression):
        return ""
    runs, run, depth, at = [""], "", 0, 0
    while at < len(expression):
        char, taken, ends = expression[at], 1, True
        if char == "\\":
            char, taken = expression[at + 1 : at + 2], 2
            ends = not char or char.isalnum() or not char.isascii()
        elif char == "[":
            found = _CLASS.match(expression, at)
            taken = len(found[0]) if found else len(expression)
        elif char == "|" and not depth:
            return ""
        elif char in "()":
            depth += 1 if char == "(" else -1
        elif char in "*?{":
            run = run[:-1]  # what stands before may be absent
            found = _COUNT.match(expression, at)
            taken = len(found[0]) if found else 1
        elif _PLAIN.match(char):
            ends = False
        if ends or depth or (ignore_case and _FOLDED.match(char)):
            runs.append(run)
            run = ""
        else:
            run += char
        at += taken
    return max(*runs, run, key=len)
