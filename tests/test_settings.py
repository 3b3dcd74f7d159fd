"""settings: which backend is used and why, what a file may say, and that no key ever shows."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from fusion_graph import settings
from fusion_graph.errors import UsageError
from fusion_graph.settings import OPENAI, OPENROUTER, Settings


def load(folder: Path, toml: str = "", dotenv: str = "", **environment: str) -> Settings:
    """Settings of a folder with these files and nothing else set."""
    if toml:
        (folder / "fusiongraph.toml").write_text(toml)
    if dotenv:
        (folder / ".env").write_text(dotenv)
    return settings.load({"FUSION_HOME": str(folder / "home"), **environment}, folder)


def test_nothing_set_names_no_backend(tmp_path: Path) -> None:
    found = load(tmp_path)
    assert found.default_backend == ""
    assert "no key" in found.why
    assert set(found.backends) == {"sim", "local"}
    assert all(backend.free for backend in found.backends.values())


@pytest.mark.parametrize(
    ("name", "address"),
    [("FUSION_API_KEY", OPENROUTER), ("OPENROUTER_API_KEY", OPENROUTER), ("OPENAI_API_KEY", OPENAI)],
)
def test_key_alone_chooses_the_address(tmp_path: Path, name: str, address: str) -> None:
    found = load(tmp_path, **{name: "sk-canary"})
    backend = found.backends[found.default_backend]
    assert (backend.base_url, backend.api_key, backend.provider) == (address, "sk-canary", "openai")
    assert found.why == f"{name} is set"


def test_keys_are_taken_in_order(tmp_path: Path) -> None:
    found = load(tmp_path, OPENAI_API_KEY="third", OPENROUTER_API_KEY="second", FUSION_API_KEY="first")
    assert found.backends["default"].api_key == "first"


def test_blank_key_counts_as_unset(tmp_path: Path) -> None:
    found = load(tmp_path, FUSION_API_KEY="  ", OPENAI_API_KEY="second")
    assert found.backends["default"].api_key == "second"


def test_address_needs_no_key(tmp_path: Path) -> None:
    found = load(tmp_path, FUSION_BASE_URL="http://127.0.0.1:11434/v1/")
    assert found.backends["default"].base_url == "http://127.0.0.1:11434/v1"
    assert found.backends["default"].api_key == ""
    assert not found.missing_keys


def test_known_cloud_without_key_is_missing_one(tmp_path: Path) -> None:
    found = load(tmp_path, FUSION_BASE_URL=OPENROUTER)
    assert found.missing_keys == {"default": "FUSION_API_KEY or OPENROUTER_API_KEY or OPENAI_API_KEY"}


def test_dotenv_is_read_and_the_shell_wins(tmp_path: Path) -> None:
    text = "# keys\nexport OPENAI_API_KEY='from file' # old\nFUSION_BACKEND=\"sim\"\nnot a line\nEMPTY=\n"
    found = load(tmp_path, dotenv=text, OPENAI_API_KEY="from-shell")
    assert found.backends["default"].api_key == "from-shell"
    assert (found.default_backend, found.why) == ("sim", "FUSION_BACKEND (.env) is set")


def test_dotenv_comment_is_not_a_value(tmp_path: Path) -> None:
    assert load(tmp_path, dotenv="FUSION_API_KEY=   # put it here\n").default_backend == ""


def test_unreadable_dotenv_is_a_clear_error(tmp_path: Path) -> None:
    (tmp_path / ".env").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(UsageError, match="cannot be read"):
        load(tmp_path)


def test_address_from_a_folder_gets_no_key_of_the_shell(tmp_path: Path) -> None:
    dotenv = "FUSION_BASE_URL=https://elsewhere.example/v1\n"
    assert load(tmp_path, dotenv=dotenv, OPENAI_API_KEY="sk-canary").backends["default"].api_key == ""
    assert "OPENAI_API_KEY is not sent there" in load(tmp_path, OPENAI_API_KEY="sk-canary").why
    both = dotenv + "OPENAI_API_KEY=sk-own\n"
    assert load(tmp_path, dotenv=both, FUSION_API_KEY="sk-canary").backends["default"].api_key == "sk-own"


def test_backend_from_toml(tmp_path: Path) -> None:
    toml = """
        default_backend = "groq"
        [backends.groq]
        base_url = "https://api.groq.example/v1"
        api_key_env = "GROQ_API_KEY"
        max_concurrency = 4
        requests_per_minute = 60
        free = true
    """
    found = load(tmp_path, toml, GROQ_API_KEY="gsk-canary")
    backend = found.backends["groq"]
    assert (backend.api_key, backend.max_concurrency, backend.requests_per_minute) == ("gsk-canary", 4, 60)
    assert backend.free
    assert found.default_backend == "groq"
    assert "fusiongraph.toml" in found.why
    assert found.file == tmp_path / "fusiongraph.toml"


def test_unset_variable_of_a_backend_is_missing(tmp_path: Path) -> None:
    found = load(tmp_path, '[backends.groq]\nbase_url = "https://a.example"\napi_key_env = "GROQ_API_KEY"')
    assert found.missing_keys == {"groq": "GROQ_API_KEY"}


def test_address_in_the_shell_beats_the_file(tmp_path: Path) -> None:
    toml = 'default_backend = "sim"'
    assert load(tmp_path, toml, OPENAI_API_KEY="k").default_backend == "sim"
    assert load(tmp_path, toml, FUSION_BASE_URL="http://localhost:1").default_backend == "default"
    assert load(tmp_path, toml, FUSION_BASE_URL="http://localhost:1", FUSION_BACKEND="local").default_backend == "local"


def test_file_is_found_in_three_places(tmp_path: Path) -> None:
    home, named = tmp_path / "home", tmp_path / "named.toml"
    home.mkdir()
    (home / "fusiongraph.toml").write_text('default_backend = "local"')
    named.write_text('[models]\n"a/x" = "b/y@sim"')
    assert load(tmp_path).default_backend == "local"
    assert load(tmp_path, 'default_backend = "sim"').default_backend == "sim"
    assert load(tmp_path, FUSION_CONFIG=str(named)).models == {"a/x": "b/y@sim"}


@pytest.mark.parametrize(
    ("toml", "message", "hint"),
    [
        ('default_backend = "smi"', "no backend smi", "did you mean sim?"),
        ('default_backend = "ollama"', "no backend ollama", "known: sim, local"),
    ],
)
def test_unknown_default_backend_is_an_error(tmp_path: Path, toml: str, message: str, hint: str) -> None:
    with pytest.raises(UsageError, match=message) as caught:
        load(tmp_path, toml)
    assert hint in caught.value.hint
    assert "fusiongraph.toml: default_backend" in caught.value.message


@pytest.mark.parametrize("key", ["sk-a\nX-Evil: 1", "two words", "sk-\u2014"])
def test_broken_key_is_named_not_shown(tmp_path: Path, key: str) -> None:
    with pytest.raises(UsageError, match="FUSION_API_KEY") as caught:
        load(tmp_path, FUSION_API_KEY=key)
    assert key not in str(caught.value)


def test_missing_named_file_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="FUSION_CONFIG"):
        load(tmp_path, FUSION_CONFIG=str(tmp_path / "none.toml"))


def test_unknown_backend_in_the_shell_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="FUSION_BACKEND"):
        load(tmp_path, FUSION_BACKEND="locale")


def test_no_key_in_any_repr(tmp_path: Path) -> None:
    found = load(tmp_path, FUSION_API_KEY="sk-canary")
    assert "canary" not in repr(found) + str(found.backends["default"])


@pytest.mark.parametrize(
    ("platform", "variables", "folder"),
    [
        ("linux", {"XDG_DATA_HOME": "/data"}, Path("/data/fusion_graph")),
        ("linux", {}, Path.home() / ".local/share/fusion_graph"),
        ("darwin", {}, Path.home() / "Library/Application Support/fusion_graph"),
        ("win32", {"APPDATA": "/roaming"}, Path("/roaming/fusion_graph")),
    ],
)
def test_home_follows_the_platform(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, platform: str, variables: dict[str, str], folder: Path
) -> None:
    monkeypatch.setattr(sys, "platform", platform)
    assert settings.load(variables, tmp_path).home == folder


def test_no_color_is_heard(tmp_path: Path) -> None:
    assert not load(tmp_path).no_color
    assert load(tmp_path, NO_COLOR="1").no_color
    assert load(tmp_path, TERM="dumb").no_color


@pytest.mark.parametrize(("value", "asked"), [("1", True), ("yes", True), ("0", False), ("", False)])
def test_debugging_is_asked_for(monkeypatch: pytest.MonkeyPatch, value: str, asked: bool) -> None:
    assert not settings.debugging()
    monkeypatch.setenv("FUSION_DEBUG", value)
    assert settings.debugging() is asked


def test_the_real_environment_is_the_default() -> None:
    assert settings.load().default_backend == ""


def test_mcp_server_gets_a_clean_environment(tmp_path: Path) -> None:
    toml = '[mcp.a]\ncommand = ["x"]\nenv = ["TOKEN", "LOST"]\n'
    server = load(tmp_path, toml, PATH="/bin", TOKEN="t", OPENAI_API_KEY="k", PYTHONPATH="p").mcp["a"]
    assert server.environment == {"PATH": "/bin", "TOKEN": "t"}
    assert server.unset == ("LOST",)


def test_mcp_server_at_an_address_gets_its_key_from_the_environment(tmp_path: Path) -> None:
    toml = '[mcp.a]\nurl = "http://a.test/mcp"\napi_key_env = "SHOP_KEY"\n'
    found = load(tmp_path, toml, SHOP_KEY="sk-canary").mcp["a"]
    assert (found.key, found.unset, found.environment) == ("sk-canary", (), {})
    assert "sk-canary" not in repr(load(tmp_path, toml, SHOP_KEY="sk-canary"))
    lost = load(tmp_path, toml, OPENAI_API_KEY="k").mcp["a"]
    assert (lost.key, lost.unset) == ("", ("SHOP_KEY",))
