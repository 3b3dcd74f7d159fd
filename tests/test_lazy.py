"""A value that is worked out when it is first asked for."""

from __future__ import annotations

from dataclasses import dataclass, replace

from fusion_graph.lazy import Lazy


@dataclass(frozen=True)
class Word:
    text: str

    @Lazy
    def letters(self) -> list[str]:
        """Its letters."""
        return sorted(self.text)


def test_value_is_worked_out_once_and_kept() -> None:
    word = Word("cab")
    assert vars(word) == {"text": "cab"}
    assert word.letters == ["a", "b", "c"]
    assert word.letters is word.letters


def test_each_owner_has_its_own() -> None:
    word = Word("cab")
    assert word.letters != replace(word, text="on").letters == ["n", "o"]


def test_what_is_kept_makes_no_difference_to_equality() -> None:
    word = Word("cab")
    assert word.letters
    assert word == Word("cab")


def test_class_shows_what_it_is() -> None:
    assert isinstance(Word.letters, Lazy)
    assert Word.letters.__doc__ == "Its letters."
