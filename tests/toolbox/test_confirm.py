"""confirm: calls that wait for somebody's yes; what is shown of them; once, and for no other call."""

import asyncio
from typing import Any

import msgspec
import pytest

from tests.faces.mcp.speaker import OLD, Maker
from tests.toolbox.gate import CREATE, DELETE, GET, LIST, UPDATE, Gate

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_without_the_brake_nothing_waits(gate: Gate) -> None:
    server = await gate.server("never")
    store = await gate.store("Free")
    assert (await server.value(DELETE, {"id": store}))["deleted"] is True
    assert await gate.approvals() == []


@pytest.mark.parametrize(("confirm", "held"), [("destructive", {DELETE}), ("writes", {DELETE, UPDATE, CREATE})])
async def test_brake_holds_what_it_is_set_to(gate: Gate, confirm: str, held: set[str]) -> None:
    server = await gate.server(confirm, confirm_wait_seconds=0)
    store = await gate.store("Handbook")
    for tool, arguments in (
        (LIST, {}),
        (CREATE, {"name": "x"}),
        (UPDATE, {"id": store, "name": "y"}),
        (DELETE, {"id": store}),
    ):
        result = await server.call(tool, arguments)
        assert result["isError"] == (tool in held), tool
        if tool in held:
            assert result["structuredContent"]["code"] == "approval_pending"
    assert len(await gate.approvals()) == len(held)


async def test_call_goes_on_as_soon_as_somebody_says_yes(gate: Gate) -> None:
    server, store = await gate.server(), await gate.store("Handbook")
    gate.meanwhile = [gate.approvals, gate.decide]
    assert (await server.value(DELETE, {"id": store}))["deleted"] is True
    assert not await gate.exists(store)
    assert [each["tool"] for each in await gate.approvals("used")][:1] == [DELETE]


async def test_call_that_is_refused_does_nothing_and_is_told_why(gate: Gate) -> None:
    server, store = await gate.server(), await gate.store("Handbook")
    gate.meanwhile = [lambda: gate.decide("deny", "still in use")]
    told = await server.refusal(DELETE, {"id": store})
    assert (told["code"], told["status"]) == ("approval_denied", 403)
    assert "still in use" in told["error"]
    assert await gate.exists(store)
    again = await server.refusal(DELETE, {"id": store})
    assert again["code"] == "approval_denied", "nobody is asked twice"
    assert again["approval"]["id"] == told["approval"]["id"]


async def test_patience_ends_and_the_same_call_goes_on_later(gate: Gate) -> None:
    server, store = await gate.server(confirm_wait_seconds=7), await gate.store("Handbook")
    told = await server.refusal(DELETE, {"id": store})
    assert gate.waited == pytest.approx(7)
    assert (told["code"], told["approval"]["state"]) == ("approval_pending", "pending")
    assert f"portico approvals approve {told['approval']['id']}" in told["error"]
    assert len(await gate.approvals()) == 1
    await gate.decide()
    assert (await server.value(DELETE, {"id": store, "fields": ["deleted"]})) == {"deleted": True}


async def test_yes_is_for_the_very_same_call_alone(gate: Gate) -> None:
    server, other = await gate.server(confirm_wait_seconds=0), await gate.server(confirm_wait_seconds=0)
    one, two = await gate.store("One"), await gate.store("Two")
    await server.refusal(DELETE, {"id": one})
    await gate.decide()
    assert (await server.refusal(DELETE, {"id": two}))["code"] == "approval_pending", "other arguments"
    assert (await other.refusal(DELETE, {"id": one}))["code"] == "approval_pending", "another server"
    assert await gate.exists(one)
    assert await gate.exists(two)
    assert (await server.value(DELETE, {"id": one}))["deleted"] is True


async def test_yes_is_used_up(gate: Gate) -> None:
    server = await gate.server("writes", confirm_wait_seconds=0)
    await server.refusal(CREATE, {"name": "Once"})
    await gate.decide()
    assert (await server.value(CREATE, {"name": "Once"}))["name"] == "Once"
    assert (await server.refusal(CREATE, {"name": "Once"}))["code"] == "approval_pending"


