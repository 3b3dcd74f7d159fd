"""Containerfile and compose.yaml where no engine runs: what they say is well-formed, safe, and true of this project."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any, NamedTuple

import click
import pytest
from ruamel.yaml import YAML

from fusion_graph.commands import COMMANDS
from fusion_graph.commands._program import PROGRAM
from fusion_graph.server._options import ServerOptions
from fusion_graph.settings import load

ROOT = Path(__file__).parents[2]
KNOWN = {"FROM", "WORKDIR", "COPY", "RUN", "ENV", "USER", "EXPOSE", "HEALTHCHECK", "STOPSIGNAL", "ENTRYPOINT", "CMD"}
SERVICE = {
    *("build", "image", "command", "environment", "ports", "volumes", "depends_on", "networks", "read_only", "tmpfs"),
    *("cap_drop", "security_opt", "restart", "stop_grace_period", "healthcheck", "user"),
}
VARIABLE = re.compile(r"\$\{([A-Z_]+)(:[-?][^}]*)?\}")


class Instruction(NamedTuple):
    word: str
    rest: str


def instructions() -> Iterator[Instruction]:
    text = (ROOT / "Containerfile").read_text("utf-8")
    plain = "\n".join(line for line in text.splitlines() if not line.startswith("#"))
    for line in plain.replace("\\\n", " ").splitlines():
        if line.strip():
            word, _, rest = line.partition(" ")
            yield Instruction(word, rest.strip())


FILE = list(instructions())
LAST = FILE[max(n for n, one in enumerate(FILE) if one.word == "FROM") :]
COMPOSE: dict[str, Any] = YAML(typ="safe").load(ROOT / "compose.yaml")
SERVICES: dict[str, Any] = COMPOSE["services"]


def words(name: str) -> list[str]:
    (rest,) = (one.rest for one in LAST if one.word == name)
    return [str(word) for word in json.loads(rest)]


def parse(arguments: list[str]) -> dict[str, Any]:
    """A command line as our own program reads it."""
    name, *rest = arguments
    parent = click.Context(PROGRAM, info_name="fusiongraph", **PROGRAM.context_settings)
    return dict(import_module(COMMANDS[name].module).COMMAND.make_context(name, rest, parent=parent).params)


# --- Containerfile --------------------------------------------------------------------------------------------------


def test_instructions_are_known() -> None:
    assert {one.word for one in FILE} <= KNOWN


def test_images_are_slim_and_name_no_registry() -> None:
    images = [one.rest.split()[0] for one in FILE if one.word == "FROM"]
    assert all(re.fullmatch(r"python:3\.\d+-slim", image) for image in images)
    assert all("/" not in service["image"] for service in SERVICES.values())


def test_it_does_not_run_as_root() -> None:
    (user,) = (one.rest for one in LAST if one.word == "USER")
    assert user.isdigit()
    assert int(user) > 0
    place = [one.word for one in LAST]
    assert "RUN" not in place[place.index("USER") :], "what runs after USER must not need root"


def test_what_is_copied_is_there_and_not_ignored() -> None:
    copied = [name for one in FILE if one.word == "COPY" and "--from" not in one.rest for name in one.rest.split()[:-1]]
    kept = {line[1:] for line in (ROOT / ".dockerignore").read_text("utf-8").splitlines() if line.startswith("!")}
    assert all((ROOT / name).exists() for name in copied)
    assert set(copied) == kept


def test_packages_are_locked() -> None:
    installs = [part for one in FILE if one.word == "RUN" for part in one.rest.split("&&") if "pip install" in part]
    assert all("--require-hashes" in part or part.strip().endswith(".whl") for part in installs)
    for name in re.findall(r"requirements/\w+\.txt", " ".join(installs)):
        assert (ROOT / name).is_file()


def test_no_secret_is_in_the_image() -> None:
    assert not [one for one in FILE if one.word == "ENV" and re.search(r"KEY|TOKEN|SECRET|PASSWORD|REDIS", one.rest)]


def test_it_starts_our_server_on_the_port_it_says() -> None:
    assert words("ENTRYPOINT") == ["fusiongraph"]
    given = parse(words("CMD"))
    assert (given["host"], str(given["port"])) == ("0.0.0.0", next(one.rest for one in LAST if one.word == "EXPOSE"))  # noqa: S104
    assert given["port"] == ServerOptions().port


def test_its_health_is_what_readyz_says() -> None:
    (check,) = (one.rest for one in LAST if one.word == "HEALTHCHECK")
    program = json.loads(check.partition("CMD ")[2])
    assert program[:2] == ["python", "-c"]
    compile(program[2], "healthcheck", "exec")
    assert f":{ServerOptions().port}/readyz" in program[2]


# --- compose.yaml ---------------------------------------------------------------------------------------------------


def test_compose_has_only_what_it_may() -> None:
    assert COMPOSE.keys() == {"services", "networks", "volumes"}
    assert set().union(*SERVICES.values()) <= SERVICE
    assert SERVICES["server"]["build"] == {"context": ".", "dockerfile": "Containerfile"}


@pytest.mark.parametrize("name", SERVICES)
def test_service_refers_to_what_is_declared(name: str) -> None:
    service = SERVICES[name]
    assert set(service["networks"]) <= COMPOSE["networks"].keys()
    assert {volume.partition(":")[0] for volume in service["volumes"]} <= COMPOSE["volumes"].keys()
    for other, how in service.get("depends_on", {}).items():
        assert how == {"condition": "service_healthy"}
        assert "healthcheck" in SERVICES[other]


@pytest.mark.parametrize("name", SERVICES)
def test_service_has_few_rights(name: str) -> None:
    service = SERVICES[name]
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["read_only"] is True
    assert all(port.startswith("127.0.0.1:") for port in service.get("ports", ()))


def test_redis_is_reached_from_inside_only() -> None:
    assert "ports" not in SERVICES["redis"]
    assert SERVICES["redis"]["networks"] == ["inside"]
    assert COMPOSE["networks"]["inside"] == {"internal": True}


def test_the_server_starts_as_it_is_told() -> None:
    server = SERVICES["server"]
    given = parse(server["command"])
    assert server["ports"] == [f"127.0.0.1:{given['port']}:{given['port']}"]
    assert int(server["stop_grace_period"].removesuffix("s")) > ServerOptions().drain_s


def test_its_variables_are_ours(tmp_path: Path) -> None:
    """Each is one that the settings read; keys come from outside; left empty, none of them counts as set."""
    environment = SERVICES["server"]["environment"]
    assert all(not re.search("KEY", name) or VARIABLE.fullmatch(text) for name, text in environment.items())
    documented = (ROOT / "docs" / "settings.md").read_text("utf-8")
    assert [name for name in environment if f"| `{name}` |" not in documented] == []
    filled = {name: VARIABLE.sub("k" * 16 if "SERVER" in name else "", text) for name, text in environment.items()}
    made = load(filled, tmp_path)
    assert (made.redis_url, made.server_keys, made.default_backend) == ("redis://redis:6379/0", "k" * 16, "")
