"""The table of endpoints: complete, and closed to everybody who is not let in (wire contract 5.7)."""

from __future__ import annotations

import importlib
from pathlib import Path

import pytest

from fusion_graph import server
from fusion_graph.server import ROUTES
from fusion_graph.server._auth import Key, digest_of
from tests.server.stand import stand

PUBLIC = {"/", "/livez", "/readyz", "/health"}
KEY = Key(name="alice", digest=digest_of("k" * 20))


def test_table_and_folder_agree() -> None:
    names = {path.stem for path in Path(server.__path__[0]).glob("*.py") if not path.stem.startswith("_")}
    found = {name: importlib.import_module(f"fusion_graph.server.{name}").ROUTE for name in names}
    assert found == dict(ROUTES)


def test_only_these_need_no_key() -> None:
    assert {route.path for route in ROUTES.values() if route.public} == PUBLIC


@pytest.mark.parametrize("name", ROUTES)
async def test_route_asks_for_a_key(name: str) -> None:
    # security 7: a walk over the table
    route = ROUTES[name]
    async with stand(keys=[KEY]) as at:
        url = at.url(route.path.replace("{id}", "fusion"))
        async with at.session.request(route.method, url, data=b"not json") as response:
            assert response.status == (200 if route.public else 401)
