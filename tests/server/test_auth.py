"""Keys: how they are shown, what they may do, and that they show nowhere (wire contract 5.7 to 5.12)."""

from __future__ import annotations

import hashlib
import hmac
from pathlib import Path
from typing import Any

import pytest

from fusion_graph.errors import UsageError
from fusion_graph.server._auth import ANYONE, Key, Keys, digest_of, keys_of, read_keys
from fusion_graph.server._errors import Refused
from tests.server.stand import stand

ALICE, BOB = "canary-alice-0123456789", "canary-bob-0123456789"
A, B = Key(name="alice", digest=digest_of(ALICE)), Key(name="bob", digest=digest_of(BOB), pipelines=frozenset({"one"}))


@pytest.mark.parametrize(
    "headers", [{"Authorization": f"Bearer {ALICE}"}, {"Authorization": f"bearer {ALICE}"}, {"x-api-key": ALICE}]
)
def test_either_header_will_do(headers: dict[str, str]) -> None:
    assert Keys([A, B]).find(headers) is A


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Authorization": "Bearer "},
        {"Authorization": f"Basic {ALICE}"},
        {"x-api-key": "wrong"},
        {"Authorization": f"Bearer {ALICE}", "x-api-key": BOB},
    ],
)
def test_anything_else_is_401(headers: dict[str, str]) -> None:
    keys = Keys([A, B])
    assert keys.peek(headers) is None
    with pytest.raises(Refused) as refused:
        keys.find(headers)
    assert (refused.value.http_status, refused.value.code) == (401, "invalid_api_key")
    assert "canary" not in str(refused.value)


def test_without_keys_anyone_may_call() -> None:
    assert Keys().find({}) is ANYONE


def test_every_key_is_compared(monkeypatch: pytest.MonkeyPatch) -> None:
    # security 9: constant time, all keys, no early exit
    compared: list[bytes] = []
    real = hmac.compare_digest

    def compare(given: bytes, known: bytes) -> bool:
        compared.append(known)
        return real(given, known)

    monkeypatch.setattr(hmac, "compare_digest", compare)
    assert Keys([A, B]).find({"x-api-key": ALICE}) is A
    assert compared == [A.digest, B.digest]


def test_keys_of_the_environment() -> None:
    one, two = keys_of(f" {ALICE}, {BOB},")
    assert (one.digest, two.name, two.traces) == (A.digest, "env-2", True)
    assert ALICE not in repr(one)
    with pytest.raises(UsageError, match="16"):
        keys_of("short")


def test_keys_of_a_file(tmp_path: Path) -> None:
    file = tmp_path / "keys.toml"
    digest = hashlib.sha256(ALICE.encode()).hexdigest()
    file.write_text(f'[keys.alice]\nsha256 = "{digest}"\npipelines = ["one"]\nrequests_per_minute = 3\n')
    (key,) = read_keys(file)
    assert (key.digest, key.pipelines, key.requests_per_minute, key.traces) == (A.digest, frozenset({"one"}), 3, False)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "x = 1",
        '[keys.Alice]\nsha256 = "00"',
        '[keys.alice]\nsha256 = "00"',
        '[keys.alice]\nkey = "raw"',
        "[keys.alice]\nmax_runs = -1",
        "[keys.alice]\nmax_runs = true",
    ],
)
def test_bad_file_is_refused(tmp_path: Path, text: str) -> None:
    file = tmp_path / "keys.toml"
    file.write_text(text)
    with pytest.raises(UsageError, match="keys"):
        read_keys(file)


async def test_key_uses_its_pipelines_only() -> None:
    async with stand(keys=[A, B]) as at:
        mine: Any = {"x-api-key": BOB}
        status, _ = await at.ask(model="one", headers=mine)
        refused, body = await at.ask(model="fusion", headers=mine)
        async with at.session.get(at.url("/v1/models"), headers=mine) as response:
            listed = [entry["id"] for entry in (await response.json())["data"]]
    assert (status, refused, body["error"]["code"]) == (200, 403, "model_not_allowed")
    assert listed == ["one"]


async def test_traces_are_a_right() -> None:
    async with stand(keys=[A]) as at:
        status, body = await at.ask(headers={"x-api-key": ALICE}, fusion={"include": ["responses"]})
    assert (status, body["error"]["code"]) == (403, "traces_not_allowed")


async def test_keys_show_nowhere() -> None:
    # security 26: canaries of a client and of the upstream
    from tests.server.stand import UPSTREAM_KEY

    seen: list[str] = []
    async with stand(keys=[A], log_content=True) as at:
        for fault in ("", "401", "500", "cut", "html"):
            at.upstream.faults["*"].extend([fault] * 4)
            for headers in ({"x-api-key": ALICE}, {"Authorization": f"Bearer {ALICE}"}, {"x-api-key": ALICE + "x"}):
                async with at.post(headers=headers) as response:
                    seen.append(await response.text() + str(response.headers))
        async with at.session.get(at.url("/metrics"), headers={"x-api-key": ALICE}) as response:
            seen.append(await response.text())
        seen.append(at.log_text)
    assert len(seen) == 17
    assert [text for text in seen if "canary" in text.replace("canary-upstream", UPSTREAM_KEY)] == []
