"""Text that can be written anywhere. JSON may hold half a character (a lone surrogate), and some upstreams cut an emoji
in two between chunks: halves that belong together are joined, others become the replacement character. Pure.
"""

from __future__ import annotations


class TextJoiner:
    """One text that comes in pieces."""

    __slots__ = ("_half",)

    def __init__(self) -> None:
        self._half = ""

    def take(self, piece: str) -> str:
        """The piece, whole; a first half at its end waits for the next piece."""
        if not self._half and piece.isascii():
            return piece
        text, self._half = self._half + piece, ""
        if "\ud800" <= text[-1:] <= "\udbff":
            text, self._half = text[:-1], text[-1]
        return join_halves(text)


def join_halves(text: str) -> str:
    if text.isascii():
        return text
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
