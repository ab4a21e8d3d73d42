"""Real clients whose people are asked before something is deleted, with a handshake and without."""

import json
from pathlib import Path

import pytest

from tests.outside.client_envs import NotInstallable, python_env
from tests.outside.mcp_house import House
from tests.outside.mcp_jobs import CLIENTS, Json, run_json

pytestmark = [pytest.mark.outside, pytest.mark.timeout(600)]
DELETE = "delete_a_openai_vector_store_by_id"
YES: Json = {"action": "accept", "content": {"approve": True}}
NOES: list[Json] = [{"action": "decline"}, {"action": "cancel"}, {"action": "accept", "content": {"approve": False}}]


def stores(house: House) -> set[str]:
    path = f"/proxy/vector_stores?integrated_account_id={house.account_id}&limit=100"
    return {each["id"] for each in house.ask("GET", path)["result"]}


@pytest.mark.parametrize("generation", [1, 2])
@pytest.mark.parametrize("says", [YES, *NOES], ids=str)
def test_people_at_a_real_client_decide(mcp_house: House, generation: int, says: Json, tmp_path: Path) -> None:
    try:
        python = python_env(f"mcp-{generation}")
    except NotInstallable as problem:
        pytest.skip(str(problem))
    path = f"/proxy/vector_stores?integrated_account_id={mcp_house.account_id}"
    store = mcp_house.ask("POST", path, {"name": "to be deleted"})["id"]
    url = mcp_house.server("asks", confirm="destructive", confirm_wait_seconds=0, tool_exposure="all")["url"]
    job = {"url": url, "generation": generation, "call": [DELETE, {"id": store}], "says": says}
    found = run_json([str(python), str(CLIENTS / "asks_people.py"), json.dumps(job)], tmp_path)
    (question,) = found["asked"]
    assert question.startswith(f"Delete vector store {store}?")
    is_yes = says == YES
    assert found["is_error"] is not is_yes, found
    assert is_yes or json.loads(found["text"])["code"] == "approval_denied"
    assert (store in stores(mcp_house)) is not is_yes
