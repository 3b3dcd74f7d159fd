"""configuration: what `fusiongraph.toml` may say, and one clear error for what it may not."""

from __future__ import annotations

from pathlib import Path

import pytest

from fusion_graph import configuration
from fusion_graph.configuration import Configuration
from fusion_graph.errors import UsageError


def read(folder: Path, toml: str) -> Configuration:
    file = folder / "fusiongraph.toml"
    file.write_text(toml)
    return configuration.read(file)


def test_backend_names_the_variable_of_its_key(tmp_path: Path) -> None:
    found = read(tmp_path, '[backends.groq]\nbase_url = "https://a.example/v1/"\napi_key_env = "GROQ_API_KEY"')
    assert found.key_variables == {"groq": "GROQ_API_KEY"}
    assert found.backends["groq"].base_url == "https://a.example/v1"
    assert found.backends["groq"].api_key == ""


def test_mcp_server_is_a_command_or_an_address(tmp_path: Path) -> None:
    toml = '[mcp.a]\ncommand = ["x", "y"]\nenv = ["TOKEN"]\n[mcp.b]\nurl = "http://127.0.0.1:8000/mcp"'
    found = read(tmp_path, toml).mcp
    assert (found["a"].command, found["a"].unset, found["b"].url) == (
        ("x", "y"),
        ("TOKEN",),
        "http://127.0.0.1:8000/mcp",
    )


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ("", "either command"),
        ('command = ["x"]\nurl = "http://a.test"', "either command"),
        ('url = "http://a.test"\nenv = ["X"]', "either command"),
        ('url = "ftp://a.test"', "not an http address"),
        ("command = [1]", "must be a list of texts"),
        ('url = "http://a.test"\napi_key = "sk-1"', "a key does not belong in a file"),
        ('url = "http://a.test"\nheaders = {Authorization = "x"}', "a key does not belong in a file"),
        ('url = "http://a.test"\napi_key_env = "sk-1"', "a key does not belong in a file"),
        ('command = ["x"]\napi_key_env = "KEY"', "either command"),
        ('command = ["x"]\nenv = ["TOKEN=secret"]', "a value does not belong in a file"),
        ('command = "x"', "must be a list"),
        ("other = 1", "no key other"),
    ],
)
def test_mcp_server_that_is_none(tmp_path: Path, entry: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        read(tmp_path, f"[mcp.a]\n{entry}")
    with pytest.raises(UsageError, match="not an MCP server"):
        read(tmp_path, f"[mcp.A]\n{entry}")


def test_empty_file_says_nothing(tmp_path: Path) -> None:
    assert read(tmp_path, "") == Configuration(file=tmp_path / "fusiongraph.toml")


def test_backend_may_know_no_schemas(tmp_path: Path) -> None:
    found = read(tmp_path, '[backends.old]\nbase_url = "http://x.example/v1"\njson_schema = false')
    assert found.backends["old"].options == {"json_schema": False}


def test_model_may_go_to_any_backend(tmp_path: Path) -> None:
    found = read(tmp_path, '[models]\n"a/x" = "b/y@sim"\n"a/z" = "b/z@default"\n"a/w" = "b/w@20250514"')
    assert found.models == {"a/x": "b/y@sim", "a/z": "b/z@default", "a/w": "b/w@20250514"}


@pytest.mark.parametrize(
    ("toml", "message", "hint"),
    [
        ("default_backend = ", "Invalid value", "TOML"),
        ("\x00", "line 1", "TOML"),
        ('backend = "sim"', "no key backend", "did you mean backends?"),
        ("default_backend = 3", "must be a text", ""),
        ("[backends]\nx = 1", "must be a table", "base_url"),
        ("[backends.x]\nfree = true", "base_url is missing", "11434"),
        ("[backends.sim]\n", "not a name", "are taken"),
        ('[backends."A B"]\n', "not a name", "letters"),
        ('[backends.x]\nbase_ulr = "http://a"', "no key base_ulr", "did you mean base_url?"),
        ('[backends.x]\nbase_url = "ftp://a"', "not an http address", "https://"),
        ('[backends.x]\nbase_url = "http://a:99999"', "not an http address", "https://"),
        ('[backends.x]\nbase_url = "http://u:p@a/v1"', "holds no key", "environment"),
        ('[backends.x]\nbase_url = "http://a"\nmax_concurrency = -1', "0 or more", ""),
        ('[backends.x]\nbase_url = "http://a"\nmax_concurrency = true', "0 or more", ""),
        ('[backends.x]\nbase_url = "http://a"\nfree = 1', "true or false", ""),
        ("[models]\nx = 1", "must name a model", "@ollama"),
        ('[models]\nx = "y@smi"', "no backend smi", "did you mean sim?"),
    ],
)
def test_wrong_file_is_one_clear_error(tmp_path: Path, toml: str, message: str, hint: str) -> None:
    with pytest.raises(UsageError, match=message) as caught:
        read(tmp_path, toml)
    assert hint in caught.value.hint
    assert "fusiongraph.toml" in caught.value.message


@pytest.mark.parametrize("line", ['api_key = "sk-canary"', 'api_key_env = "sk-canary"'])
def test_key_in_the_file_is_refused(tmp_path: Path, line: str) -> None:
    with pytest.raises(UsageError, match="does not belong in a file") as caught:
        read(tmp_path, f'[backends.x]\nbase_url = "http://a"\n{line}')
    assert "api_key_env" in caught.value.hint
    assert "canary" not in str(caught.value) + caught.value.hint


def test_unreadable_file_is_a_clear_error(tmp_path: Path) -> None:
    file = tmp_path / "fusiongraph.toml"
    file.write_bytes(b"\xff\xfe")
    with pytest.raises(UsageError, match=r"fusiongraph\.toml"):
        configuration.read(file)
