"""Text that arrives in pieces, given out in whole Markdown blocks: a paragraph, a list item, a fenced block. Pure."""

from __future__ import annotations

LONGEST = 4000  # characters of a block that is shown although it has not ended


class Blocks:
    """`pending` is what has not ended yet."""

    def __init__(self) -> None:
        self.pending = ""

    def add(self, text: str) -> list[str]:
        """The blocks that have ended with this piece."""
        self.pending += text
        done: list[str] = []
        while (end := _end_of_block(self.pending)) > 0:
            block, self.pending = self.pending[:end], self.pending[end:]
            if block.strip():
                done.append(block.lstrip("\n").rstrip())
        return done

    def rest(self) -> str:
        """What is left when nothing more comes."""
        left, self.pending = self.pending.lstrip("\n").rstrip(), ""
        return left


def _end_of_block(text: str) -> int:
    """Where the first block ends: behind a blank line that stands outside a fence; 0 if it has not ended."""
    at, fence = 0, ""
    while (end := text.find("\n", at)) >= 0:
        line = text[at:end].strip()
        at = end + 1
        mark = line[:3]
        if mark in ("```", "~~~"):
            fence = "" if fence == mark and line.strip(mark[0]) == "" else fence or mark
        if not line and not fence:
            return at
    return len(text) if len(text) > LONGEST and not fence else 0
