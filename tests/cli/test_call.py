"""`portico call`: any method through the Proxy API, with files in both directions."""

import hashlib
import json
from pathlib import Path

import pytest

from tests.cli.conftest import Command
from tests.served import Served

CONTENT = bytes(range(256)) * 2000


def test_a_list_is_a_table_and_says_how_to_go_on(portico: Command, done: Command) -> None:
    names = [row[0] for row in done("call", "models", "list").rows]
    assert "gpt-4o" in names
    for number in range(3):
        done("call", "projects", "create", f"name=P{number}")
    ran = portico("call", "projects", "list", "limit=2")
    assert (ran.code, len(ran.rows)) == (0, 2)
    assert ran.err.startswith("More: add next_cursor=")
    rest = done("call", "projects", "list", "limit=2", ran.err.split()[-1])
    assert {row[0] for row in ran.rows} & {row[0] for row in rest.rows} == set()


def test_json_is_the_gateways_own_answer(done: Command) -> None:
    got = done("call", "projects", "list", "--json").json
    assert set(got) == {"result", "next_cursor", "prev_cursor", "result_count"}


def test_values_are_text_json_lists_and_files(done: Command, house: Served, tmp_path: Path) -> None:
    done(
        "call", "chat_completions", "create", "model=gpt-4o", 'messages:=[{"role":"user","content":"Say: one"}]',
        "temperature:=0.5", "stop=a", "stop=b", "--json",
    )  # fmt: skip
    body = json.dumps(
        {
            "model": "gpt-4o",
            "messages": [{"role": "user", "content": "Say: one"}],
            "temperature": 0.5,
            "stop": ["a", "b"],
        }
    ).encode()
    assert house.world.requests[-1].body_sha256 == hashlib.sha256(body).hexdigest()
    (tmp_path / "a b.bin").write_bytes(CONTENT)
    made = done("call", "files", "create", "purpose=user_data", f"file=@{tmp_path}/a b.bin", "--json").json
    assert (made["filename"], made["bytes"]) == ("a b.bin", len(CONTENT))
    done("call", "projects", "create", "name==@home")
    assert "@home" in {row[1] for row in done("call", "projects", "list").rows}


def test_a_download_is_written_whole_or_not_at_all(
    done: Command, portico: Command, house: Served, tmp_path: Path
) -> None:
    (tmp_path / "in.bin").write_bytes(CONTENT)
    made = done("call", "files", "create", "purpose=user_data", f"file=@{tmp_path}/in.bin", "--json").json
    target = tmp_path / "out.bin"
    assert done("call", "files", "content", f"file_id={made['id']}", "-o", str(target)).out == ""
    assert target.read_bytes() == CONTENT
    target.unlink()
    from portico.sandbox.faults import from_body

    house.world.faults.append(from_body({"fault": "truncate=300000", "match": {"path": "/v1/files/"}}))
    ran = portico("call", "files", "content", f"file_id={made['id']}", "-o", str(target))
    assert (ran.code, ran.out) == (1, "")
    assert ran.err.startswith("The answer broke off after ")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in.bin"]


def test_the_only_account_need_not_be_named_and_one_of_several_must_be(
    portico: Command, done: Command, house: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    done("call", "models", "list")
    done("accounts", "connect", "second", "--key", "sk-proj-second")
    ran = portico("call", "models", "list")
    assert (ran.code, ran.out) == (1, "")
    assert ran.err == "There are several accounts: name one with --account or in PORTICO_ACCOUNT.\n"
    assert done("call", "models", "list", "-a", house.account_id).rows
    monkeypatch.setenv("PORTICO_ACCOUNT", house.account_id)
    assert done("call", "models", "list").rows


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["call", "models", "list", "limit"], "'limit' is not key=value."),
        (["call", "models", "list", "limit:=x"], "The value of limit is not JSON: x"),
        (["call", "files", "create", "file=@/no/such/file"], "The value of file is no file that can be read: /no/such"),
        (["call", "models", "list", "file=@/etc/passwd"], "models list takes no file."),
        (["call", "modls", "list"], "modls"),
        (["call", "models", "frobnicate"], "frobnicate"),
        (["call", "models", "get", "id=gpt-unheard-of"], "(404)"),
        (["call", "models", "list", "-o", "/no/such/folder/file"], "/no/such/folder/file cannot be written"),
    ],
)
def test_what_cannot_be_done_is_told_in_one_sentence(portico: Command, words: list[str], told: str) -> None:
    ran = portico(*words)
    assert (ran.code, ran.out) == (1, "")
    assert told in ran.err
    assert ran.err.count("\n") == 1
