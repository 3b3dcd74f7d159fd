"""ripgrep narrows a search and changes nothing about it: a stand-in that is grep, ones that lie, and the real one."""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from fusion_graph.tools._files import narrow as _narrow
from fusion_graph.tools._files.narrow import literal_of
from fusion_graph.tools._files.workspace import Workspace
from fusion_graph.tools._sandbox.confines import PATH
from fusion_graph.tools._sandbox.levels import find_sandbox
from fusion_graph.tools.search_files import MANY, TOOL
from tests.tools.conftest import Call

needs_sandbox = pytest.mark.skipif(find_sandbox() is None, reason="no sandbox here")

GREP = """#!/bin/bash
fold=; for word; do case $word in --ignore-case) fold=-i;; --regexp=*) text=${word#--regexp=};; esac; where=$word; done
exec grep -rlZaF $fold -e "$text" -- "$where"
"""


@pytest.mark.parametrize(
    ("expression", "text"),
    [
        ("needle", "needle"),
        (r"def \w+_name\(", "_name("),
        (r"import (json|yaml) as", "import "),
        ("colou?r", "colo"),
        ("ab*c{2}def", "def"),
        ("a{2,3}bcd", "bcd"),
        ("x[abc]yyy[]z]zz", "yyy"),
        (r"\bword\b\.", "word"),
        (r"one\.two", "one.two"),
        ("^start$", "start"),
        ("(whole)+", ""),
        ("this|that", ""),
        (r"\x41bcdef", ""),
        ("(?i)needle", ""),
        ("(?:skip)?needle", "needle"),
        ("(?=ahead)never", "never"),
        ("héllo", "llo"),
        ("a.c", "a"),
    ],
)
def test_what_every_match_holds(expression: str, text: str) -> None:
    assert literal_of(expression) == text


def test_letters_that_other_alphabets_share_are_not_relied_on() -> None:
    assert literal_of("disk_name", ignore_case=True) == "_name"


WORDS = (
    r"a b ab abc k S i é _ = - . \. \d \w \b \\ \n "
    r"[ab] [^a] []a] [\]a] [a (ab) (?:ab) (a ) (?=a) (?!b) (?<=a) (?P<n>a) (?P=n)"
)
SIGNS = r"* + ? *? {2} {,2} {1,} { } | ^ $ \x61 \1 (?i) (?i:a) (?#a) #"
PIECES = st.sampled_from([*WORDS.split(), *SIGNS.split(), " ", "\n"])
LINES = st.text("abckKsSiI\u00e9\u0131\u017f\u212a_=-. 12\\[](){}#", max_size=12)


@given(st.lists(PIECES, max_size=7).map("".join), st.lists(LINES, min_size=1, max_size=8), st.booleans())
@example("abs", ["ab\u017f"], True)
@example("kab", ["\u212aab"], True)
def test_a_line_that_matches_holds_the_text(expression: str, lines: list[str], fold: bool) -> None:
    try:
        pattern = re.compile(f"(?i:{expression})" if fold else expression)
    except (re.error, FutureWarning, DeprecationWarning):
        return
    text = literal_of(expression, ignore_case=fold)
    for line in [*lines, expression, expression * 2]:
        if pattern.search(line):
            assert text.lower() in line.lower() if fold else text in line


@pytest.fixture
def many(root: Path) -> Path:
    """More files than are read without a thought, and in some of them what a search must get right."""
    for n in range(MANY + 50):
        (root / "src" / f"f{n}.txt").write_text(f"line {n}\nneedle {n}\n" if n % 400 == 0 else f"line {n}\n")
    (root / "outside").symlink_to("/etc")
    (root / "passwd").symlink_to("/etc/passwd")
    (root / "build" / "needle.txt").write_text("needle that git ignores\n")
    (root / "node_modules").mkdir()
    (root / "node_modules" / "lib.js").write_text("needle in a library\n")
    (root / "src" / "binary").write_bytes(b"needle\0needle\n")
    (root / "src" / "latin").write_bytes(b"needle \xff\n")
    (root / "src" / "new\nline.txt").write_text("a needle behind a strange name\n")
    (root / "src" / "upper.txt").write_text("NEEDLE, \u017ftrange: \u212aab\n")
    (root / "src" / ".hidden").write_text("hidden needle\r\nsecond\x85needle\n")
    (root / "src" / os.fsdecode(b"\xff.txt")).write_text("needle in a name that is no UTF-8\n")
    return root


SEARCHES: tuple[dict[str, object], ...] = (
    {"pattern": "needle"},
    {"pattern": "needle", "ignore_case": True},
    {"pattern": r"needle \d+$"},
    {"pattern": "needle", "path": "src"},
    {"pattern": "needle", "path": "node_modules"},
    {"pattern": "needle", "path": "src/f0.txt"},
    {"pattern": "needle", "files": "*.txt"},
    {"pattern": "root:", "literal": True},
    {"pattern": "absent everywhere"},
    {"pattern": "strange|needle"},
)


def results(call: Call) -> list[str]:
    return [call(TOOL, **search) for search in SEARCHES]


def stand_in(monkeypatch: pytest.MonkeyPatch, folder: Path, script: str) -> None:
    """Another program in its place, where the sandbox sees it."""
    program = folder / "stand-in"
    program.write_text(script)
    program.chmod(0o755)
    monkeypatch.setattr(_narrow, "PROGRAM", str(program))


@needs_sandbox
def test_results_are_the_same_with_it(call: Call, many: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_narrow, "PROGRAM", "not-installed")
    own = results(call)
    assert "hidden needle" in own[0]
    assert "library" in own[4]
    asked = many / "build" / "asked"
    stand_in(monkeypatch, many, GREP.replace("exec", f"echo $text >> {asked}; exec"))
    asked.touch()
    assert results(call) == own
    assert len(asked.read_text().splitlines()) >= 6


@needs_sandbox
@pytest.mark.skipif(shutil.which("rg", path=PATH) is None, reason="ripgrep is not installed")
def test_results_are_the_same_with_the_real_one(call: Call, many: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(_narrow, "PROGRAM", "not-installed")
        own = results(call)
    assert results(call) == own
    assert many.exists()


@needs_sandbox
@pytest.mark.parametrize(
    "script",
    [
        "#!/bin/bash\nprintf './outside/passwd\\0./passwd\\0/etc/passwd\\0../../etc/passwd\\0'\n",
        "#!/bin/bash\ncat /etc/passwd\n",
        "#!/bin/bash\necho half of it; exit 2\n",
        "#!/bin/bash\nkill -9 $$\n",
        "#!/bin/bash\nhead -c 20000000 /dev/zero\n",
    ],
    ids=["names-outside", "text", "fails", "killed", "floods"],
)
def test_one_that_lies_shows_nothing_that_lies_outside(
    call: Call, many: Path, monkeypatch: pytest.MonkeyPatch, script: str
) -> None:
    stand_in(monkeypatch, many, script)
    for told in (call(TOOL, pattern="root:", literal=True), call(TOOL, pattern="needle")):
        assert "root:x:0" not in told
        assert "passwd" not in told


@needs_sandbox
def test_one_that_fails_is_done_without(call: Call, many: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stand_in(monkeypatch, many, "#!/bin/bash\nexit 2\n")
    assert "needle 400" in call(TOOL, pattern="needle")
    assert Workspace(many).exists("stand-in")
