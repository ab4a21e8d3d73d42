"""What a model reads when something cannot be done: one test for each kind of refusal, on its very words."""

from collections.abc import Generator

import pytest
import pytest_asyncio

from portico.sandbox.faults import Fault, FaultRule
from portico.sandbox.state import World
from tests.faces.mcp.speaker import Json, Maker, Speaker
from tests.gateways import connect_account

pytestmark = pytest.mark.asyncio(loop_scope="module")
READ, WRITE = "list_all_openai_models", "create_a_openai_vector_store"
ASK = "Ask whoever administers this account"


@pytest.fixture
def faults(standing_world: World) -> Generator[list[FaultRule]]:
    yield standing_world.faults
    standing_world.faults.clear()


@pytest_asyncio.fixture(loop_scope="module")
async def server(standing: Maker) -> Speaker:
    return await standing.server()


def fails(faults: list[FaultRule], status: int, **settings: str) -> None:
    faults.append(FaultRule(Fault("status", str(status), settings), path="/v1/", times=1))


async def test_invalid_argument_names_itself_its_problem_and_what_is_allowed(server: Speaker) -> None:
    refusal = await server.refusal("create_a_openai_speech", {"modell": "tts-1", "input": "a", "voice": "alloy"})
    assert refusal["error"].startswith(
        "modell: is not an argument; did you mean 'model'? what the vendor takes beyond these "
        "goes into extra; allowed: "
    )
    assert (refusal["code"], refusal["status"]) == ("invalid_arguments", 400)
    assert refusal["input_schema"]["required"] == ["model", "input", "voice"]


@pytest.mark.parametrize("report", ["openai_costs_report", "openai_usage_report"])
async def test_what_a_report_calls_otherwise_than_the_vendor_is_named(server: Speaker, report: str) -> None:
    refusal = await server.refusal(report, {"start_time": "last month", "group_by": ["project_id"]})
    assert refusal["error"].startswith("group_by: is not an argument; did you mean 'by'?; allowed: ")
    refusal = await server.refusal(report, {"start_time": "last month", "colour": "red"})
    assert refusal["error"].startswith("colour: is not an argument; allowed: ")


async def test_all_that_is_wrong_is_said_at_once(server: Speaker) -> None:
    refusal = await server.refusal(
        "create_a_openai_response", {"model": "a", "max_output_tokens": 1, "verbosity": "loud"}
    )
    assert {(each["argument"], each["problem"]) for each in refusal["failures"]} == {
        ("max_output_tokens", "must be at least 16"),
        ("verbosity", "is not one of the allowed values"),
    }
    assert {each.get("allowed") for each in refusal["failures"]} == {None, "low, medium, high"}


async def test_missing_argument_is_named_as_it_is_shown_with_the_tool_that_gives_it(server: Speaker) -> None:
    refusal = await server.refusal("get_single_openai_file_by_id")
    assert refusal["error"] == "id: is required; allowed: from list_all_openai_files"
    refusal = await server.refusal("create_a_openai_project_service_account", {"name": "x"})
    assert refusal["error"] == "project_id: is required; allowed: from list_all_openai_projects"
    missing = "is required: it is part of the address; allowed: from list_all_openai_models"
    for value, words in (("", missing), ("..", "cannot be part of an address")):
        refusal = await server.refusal("get_single_openai_model_by_id", {"id": value})
        assert refusal["error"] == f"id: {words}"
        assert refusal["failures"][0]["argument"] == "id"


async def test_thing_that_the_vendor_does_not_have_leads_to_the_tool_that_lists_them(server: Speaker) -> None:
    refusal = await server.refusal("get_single_openai_file_by_id", {"id": "file-AAAAAAAAAAAAAAAAAAAAAAAA"})
    assert refusal["error"].endswith(" Take id from list_all_openai_files.")
    assert (refusal["code"], refusal["status"]) == ("vendor_failure", 404)
    assert refusal["vendor_error"]["type"] == "invalid_request_error"


async def test_parent_that_is_not_there_leads_to_the_tool_that_lists_parents(server: Speaker) -> None:
    refusal = await server.refusal(
        "list_all_openai_vector_store_files", {"vector_store_id": "vs_AAAAAAAAAAAAAAAAAAAAAAAA"}
    )
    assert refusal["error"].endswith(" Take vector_store_id from list_all_openai_vector_stores.")


async def test_vendors_limit_says_how_long_to_wait(server: Speaker, faults: list[FaultRule]) -> None:
    fails(faults, 429, **{"retry-after": "7"})
    refusal = await server.refusal(READ)
    assert refusal["error"].endswith(" Wait 7 seconds, then call again.")
    assert (refusal["status"], refusal["retry_after_seconds"]) == (429, 7)