async def test_of_two_calls_at_once_one_goes_through(gate: Gate) -> None:
    server = await gate.server("writes", confirm_wait_seconds=0)
    await server.refusal(CREATE, {"name": "Twice"})
    await gate.decide()
    results = await asyncio.gather(*(server.call(CREATE, {"name": "Twice"}) for _ in range(4)))
    assert sorted(each["isError"] for each in results) == [False, True, True, True]
    got = await gate.stage.value(LIST, {"limit": 100})
    assert sum(each["name"] == "Twice" for each in got["result"]) == 1


async def test_yes_ends_after_an_hour(gate: Gate) -> None:
    server, store = await gate.server(confirm_wait_seconds=0), await gate.store("Handbook")
    first = await server.refusal(DELETE, {"id": store})
    await gate.decide()
    gate.clock.advance(hours=1)
    second = await server.refusal(DELETE, {"id": store})
    assert second["approval"]["id"] != first["approval"]["id"]
    assert await gate.exists(store)


async def test_what_would_happen_is_shown_to_whoever_decides(gate: Gate) -> None:
    server, store = await gate.server("writes", confirm_wait_seconds=0), await gate.store("Handbook")
    await server.refusal(UPDATE, {"id": store, "name": "Manual", "metadata": {"team": "green", "keep": "yes"}})
    (shown,) = await gate.approvals()
    assert shown["request"] == {
        "method": "POST",
        "path": f"/v1/vector_stores/{store}",
        "body": {"name": "Manual", "metadata": {"team": "green", "keep": "yes"}},
    }
    assert shown["changes"] == [
        {"field": "name", "from": "Handbook", "to": "Manual"},
        {"field": "metadata.team", "from": "blue", "to": "green"},
    ]
    assert shown["impact"]["effect"] == "write"
    assert shown["impact"]["target"]["name"] == "Handbook"
    assert [each.verb for each in gate.stage.seen("/v1/vector_stores/")] == ["GET"], "nothing was changed to find out"


async def test_what_is_destroyed_is_named(gate: Gate) -> None:
    server, store = await gate.server(confirm_wait_seconds=0), await gate.store("Rulebook")
    await server.refusal(DELETE, {"id": "Rulebook"})
    (shown,) = await gate.approvals()
    assert shown["impact"]["sentence"].startswith(f"Delete vector store Rulebook = {store}?")
    assert shown["request"]["path"] == f"/v1/vector_stores/{store}"


async def test_yes_for_a_name_does_not_hold_for_what_is_called_so_later(gate: Gate) -> None:
    server, store = await gate.server(confirm_wait_seconds=0), await gate.store("Moving")
    await server.refusal(DELETE, {"id": "Moving"})
    await gate.decide()
    await gate.stage.value(UPDATE, {"id": store, "name": "Moved"})
    another = await gate.store("Moving")
    assert (await server.refusal(DELETE, {"id": "Moving"}))["code"] == "approval_pending"
    assert await gate.exists(another)


async def test_wrong_call_is_refused_before_anybody_is_asked(gate: Gate) -> None:
    server = await gate.server("writes", confirm_wait_seconds=0)
    assert (await server.refusal(UPDATE, {"name": "x"}))["code"] == "invalid_arguments"
    assert (await server.refusal(CREATE, {"nonsense": 1}))["code"] == "invalid_arguments"
    assert await gate.approvals() == []


async def test_dry_run_asks_nobody(gate: Gate) -> None:
    server, store = await gate.server(), await gate.store("Handbook")
    value = await server.value(DELETE, {"id": store, "dry_run": True})
    assert value["request"]["method"] == "DELETE"
    assert await gate.approvals() == []


