"""What holds for every command: help, how it is told what is wrong, exit codes, completion."""

import importlib
import inspect
import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import is_dataclass
from pathlib import Path
from typing import Any, cast, get_args, get_type_hints

import pytest
from cyclopts import Parameter

from portico.cli.main import COMMANDS
from portico.version import VERSION
from tests.cli.conftest import Command
from tests.served import Served, exchanged


def commands() -> Iterator[tuple[str, ...]]:
    for name, entry in COMMANDS.items():
        if isinstance(entry, str):
            yield (name,)
        else:
            yield from ((name, inner) for inner in entry if inner)


def function_of(words: tuple[str, ...]) -> Any:
    entry = COMMANDS[words[0]]
    text = entry if isinstance(entry, str) else entry[words[1]]
    module, _, name = text.partition("|")[0].partition(":")
    return getattr(importlib.import_module(module), name)


@pytest.mark.parametrize("words", list(commands()), ids=" ".join)
def test_every_command_shows_its_help(bare: Command, words: tuple[str, ...]) -> None:
    ran = bare(*words, "--help")
    assert (ran.code, ran.err) == (0, "")
    assert ran.out.startswith(f"Usage: portico {' '.join(words)}")
    assert 'default: ""' not in ran.out


@pytest.mark.parametrize("words", list(commands()), ids=" ".join)
def test_every_argument_says_what_it_is_for(words: tuple[str, ...]) -> None:
    says_what_it_is_for(function_of(words))


def says_what_it_is_for(function: Callable[..., Any]) -> None:
    hints = get_type_hints(function, include_extras=True)
    for name in inspect.signature(function).parameters:
        if is_dataclass(hints[name]):
            says_what_it_is_for(cast(Callable[..., Any], hints[name]))
            continue
        told = [each for each in get_args(hints[name]) if isinstance(each, Parameter)]
        assert told, f"{name} says nothing"
        assert told[0].help, f"{name} says nothing"


def test_the_overview_names_every_command(bare: Command) -> None:
    ran = bare("--help")
    assert ran.code == 0
    assert [name for name in COMMANDS if f" {name} " not in ran.out] == []
    assert bare("--version").out.strip() == VERSION


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["acounts"], "acounts"),
        (["accounts", "lst"], "lst"),
        (["accounts", "show"], "ACCOUNT"),
        (["logs", "--limit", "many"], "limit"),
        (["logs", "--no-such-option"], "no-such-option"),
        (["completion", "tcsh"], "tcsh"),
        (["accounts", "list", "one-too-many"], "'one-too-many' is one thing too many; `portico accounts list --help`"),
    ],
)
def test_what_is_not_understood_is_told_in_one_sentence_with_code_2(bare: Command, words: list[str], told: str) -> None:
    ran = bare(*words)
    assert (ran.code, ran.out) == (2, "")
    assert told.lower() in ran.err.lower()
    assert ran.err.count("\n") == 1


WITH_TOKEN = [words for words in commands() if "token" in inspect.signature(function_of(words)).parameters]


# What must be changed is said in options.
CHANGES: dict[tuple[str, ...], list[str]] = {
    ("accounts", "connect"): ["--key", "x"],
    ("accounts", "update"): ["--status", "blocked"],
    ("environments", "update"): ["--name", "x"],
    ("mcp", "update"): ["--name", "x"],
    ("quotas", "create"): ["--on", "tenant", "--measure", "spend", "--per", "month", "--max", "5"],
    ("quotas", "update"): ["--max", "5"],
    ("webhooks", "update"): ["--off"],
    ("webhooks", "replay"): ["--since", "yesterday"],
    ("secrets", "add"): ["x"],
}


def filled(words: tuple[str, ...]) -> list[str]:
    """With something in every place that must be filled."""
    parameters = inspect.signature(function_of(words)).parameters.values()
    needed = [each for each in parameters if each.default is each.empty and each.kind is not each.KEYWORD_ONLY]
    more = CHANGES.get(words, [])
    return [*words, *("x=1" if each.kind is each.VAR_POSITIONAL else "x" for each in needed), *more]


@pytest.mark.parametrize("words", WITH_TOKEN, ids=" ".join)
def test_without_a_token_a_command_says_where_to_give_one(bare: Command, words: tuple[str, ...]) -> None:
    ran = bare(*filled(words))
    assert (ran.code, ran.out) == (1, "")
    assert ran.err == "There is no API token: give one with --token or in PORTICO_TOKEN.\n"


