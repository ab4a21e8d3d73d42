"""`portico mcp …` against a gateway on a socket: everything that the admin API can do with servers, from a terminal."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from portico.cli.main import run
from tests.outside.mcp_house import House

pytestmark = pytest.mark.outside
Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def portico(mcp_house: House, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Run:
    """Runs a command; its exit code, standard output and standard error."""
    monkeypatch.setenv("PORTICO_URL", mcp_house.url)
    monkeypatch.setenv("PORTICO_TOKEN", mcp_house.token)

    def call(*words: str) -> tuple[int, str, str]:
        capfd.readouterr()
        code = run(["mcp", *words])
        said = capfd.readouterr()
        return code, said.out, said.err

    return call


def told(found: tuple[int, str, str]) -> Any:
    code, out, err = found
    assert code == 0, err
    return json.loads(out)


def test_server_is_made_shown_changed_moved_and_deleted(portico: Run, mcp_house: House) -> None:
    account = mcp_house.account_id
    code, out, err = portico("create", account, "Billing, read only", "--tag", "billing", "--method", "read")
    url = out.strip()
    assert (code, mcp_house.status(url)) == (0, 200)
    assert "shown this once" in err
    assert " tools of about " in err
    listed = told(portico("list", account, "--json"))
    made = next(each for each in listed if each["name"] == "Billing, read only")
    assert (made["config"]["tags"], made["config"]["methods"]) == (["billing"], ["read"])
    assert "#billing" in portico("list", account)[1]
    shown = told(portico("show", account, made["id"], "--json"))
    assert shown == made
    changed = told(
        portico("update", account, made["id"], "--needs-token", "--expires-at", "2099-01-01T00:00:00Z", "--json")
    )
    assert changed["config"]["require_api_token_auth"] is True
    assert changed["expires_at"].startswith("2099-01-01")
    assert (mcp_house.status(url), mcp_house.status(url, mcp_house.token)) == (401, 200)
    back = told(portico("update", account, made["id"], "--no-needs-token", "--expires-at", "never", "--json"))
    assert (back["config"]["require_api_token_auth"], back["expires_at"]) == (False, None)
    assert back["config"]["confirm_at"] == "program"
    asking = told(portico("update", account, made["id"], "--confirm", "writes", "--confirm-at", "sign_in", "--json"))
    assert (asking["config"]["confirm"], asking["config"]["confirm_at"]) == ("writes", "sign_in")
    moved = portico("rotate", account, made["id"])[1].strip()
    assert (mcp_house.status(url), mcp_house.status(moved)) == (404, 200)
    assert portico("delete", account, made["id"]) == (0, f"Deleted {made['id']}.\n", "")
    assert mcp_house.status(moved) == 404
    assert portico("show", account, made["id"])[0] == 1


def test_more_of_the_config_comes_from_a_file_and_options_win(portico: Run, mcp_house: House, tmp_path: Path) -> None:
    file = tmp_path / "config.json"
    file.write_text('{"tags": ["files"], "result_limit": 5000, "arguments": {"limit": {"maximum": 10}}}')
    account = mcp_house.account_id
    made = told(portico("create", account, "From a file", "--config", str(file), "--tag", "models", "--json"))
    assert (made["config"]["tags"], made["config"]["result_limit"]) == (["models"], 5000)
    assert made["config"]["arguments"] == {"limit": {"maximum": 10}}
    for content, words in (("[]", "must hold a JSON object"), ("{", "cannot be read as JSON")):
        file.write_text(content)
        code, _, err = portico("create", account, "x", "--config", str(file))
        assert (code, words in err) == (1, True)
    assert "cannot be read" in portico("create", account, "x", "--config", str(tmp_path / "none"))[2]


def test_what_the_gateway_refuses_is_one_sentence_and_a_failure(portico: Run, mcp_house: House) -> None:
    code, out, err = portico("create", mcp_house.account_id, "x", "--tag", "billings")
    assert (code, out) == (1, "")
    assert "'billings' is not an area" in err
    assert portico("create", "nobody", "x")[0] == 1
    code, _, err = portico("update", mcp_house.account_id, "x")
    assert (code, "Say what to change" in err) == (1, True)


def test_preview_shows_what_a_model_would_see_and_for_whom_it_is_too_much(portico: Run, mcp_house: House) -> None:
    account = mcp_house.account_id
    found = told(portico("preview", account, "--exposure", "all", "--json"))
    assert found["exposure"] == "all"
    assert len(found["listed"]) == found["tools"]
    assert sum(each["tokens"] for each in found["listed"]) == pytest.approx(found["listed_tokens"], rel=0.02)
    warned = {each["client"]: each["message"] for each in found["warnings"]}
    assert "16000" in warned["ChatGPT"]
    assert "128" in warned["VS Code"]
    assert "40" in warned["Cursor"]
    assert "every request" in warned["Gemini CLI"]
    assert "Claude Code" not in warned
    narrow = told(portico("preview", account, "--tag", "models", "--method", "read", "--json"))
    assert (narrow["warnings"], narrow["exposure"]) == ([], "all")
    hidden = told(portico("preview", account, "--json"))
    assert (hidden["exposure"], len(hidden["listed"]), hidden["warnings"]) == ("discovery", 4, [])
    assert hidden["tokens"] == found["tokens"] > hidden["listed_tokens"]
    code, out, err = portico("preview", account, "--tag", "models")
    assert code == 0
    assert "list_all_openai_models" in out
    assert out.startswith("OpenAI account of larkfield")
    assert "tokens in the model's context" in err


def test_preview_of_a_server_is_of_that_server_with_what_would_be_changed(portico: Run, mcp_house: House) -> None:
    account = mcp_house.account_id
    made = mcp_house.server("previewed", tags=["files"], read_only=True)
    shown = told(portico("preview", account, made["id"], "--json"))
    assert (shown["tools"], shown["tokens"]) == (made["tools"], made["tokens"])
    assert "read-only" in shown["instructions"]
    wider = told(portico("preview", account, made["id"], "--no-read-only", "--json"))
    assert wider["tools"] > shown["tools"]


def test_snippets_hold_the_address_for_every_program(portico: Run) -> None:
    url = "https://portico.example/mcp/ptc_mcp_x"
    found = told(portico("snippets", url, "--name", "Billing, read only", "--json"))
    names = {each["client"] for each in found}
    assert {"claude-code", "claude-desktop", "claude-web", "chatgpt", "cursor", "vscode", "codex", "gemini-cli",
            "openai-agents", "langchain"} == names  # fmt: skip
    assert all(url in each["text"] for each in found)
    assert all("{" not in each["text"] or "{url}" not in each["text"] for each in found)
    one = portico("snippets", url, "--client", "claude-code", "--way", "header")[1]
    assert f'claude mcp add --transport http portico {url} --header "Authorization: Bearer YOUR_TOKEN"' in one
    for words, problem in (
        (("--client", "netscape"), "there are claude-code"),
        (("--way", "telepathy"), "address, header, sign-in"),
        (("--client", "langchain", "--way", "sign-in"), "cannot be connected by sign-in"),
    ):
        code, _, err = portico("snippets", url, *words)
        assert (code, problem in err) == (1, True)


def test_snippets_of_a_server_come_with_the_way_in_that_it_asks_for(mcp_house: House) -> None:
    for config, ways in (({}, {"address"}), ({"require_api_token_auth": True}, {"sign_in", "header"})):
        made = mcp_house.server("Snippets", tags=["models"], **config)
        path = f"/integrated-account/{mcp_house.account_id}/mcp/{made['id']}/snippets"
        found = mcp_house.ask("GET", path)["result"]
        assert {each["way"] for each in found} == ways
        assert all(f"{mcp_house.url}/mcp/YOUR_SECRET" in each["text"] for each in found)
        assert made["token"] not in str(found)