async def test_vendors_limit_without_a_time_says_so_too(server: Speaker, faults: list[FaultRule]) -> None:
    fails(faults, 429)
    refusal = await server.refusal(READ)
    assert " Wait " in refusal["error"]
    assert refusal["error"].endswith("then call again.")


async def test_forbidden_key_asks_for_one_that_may(server: Speaker, faults: list[FaultRule]) -> None:
    fails(faults, 403)
    refusal = await server.refusal(READ)
    assert refusal["error"].endswith(f" The account's key may not do this. {ASK} for a key with that permission.")


async def test_vendors_trouble_is_called_that(server: Speaker, faults: list[FaultRule]) -> None:
    fails(faults, 503)
    refusal = await server.refusal(READ)
    assert refusal["error"].endswith(" That is the vendor's trouble; try again in a while.")
    assert refusal["status"] == 503


@pytest.mark.parametrize(
    ("tool", "arguments", "words"),
    [
        (READ, {}, "Nothing was changed; try again in a while."),
        (WRITE, {"name": "x"}, "Nothing is known about whether it took effect; look before you repeat a change."),
    ],
)
async def test_broken_off_answer_says_what_may_have_happened(
    server: Speaker, faults: list[FaultRule], tool: str, arguments: Json, words: str
) -> None:
    faults.append(FaultRule(Fault("truncate"), path="/v1/", times=1))
    refusal = await server.refusal(tool, arguments)
    assert refusal["error"].endswith(words)
    assert (refusal["code"], refusal["status"]) == ("upstream_interrupted", 502)


@pytest.mark.parametrize("name", ["empty", "wrong-type", "invalid-json"])
async def test_answer_that_cannot_be_read_is_a_refusal_and_not_a_fault_of_ours(
    server: Speaker, faults: list[FaultRule], name: str
) -> None:
    faults.append(FaultRule(Fault(name), path="/v1/", times=1))
    refusal = await server.refusal(READ)
    assert refusal["code"] == "upstream_invalid_json"


async def test_key_that_no_longer_works_and_then_the_account_itself_ask_for_an_administrator(
    standing: Maker, faults: list[FaultRule]
) -> None:
    account = await connect_account(standing.client, "outdated")
    server = await Maker(standing.client, account["id"]).server()
    fails(faults, 401)
    refusal = await server.refusal(READ)
    assert refusal["error"].endswith(f" The account's key no longer works. {ASK} to connect it again.")


async def test_account_without_the_key_says_which_it_needs(standing: Maker) -> None:
    account = await connect_account(standing.client, "half", api_key="sk-proj-half")
    server = await Maker(standing.client, account["id"]).server()
    refusal = await server.refusal("list_all_openai_projects")
    assert refusal["error"] == (
        "This operation needs the account's admin API key (it starts with sk-admin-), and it has none; "
        f"add it and call again. {ASK} to mend that; calling again will not help."
    )
    assert (refusal["code"], refusal["status"]) == ("key_missing", 409)


async def test_blocked_account_says_that_calling_again_will_not_help(standing: Maker) -> None:
    account = await connect_account(standing.client, "blocked")
    server = await Maker(standing.client, account["id"]).server()
    await standing.client.patch(f"/integrated-account/{account['id']}", {"status": "blocked"})
    refusal = await server.refusal(READ)
    assert refusal["error"] == (
        "The account is blocked since 2026-11-02 12:00 UTC: none of its calls goes through. Operators of its "
        "environment, and API tokens with the scope 'accounts', can let it go on (status: active). "
        f"{ASK} to mend that; calling again will not help."
    )
    assert (refusal["code"], refusal["status"]) == ("account_blocked", 503)


async def test_filter_names_itself(standing: Maker) -> None:
    server = await standing.server(tags=["files"])
    refusal = await server.refusal(READ)
    assert refusal["error"] == f"This server does not offer {READ!r}: it is limited to tags files."


async def test_unknown_field_of_an_answer_is_asked_for_in_vain_but_not_wrongly(server: Speaker) -> None:
    refusal = await server.refusal(READ, {"fields": " , "})
    assert refusal["error"].startswith("fields: must name at least one field; allowed: id; amount.value; data[].id")


async def test_file_argument_of_no_known_form_shows_the_forms(server: Speaker) -> None:
    refusal = await server.refusal("create_a_openai_file", {"purpose": "batch", "file": {"content": "x"}})
    assert refusal["failures"][0]["argument"] == "file"
    assert refusal["failures"][0]["allowed"].startswith("{text}, {base64}, {url} or {file: id of a stored file}")
    twice = await server.refusal("create_a_openai_file", {"purpose": "batch", "file": {"text": "x", "base64": "eA=="}})
    assert twice["failures"][0]["problem"] == "is not a file"