@pytest.mark.parametrize("words", WITH_TOKEN, ids=" ".join)
def test_without_a_gateway_a_command_says_where_it_looked(bare: Command, words: tuple[str, ...]) -> None:
    ran = bare(*filled(words), "--url", "http://127.0.0.1:9", "--token", "x")
    assert (ran.code, ran.out) == (1, "")
    assert ran.err.startswith("No gateway answers at http://127.0.0.1:9 (")
    assert ran.err.count("\n") == 1


def test_what_is_no_address_of_a_gateway_is_told_so(bare: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PORTICO_URL", "portico.example")
    ran = bare("accounts", "list", "--token", "x")
    assert (ran.code, ran.out) == (1, "")
    assert ran.err.startswith("'portico.example' is not the address of a gateway: write it as http://")


@pytest.mark.parametrize(
    "words",
    [["backup", "file"], ["keys", "status"], ["keys", "rotate"], ["users", "list"], ["users", "enable", "ada"]],
    ids=" ".join,
)
def test_where_no_gateway_has_been_a_command_says_so_and_makes_nothing(
    bare: Command, words: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else a backup with the wrong folder looks like one that worked, until it is needed."""
    monkeypatch.setenv("PORTICO_DATA_DIR", str(tmp_path / "elsewhere"))
    monkeypatch.chdir(tmp_path)
    ran = bare(*words)
    assert (ran.code, ran.out) == (1, "")
    place = f"{tmp_path}/elsewhere/portico.db (from PORTICO_DATA_DIR)"
    assert ran.err.startswith(f"There is no gateway's data here: {place} holds none. `portico serve` makes them")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("words", [["backup", "{}/none/file"], ["demo", "--data", "{}/file/data", "--port", "0"]])
def test_place_that_cannot_be_written_is_told_by_its_name(
    bare: Command, words: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("no folder")
    monkeypatch.setenv("PORTICO_DATA_DIR", str(tmp_path / "used"))
    assert bare("users", "create", "ada", "--role", "owner").code == 0
    ran = bare(*(word.format(tmp_path) for word in words))
    assert ran.code == 1
    assert re.fullmatch(f"{tmp_path}/[^ ]+ cannot be used: .+\\.\n", ran.err), ran.err


def test_nonsense_in_an_option_is_refused_as_in_its_variable(bare: Command) -> None:
    ran = bare("serve", "--port", "0", "--public-url", "portico.example")
    assert (ran.code, ran.err) == (1, "PORTICO_PUBLIC_URL is 'portico.example'; write it as https://host.\n")


def test_what_the_gateway_refuses_is_told_in_its_own_words(portico: Command, house: Served) -> None:
    ran = portico("accounts", "show", "none", "--token", "ptc_api_wrong")
    refused = exchanged(house.url, "GET", "/integrated-account/none", {"authorization": "Bearer ptc_api_wrong"})
    assert (ran.code, ran.out, ran.err) == (1, "", f"{refused.sentence} (401)\n")


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_knows_every_command(bare: Command, shell: str) -> None:
    ran = bare("completion", shell)
    assert (ran.code, ran.err) == (0, "")
    missing = [words for words in commands() if words[-1] not in ran.out]
    assert missing == []


def test_completion_completes_in_bash(bare: Command, tmp_path: Any) -> None:
    script = tmp_path / "portico.bash"
    script.write_text(bare("completion", "bash").out)
    asks = (
        f"source {script}; COMP_WORDS=(portico acc); COMP_CWORD=1; COMP_LINE='portico acc'; COMP_POINT=11; "
        "$(complete -p portico | sed 's/.*-F \\([^ ]*\\).*/\\1/') portico acc portico; echo \"${COMPREPLY[@]}\""
    )
    got = subprocess.run(["bash", "-c", asks], capture_output=True, text=True, check=False, env=dict(os.environ))
    assert got.stdout.split() == ["accounts"], got.stderr


def test_where_letters_are_few_a_command_says_all_it_has_to_say(tmp_path: Path) -> None:
    few = os.environ | {"PYTHONIOENCODING": "ascii", "PORTICO_DATA_DIR": str(tmp_path / "data…")}
    asked = [sys.executable, "-m", "portico", "doctor", "--offline", "--json"]
    got = subprocess.run(asked, capture_output=True, check=False, env=few)
    assert "data…" in str(json.loads(got.stdout)), got.stderr
