"""Questions the simulated models may know, with their answers. Small sums are worked out: there is no end of them."""

from __future__ import annotations

import re
from functools import lru_cache

FACTS: tuple[tuple[str, str], ...] = (
    ("What is the capital of Australia?", "Canberra"),
    ("What is the capital of Canada?", "Ottawa"),
    ("What is the capital of Brazil?", "Brasilia"),
    ("What is the capital of Turkey?", "Ankara"),
    ("What is the capital of Kazakhstan?", "Astana"),
    ("What is the capital of New Zealand?", "Wellington"),
    ("Which planet has the most known moons?", "Saturn"),
    ("Which planet is the hottest?", "Venus"),
    ("What is the chemical symbol of tungsten?", "W"),
    ("What is the chemical symbol of potassium?", "K"),
    ("Which element has the atomic number 26?", "iron"),
    ("How many bones does an adult human have?", "206"),
    ("How many chambers does a human heart have?", "4"),
    ("How many strings does a standard violin have?", "4"),
    ("How many sides does a dodecagon have?", "12"),
    ("How many prime numbers are below 20?", "8"),
    ("What is the square root of 144?", "12"),
    ("What is 2 to the power of 10?", "1024"),
    ("What is the smallest prime above 100?", "101"),
    ("How many minutes are in a day?", "1440"),
    ("In which year did the Berlin Wall fall?", "1989"),
    ("In which year did Apollo 11 land on the Moon?", "1969"),
    ("Who wrote the novel Middlemarch?", "George Eliot"),
    ("Who wrote the play Hedda Gabler?", "Henrik Ibsen"),
    ("Who painted Las Meninas?", "Diego Velazquez"),
    ("Who composed the opera Fidelio?", "Beethoven"),
    ("Which river flows through Vienna?", "Danube"),
    ("What is the longest river in Europe?", "Volga"),
    ("What is the largest desert on Earth?", "Antarctica"),
    ("Which ocean is the deepest?", "Pacific"),
    ("What is the hardest natural mineral?", "diamond"),
    ("Which gas makes up most of the air?", "nitrogen"),
    ("Which blood cells carry oxygen?", "red blood cells"),
    ("What does HTTP status 418 say?", "I'm a teapot"),
    ("Which HTTP status means too many requests?", "429"),
    ("On which port does HTTPS listen by default?", "443"),
    ("Which sorting algorithm did Tony Hoare invent?", "quicksort"),
    ("How many bits are in a byte?", "8"),
    ("What is the decimal value of hexadecimal FF?", "255"),
    ("Which planet rotates on its side?", "Uranus"),
)

_SUM = re.compile(r"what is (\d{1,6})\s*([-+*]|plus|minus|times)\s*(\d{1,6})(?![\d.])", re.IGNORECASE)
_WRONG = 5  # wrong answers to a question, to choose from
_WORDS = re.compile(r"\w+")


def find_fact(text: str) -> tuple[str, str] | None:
    """The question of which `text` speaks, with its answer: the known one that stands last in it, else the last sum."""
    heard = _plain(text)
    places = [(heard.rfind(asked), number) for number, asked in enumerate(_PLAIN)]
    place, number = max(places)
    if place >= 0:
        return FACTS[number]
    sums = _SUM.findall(text)
    if not sums:
        return None
    left, sign, right = sums[-1]
    return f"What is {left} {sign} {right}?", str(_work_out(int(left), sign, int(right)))


@lru_cache(maxsize=256)
def wrong_answers(question: str, answer: str) -> tuple[str, ...]:
    """Answers of the same sort that are wrong: what a model says that does not know."""
    if answer.isdigit() or answer.lstrip("-").isdigit():
        value = int(answer)
        return tuple(str(value + step) for step in (1, -1, 2, 10, -2, -10, value or 3))
    asked = _plain(question).split()
    others = [(q, other) for q, other in FACTS if other != answer and not other.isdigit()]
    others.sort(key=lambda fact: -_alike(asked, _plain(fact[0]).split()))
    return tuple(dict.fromkeys(other for _, other in others[:_WRONG]))


def _alike(asked: list[str], other: list[str]) -> int:
    """How many words two questions have in common at their beginning."""
    return next((n for n, (a, b) in enumerate(zip(asked, other, strict=False)) if a != b), len(other))


def _work_out(left: int, sign: str, right: int) -> int:
    if sign in ("+", "plus"):
        return left + right
    return left - right if sign in ("-", "minus") else left * right


def _plain(text: str) -> str:
    return " ".join(_WORDS.findall(text.lower()))


_PLAIN = tuple(_plain(question) for question, _ in FACTS)
