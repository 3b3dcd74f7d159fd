"""Which protocol and judge: by the tasks, unless somebody says otherwise."""

from __future__ import annotations

import pytest

from fusion_graph.errors import UsageError
from fusion_graph.evals.protocols import PROTOCOLS
from fusion_graph.evals.running.choosing import choose_judge, choose_protocol
from fusion_graph.evals.taskfiles import load


def test_the_tasks_decide() -> None:
    assert choose_protocol(None, load("sums")).name == "exact"
    assert choose_protocol(None, load("sample")).name == "openrouter"
    assert choose_protocol("paper", load("sample")).name == "paper"
    with pytest.raises(UsageError):
        choose_protocol("exact", load("sample"))


def test_another_setting_is_a_variant_with_a_name() -> None:
    assert choose_judge(PROTOCOLS["exact"], load("sums"), None, None) is None
    plain = choose_judge(PROTOCOLS["paper"], load("sample"), None, None)
    other = choose_judge(PROTOCOLS["paper"], load("sample"), "j/j", 2)
    assert plain is not None
    assert other is not None
    assert (plain.variant, plain.passes) == ("", 5)
    assert other.variant == "judge j/j, 2 passes"
    assert plain.prompt_hash == other.prompt_hash
