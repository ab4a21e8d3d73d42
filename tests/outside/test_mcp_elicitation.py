"""Real clients whose people are asked before something is deleted, with a handshake and without."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.outside.client_envs import NotInstallable, python_env
from tests.outside.mcp_house import House
from tests.outside.mcp_jobs import CLIENTS, Json, run_json

pytestmark = [pytest.mark.outside, pytest.mark.timeout(600)]
DELETE, KEY_MAKER = "delete_a_openai_vector_store_by_id", "create_a_openai_project_service_account"
YES: Json = {"action": "accept", "content": {"approve": True}}
NOES: list[Json] = [{"action": "decline"}, {"action": "cancel"}, {"action": "accept", "content": {"approve": False}}]
OPENED: Json = {"action": "accept"}


def stores(house: House) -> set[str]:
    path = f"/proxy/vector_stores?integrated_account_id={house.account_id}&limit=100"
    return {each["id"] for each in house.ask("GET", path)["result"]}


def deleting(house: House, generation: int, folder: Path, config: Json, **people: Any) -> tuple[str, Json]:
    """A store that a real client was told to delete, and what it printed."""
    try:
        python = python_env(f"mcp-{generation}")
    except NotInstallable as problem:
        pytest.skip(str(problem))
    path = f"/proxy/vector_stores?integrated_account_id={house.account_id}"
    store = house.ask("POST", path, {"name": "to be deleted"})["id"]
    wanted = {"confirm": "destructive", "confirm_wait_seconds": 0, "tool_exposure": "all", **config}
    job = {"url": house.server("asks", **wanted)["url"], "generation": generation, "call": [DELETE, {"id": store}]}
    return store, run_json([str(python), str(CLIENTS / "asks_people.py"), json.dumps(job | people)], folder)


@pytest.mark.parametrize("generation", [1, 2])
@pytest.mark.parametrize("says", [YES, *NOES], ids=str)
def test_people_at_a_real_client_decide(mcp_house: House, generation: int, says: Json, tmp_path: Path) -> None:
    store, found = deleting(mcp_house, generation, tmp_path, {}, says=says)
    (question,) = found["asked"]
    assert question["message"].startswith(f"Delete vector store {store}?")
    is_yes = says == YES
    assert found["is_error"] is not is_yes, found
    assert is_yes or json.loads(found["text"])["code"] == "approval_denied"
    assert (store in stores(mcp_house)) is not is_yes


@pytest.mark.parametrize(("says", "press", "is_linked"), [(OPENED, "see", False), ({"action": "decline"}, "", True)])
def test_people_at_a_real_client_see_a_key_past_its_model(
    mcp_house: House, says: Json, press: str, is_linked: bool, tmp_path: Path
) -> None:
    try:
        python = python_env("mcp-1")
    except NotInstallable as problem:
        pytest.skip(str(problem))
    project = mcp_house.ask("GET", f"/proxy/projects?integrated_account_id={mcp_house.account_id}")["result"][0]["id"]
    call = [KEY_MAKER, {"project_id": project, "name": "robot"}]
    job = {"url": mcp_house.server("keys")["url"], "generation": 1, "call": call, "says": says, "press": press}
    found = run_json([str(python), str(CLIENTS / "asks_people.py"), json.dumps(job)], tmp_path)
    (question,) = found["asked"]
    assert (question["mode"], found["is_error"]) == ("url", False)
    assert ("/one-time/" in found["text"]) is is_linked


@pytest.mark.parametrize("generation", [1, 2])
@pytest.mark.parametrize(("says", "press"), [(OPENED, "approve"), (OPENED, "refuse"), ({"action": "decline"}, "")])
def test_people_at_a_real_client_decide_on_our_page(
    mcp_house: House, generation: int, says: Json, press: str, tmp_path: Path
) -> None:
    store, found = deleting(mcp_house, generation, tmp_path, {"confirm_at": "page"}, says=says, press=press)
    (question,) = found["asked"]
    assert (question["mode"], question["message"].startswith(f"Delete vector store {store}?")) == ("url", True)
    is_yes = press == "approve"
    assert found["is_error"] is not is_yes, found
    assert is_yes or json.loads(found["text"])["code"] == "approval_denied"
    assert (store in stores(mcp_house)) is not is_yes
