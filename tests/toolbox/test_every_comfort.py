"""Every comfort: the same through each face, and switched off by its word on a server that does not want it."""

import json
from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import Any, get_args

import msgspec
import pytest

from portico.cli.main import run
from portico.faces.web.admin.server_form import COMFORTS as SHOWN
from portico.model.server import Comfort
from portico_client import Portico
from tests.docs.pages import ROOT
from tests.served import Served, asked, exchanged, served

Json = dict[str, Any]
Faces = dict[str, Callable[[str, Json], Json]]
WORDS = "word " * 12_000


Sign = Callable[[Json], bool]


@dataclass(frozen=True)
class Case:
    """A call in which a comfort shows: what it takes, and the sign of it in the answer.

    `off`: what is seen in its place where it is switched off; None: the call is refused, in words that say so. `needs`
    is what else the example takes.
    """

    tool: str
    arguments: Json
    sign: Sign
    off: Sign | None = None
    needs: tuple[str, ...] = ()


CASES = {
    "names": Case(
        "get_single_openai_project_by_id",
        {"id": "Orchard"},
        lambda told: told["name"] == "Orchard",
        lambda told: told["status"] == 404,
    ),
    "times": Case(
        "list_all_openai_costs",
        {"start_time": "last 7 days"},
        lambda told: told["understood"]["start_time"].startswith("last 7 days = "),
        lambda told: told["failures"][0]["argument"] == "start_time",
    ),
    "fields": Case(
        "list_all_openai_projects",
        {"fields": "result[].name"},
        lambda told: [{"name"}] * told["result_count"] == [set(each) for each in told["result"]],
    ),
    "tables": Case("list_all_openai_models", {"as": "table"}, lambda told: "id" in told["result"]["columns"]),
    "cursors": Case(
        "create_a_openai_response",
        {"model": "gpt-4o", "input": f"Say: {WORDS}"},
        lambda told: told["next_cursor"].startswith("rest."),
        lambda told: "next_cursor" not in told and "truncated" in told,
    ),
    "lean": Case(
        "create_a_openai_embedding",
        {"model": "text-embedding-3-small", "input": "hello"},
        lambda told: "embedding" not in told["data"][0] and "left_out" in told,
        lambda told: len(told["data"][0]["embedding"]) > 99,
    ),
    "waiting": Case(
        "create_a_openai_response",
        {"model": "gpt-4o", "input": "hello", "background": True, "wait_seconds": 1},
        lambda told: told["waiting"]["status"] == told["status"],
    ),
    "files": Case(
        "create_a_openai_speech",
        {"model": "tts-1", "input": "hello", "voice": "alloy"},
        lambda told: "/file/" in told["url"],
        lambda told: "url" not in told and "switched off" in told["note"],
    ),
    "dry_run": Case(
        "create_a_openai_vector_store",
        {"name": "never made", "dry_run": True},
        lambda told: told["request"]["body"] == {"name": "never made"},
    ),
    "reports": Case(
        "openai_costs_report",
        {"start_time": "last 3 days", "by": ["project"]},
        lambda told: "project" in told["tables"],
        needs=("times",),
    ),
    "recipes": Case(
        "openai_onboard_team",
        {"name": "Larks", "dry_run": True},
        lambda told: bool(told["plan"]),
        needs=("dry_run",),
    ),
}


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Generator[Served]:
    with served(tmp_path_factory.mktemp("comforts")) as opened:
        asked(opened, "POST", f"/proxy/projects?integrated_account_id={opened.account_id}", {"name": "Orchard"})
        yield opened


