"""Real clients whose people are asked before something is deleted, with a handshake and without."""

import json
from collections.abc import Callable

import pytest

from tests.outside.client_envs import NotInstallable, python_env
from tests.outside.mcp_house import House
from tests.outside.mcp_jobs import CLIENTS, Json, run_json

pytestmark = [pytest.mark.outside, pytest.mark.programs, pytest.mark.timeout(600)]
DELETE, KEY_MAKER = "delete_a_openai_vector_store_by_id", "create_a_openai_project_service_account"
YES: Json = {"action": "accept", "content": {"approve": True}}
NOES: list[Json] = [{"action": "decline"}, {"action": "cancel"}, {"action": "accept", "content": {"approve": False}}]
OPENED: Json = {"action": "accept"}
# By name: what people say at the client, and on a page of ours the button that they press.
BY_FORM: dict[str, Json] = {str(says): {"says": says} for says in (YES, *NOES)}
ON_OUR_PAGE: dict[str, Json] = {
    "approve": {"says": OPENED, "press": "approve"},
    "refuse": {"says": OPENED, "press": "refuse"},
    "decline": {"says": {"action": "decline"}, "press": ""},
}
KEYS: dict[str, Json] = {
    "seen": {"says": OPENED, "press": "see"},
    "declined": {"says": {"action": "decline"}, "press": ""},
}
# Of a job: the store that is to be deleted, and what the client printed.
Outcome = tuple[str, Json]
Told = Callable[[int, str], Outcome]


def stores(house: House) -> set[str]:
    path = f"/proxy/vector_stores?integrated_account_id={house.account_id}&limit=100"
    return {each["id"] for each in house.ask("GET", path)["result"]}


@pytest.fixture(scope="module")
def told(mcp_house: House, tmp_path_factory: pytest.TempPathFactory) -> Told:
    """What came of a job. A client of either generation is started once, for all of them: that takes the longest."""
    house, found = mcp_house, dict[int, dict[str, Outcome]]()

    def deleting(config: Json, people: Json) -> tuple[str, Json]:
        path = f"/proxy/vector_stores?integrated_account_id={house.account_id}"
        store: str = house.ask("POST", path, {"name": "to be deleted"})["id"]
        wanted = {"confirm": "destructive", "confirm_wait_seconds": 0, "tool_exposure": "all", **config}
        return store, {"url": house.server("asks", **wanted)["url"], "call": [DELETE, {"id": store}], **people}

    def making_keys(people: Json) -> tuple[str, Json]:
        projects = house.ask("GET", f"/proxy/projects?integrated_account_id={house.account_id}")["result"]
        call = [KEY_MAKER, {"project_id": projects[0]["id"], "name": "robot"}]
        return "", {"url": house.server("keys")["url"], "call": call, **people}

    def run(generation: int) -> dict[str, Outcome]:
        try:
            python = python_env(f"mcp-{generation}")
        except NotInstallable as problem:
            pytest.skip(str(problem))
        jobs = {name: deleting({}, people) for name, people in BY_FORM.items()}
        jobs |= {name: deleting({"confirm_at": "page"}, people) for name, people in ON_OUR_PAGE.items()}
        jobs |= {name: making_keys(people) for name, people in KEYS.items()} if generation == 1 else {}
        words = json.dumps([generation, [job for _, job in jobs.values()]])
        printed = run_json([str(python), str(CLIENTS / "asks_people.py"), words], tmp_path_factory.mktemp("client"))
        return {name: (store, said) for (name, (store, _)), said in zip(jobs.items(), printed, strict=True)}

    def outcome(generation: int, name: str) -> Outcome:
        if generation not in found:
            found[generation] = run(generation)
        return found[generation][name]

    return outcome


def is_decided(house: House, store: str, found: Json, *, is_yes: bool) -> None:
    assert found["is_error"] is not is_yes, found
    assert is_yes or json.loads(found["text"])["code"] == "approval_denied"
    assert (store in stores(house)) is not is_yes


@pytest.mark.parametrize("generation", [1, 2])
@pytest.mark.parametrize("name", BY_FORM)
def test_people_at_a_real_client_decide(mcp_house: House, told: Told, generation: int, name: str) -> None:
    store, found = told(generation, name)
    (question,) = found["asked"]
    assert question["message"].startswith(f"Delete vector store {store}?")
    is_decided(mcp_house, store, found, is_yes=name == str(YES))


@pytest.mark.parametrize(("name", "is_linked"), [("seen", False), ("declined", True)])
def test_people_at_a_real_client_see_a_key_past_its_model(told: Told, name: str, is_linked: bool) -> None:
    _, found = told(1, name)
    (question,) = found["asked"]
    assert (question["mode"], found["is_error"]) == ("url", False)
    assert ("/one-time/" in found["text"]) is is_linked


@pytest.mark.parametrize("generation", [1, 2])
@pytest.mark.parametrize("name", ON_OUR_PAGE)
def test_people_at_a_real_client_decide_on_our_page(mcp_house: House, told: Told, generation: int, name: str) -> None:
    store, found = told(generation, name)
    (question,) = found["asked"]
    assert (question["mode"], question["message"].startswith(f"Delete vector store {store}?")) == ("url", True)
    is_decided(mcp_house, store, found, is_yes=name == "approve")