async def test_dry_run_shows_what_would_differ(gate: Gate) -> None:
    server, store = await gate.server("never"), await gate.store("Handbook")
    wanted = {"id": store, "name": "Manual", "metadata": {"team": "blue", "keep": "no"}, "dry_run": True}
    value = await server.value(UPDATE, wanted)
    assert value["request"]["body"] == {"name": "Manual", "metadata": {"team": "blue", "keep": "no"}}
    assert value["changes"] == [
        {"field": "name", "from": "Handbook", "to": "Manual"},
        {"field": "metadata.keep", "from": "yes", "to": "no"},
    ]
    assert (await server.value(DELETE, {"id": store, "dry_run": True}))["present"]["name"] == "Handbook"
    assert (await gate.stage.value(GET, {"id": store}))["name"] == "Handbook"


async def test_dry_run_shows_no_state_that_its_server_does_not_offer(gate: Gate) -> None:
    server, store = await gate.server("never", methods=[DELETE, UPDATE]), await gate.store("Handbook")
    gate.stage.clear()
    for tool in (DELETE, UPDATE):
        value = await server.value(tool, {"id": store, "dry_run": True})
        assert value.keys() & {"changes", "present"} == set()
    assert gate.stage.seen() == []


async def test_dry_run_says_where_the_present_state_is_not_known(gate: Gate) -> None:
    server = await gate.server("never")
    value = await server.value(UPDATE, {"id": "vs_gone", "name": "x", "dry_run": True})
    assert [each["what"] for each in value["incomplete"]] == ["the present state"]


async def test_recipe_is_asked_for_as_a_whole_with_its_steps(gate: Gate) -> None:
    project = await gate.stage.value("create_a_openai_project", {"name": "Leaving"})
    await gate.stage.value("create_a_openai_project_service_account", {"project_id": project["id"], "name": "robot"})
    server = await gate.server(confirm_wait_seconds=0)
    await server.refusal("openai_offboard_team", {"project_id": "Leaving"})
    (shown,) = await gate.approvals()
    assert "Leaving" in shown["impact"]["sentence"]
    does = [each["does"] for each in shown["request"]["steps"]]
    assert does[-1] == "archive the project Leaving"
    assert any("robot" in each for each in does)
    await gate.decide()
    value = await server.value("openai_offboard_team", {"project_id": "Leaving"})
    assert value["project"]["status"] == "archived"


async def test_secrets_in_a_body_are_not_shown(gate: Gate) -> None:
    server = await gate.server("writes", confirm_wait_seconds=0)
    await server.refusal(CREATE, {"name": "x", "metadata": {"password": "hunter22", "note": "sk-proj-abcdefghijkl"}})
    (shown,) = await gate.approvals()
    assert "hunter22" not in msgspec.json.encode(shown).decode()
    assert "abcdefghijkl" not in msgspec.json.encode(shown).decode()


async def test_file_is_shown_shortened_and_sent_whole(gate: Gate) -> None:
    server = await gate.server("writes", confirm_wait_seconds=0)
    text = "line\n" * 2000
    asked = {"purpose": "user_data", "file": {"text": text, "filename": "lines.txt"}}
    await server.refusal("create_a_openai_file", asked)
    (shown,) = await gate.approvals()
    assert shown["request"]["body"]["purpose"] == "user_data"
    assert len(shown["request"]["body"]["file"]["text"]) < 3000
    await gate.decide()
    assert (await server.value("create_a_openai_file", asked))["bytes"] == len(text)


async def test_model_is_told_that_calls_wait(gate: Gate) -> None:
    server = await gate.server()
    told = (await server.result("initialize", {"protocolVersion": OLD}))["instructions"]
    assert "waits until a person approves it" in told


@pytest.mark.parametrize("given", [-1, 601, "soon"])
async def test_patience_has_bounds(gate: Gate, given: Any) -> None:
    refused = await Maker(gate.stage.client, gate.stage.account_id).refused(confirm_wait_seconds=given)
    assert list(refused) == ["config.confirm_wait_seconds"]