@pytest.fixture
def faces(house: Served, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Faces:
    """A tool's structured answer through each face."""
    monkeypatch.setenv("PORTICO_URL", house.url)
    monkeypatch.setenv("PORTICO_TOKEN", house.token)

    def by_endpoint(tool: str, arguments: Json) -> Json:
        return asked(house, "POST", f"/integrated-account/{house.account_id}/tools/{tool}", arguments).json[
            "structured"
        ]

    def by_command(tool: str, arguments: Json) -> Json:
        capsys.readouterr()
        run(("tools", "call", tool, *(f"{name}:={json.dumps(value)}" for name, value in arguments.items()), "--json"))
        return json.loads(capsys.readouterr().out)["structured"]

    def by_client(tool: str, arguments: Json) -> Json:
        with Portico(house.url, house.token, account_id=house.account_id) as client:
            return client.tools.run(tool, arguments).structured

    return {"mcp": speaking(house), "endpoint": by_endpoint, "command": by_command, "client": by_client}


def speaking(house: Served, **config: Any) -> Callable[[str, Json], Json]:
    """A server of the account with that config, as an MCP client has it."""
    body = {"name": "comforts", "config": config}
    url: str = asked(house, "POST", f"/integrated-account/{house.account_id}/mcp", body).json["url"]
    headers = {"content-type": "application/json", "accept": "application/json"}

    def call(tool: str, arguments: Json) -> Json:
        params = {"name": tool, "arguments": arguments}
        message = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}
        got = exchanged(house.url, "POST", url.removeprefix(house.url), headers, msgspec.json.encode(message))
        result: Json = got.json["result"]
        assert msgspec.json.decode(result["content"][0]["text"]) == result["structuredContent"]
        return result["structuredContent"]

    return call


def test_every_comfort_is_walked_shown_and_told() -> None:
    words = set(get_args(Comfort))
    assert CASES.keys() == words == {name for name, _ in SHOWN}
    told = (ROOT / "docs/reference/toolbox.md").read_text("utf-8")
    assert [word for word in words if f"`{word}`" not in told] == []


@pytest.mark.parametrize("word", CASES)
def test_comfort_is_the_same_through_each_face(word: str, faces: Faces) -> None:
    case = CASES[word]
    told = {name: face(case.tool, case.arguments) for name, face in faces.items()}
    assert {name: case.sign(value) for name, value in told.items()} == dict.fromkeys(faces, True), told
    assert len({tuple(sorted(value)) for value in told.values()}) == 1


@pytest.mark.parametrize("word", CASES)
def test_comfort_is_switched_off_by_its_word_and_no_other_with_it(word: str, house: Served) -> None:
    case = CASES[word]
    told = speaking(house, comforts_off=[word])(case.tool, case.arguments)
    if case.off is None:
        assert "switched" in told["error"], told
    else:
        assert case.off(told), told
    others = [each for each in CASES if each not in {word, *case.needs}]
    told = speaking(house, comforts_off=others)(case.tool, case.arguments)
    assert case.sign(told), told


def test_long_answer_is_gone_on_with_through_each_face(faces: Faces) -> None:
    case = CASES["cursors"]
    for face in faces.values():
        first = face(case.tool, case.arguments)
        following = face(case.tool, {"next_cursor": first["next_cursor"]})
        shown = first["output"][0]["content"][0]["text"].partition("…")[0]
        assert (shown + following["continues"][0]["text"]).startswith(WORDS[: len(shown) + 1000])


def test_key_that_is_shown_once_is_a_link_through_each_face_unless_a_server_reveals_it(
    house: Served, faces: Faces
) -> None:
    arguments: Json = {"project_id": "Orchard", "name": "bot"}
    for face in faces.values():
        key = face("create_a_openai_project_service_account", arguments)["api_key"]
        assert key["value"]["link"].startswith(house.url)
    off = speaking(house, secrets="reveal")("create_a_openai_project_service_account", arguments)
    assert off["api_key"]["value"].startswith("sk-")


def test_call_is_held_only_on_a_server_that_wants_it(house: Served) -> None:
    arguments: Json = {"name": "brake"}
    held = speaking(house, confirm="writes", confirm_wait_seconds=0)("create_a_openai_vector_store", arguments)
    assert held["code"] == "approval_pending"
    assert speaking(house)("create_a_openai_vector_store", arguments)["name"] == "brake"
    refused = speaking(house, read_only=True)("create_a_openai_vector_store", arguments)
    assert refused["code"] == "not_allowed"


def test_used_up_budget_is_told_in_the_same_words_through_each_face(house: Served, faces: Faces) -> None:
    body = {"applies_to": "integrated_account", "subject": house.account_id, "measure": "requests", "period": "day"}
    quota = asked(house, "POST", "/quota", {**body, "maximum": 0}).json
    try:
        told = {name: face("list_all_openai_models", {}) for name, face in faces.items()}
        assert {value["code"] for value in told.values()} == {"quota_spent"}
        assert {value["error"].partition(" It resets")[0] for value in told.values()} == {
            f"The quota of 0 requests per day for the account {house.account_id!r} is used up."
        }
    finally:
        asked(house, "DELETE", f"/quota/{quota['id']}")
    assert all(face("list_all_openai_models", {"limit": 1})["result"] for face in faces.values())
