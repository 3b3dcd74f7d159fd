"""What is served under which name, and what a request may put into it."""

from __future__ import annotations

import pytest

from fusion_graph.errors import UsageError
from fusion_graph.server._pipelines import Library, Shelf, Source, Surroundings, solo
from tests.server.stand import ONE, PANEL

NONE = Surroundings()


def library(*texts: str, names: tuple[str, ...] = ()) -> Library:
    named = dict(enumerate(names))
    sources = [Source(f"p{i}.yaml", text.encode, named.get(i, "")) for i, text in enumerate(texts)]
    return Library(lambda: sources, NONE)


def shelf(*texts: str, names: tuple[str, ...] = (), **aliases: str) -> Shelf:
    return library(*texts, names=names).load(aliases, ("free/*",))[0]


def test_pipelines_and_panel_models_are_served() -> None:
    assert [one.id for one in shelf(PANEL, ONE)] == ["fusion", "one", "a/x", "b/y", "w/w"]


def test_names_are_exact() -> None:
    # security 3: a lookup in a dict, never a path
    found = shelf(PANEL, ONE, agent="one")
    assert found.find("agent") is found.find("one")
    for name in ("../one", "one.yaml", "/etc/passwd", "one\0", "ONE", ""):
        assert found.find(name) is None


def test_own_fusion_takes_the_place_of_the_default() -> None:
    found = shelf(ONE, PANEL, names=("fusion",)).find("fusion")
    assert found is not None
    assert found.pipeline.name == "fusion"


@pytest.mark.parametrize("texts", [(ONE, ONE), (PANEL, PANEL)])
def test_two_of_a_name_are_refused(texts: tuple[str, ...]) -> None:
    with pytest.raises(UsageError, match="two pipelines"):
        shelf(*texts)


def test_alias_names_something() -> None:
    with pytest.raises(UsageError, match="not served"):
        shelf(ONE, agent="nothing")


@pytest.mark.parametrize(
    ("model", "allowed"),
    [
        ("a/x", True),
        ("free/any:tag", True),
        ("other/x", False),
        ("free/../x", False),
        ("free/x@backend", False),
        ("http://free/x", False),
        ("free/x y", False),
        ("free/\n", False),
    ],
)
def test_models_that_a_request_may_name(model: str, allowed: bool) -> None:
    assert shelf(PANEL).allows(model) is allowed


def test_solo_is_one_node() -> None:
    (node,) = solo("Vendor/Model-1.5:free").nodes
    assert node.options["model"] == "Vendor/Model-1.5:free"


@pytest.mark.parametrize(
    ("own", "deadline_s", "reserve_s"),
    [("{}", 20.0, 0.0), ("{deadline_s: 10, reserve_s: 4}", 10.0, 4.0), ("{deadline_s: 90, reserve_s: 30}", 20.0, 10.0)],
)
def test_no_run_passes_the_servers_deadline(own: str, deadline_s: float, reserve_s: float) -> None:
    text = ONE.replace("defaults:", f"limits: {own}\ndefaults:")
    here = Library(lambda: [Source("p.yaml", text.encode)], Surroundings(deadline_s=20.0))
    one = here.load({}, ())[0].find("one")
    assert one is not None
    assert (one.limits.deadline_s, one.limits.reserve_s) == (deadline_s, reserve_s)
