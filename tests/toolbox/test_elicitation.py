"""People at the program are asked whether a call may happen, in both of MCP's ways; nobody else's yes is theirs."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import msgspec
import pytest

from tests.faces.mcp.speaker import NEW, OLD, Json, Line, Speaker, events
from tests.toolbox.gate import DELETE, Gate

mcp_types: Any = pytest.importorskip("mcp_types", reason="mcp-types is not installed; it is in the group dev")
jsonrpc: Any = pytest.importorskip("mcp_types.jsonrpc", reason="mcp-types is not installed; it is in the group dev")

pytestmark = pytest.mark.asyncio(loop_scope="module")
FORMS: Json = {"elicitation": {}}
FORMS_AND_PAGES: Json = {"elicitation": {"form": {}, "url": {}}}
PAGES: Json = {"elicitation": {"url": {}}}
NOTHING: Json = {}
CAPABILITIES = "io.modelcontextprotocol/clientCapabilities"


async def shake(server: Speaker, capabilities: Json) -> Any:
    params = {"protocolVersion": OLD, "capabilities": capabilities, "clientInfo": {"name": "c", "version": "1"}}
    return await server.ask("initialize", params)


@dataclass
class Program:
    """A program of the handshake era that asks its people, and what they do before it answers."""

    server: Speaker
    says: Json
    meanwhile: Callable[[Json], Awaitable[None]] | None = None
    asked: list[Json] = field(default_factory=list[Json])
    told: list[Json] = field(default_factory=list[Json])

    async def call(self, name: str, arguments: Json) -> Json:
        message, _ = self.server.message("tools/call", {"name": name, "arguments": arguments})
        line = Line(self.server, msgspec.json.encode(message), self.server.headers)
        await line.until(2)
        while not (found := [each for each in events(line.content) if each.get("method") == "elicitation/create"]):
            await line.until(len(line.sent) + 1)
        self.asked += found
        if self.meanwhile is not None:
            await self.meanwhile(found[0])
        answer = {"jsonrpc": "2.0", "id": found[0]["id"], "result": self.says}
        got = await self.server.send(msgspec.json.encode(answer))
        assert (got.status, got.content) == (202, b"")
        await line.task
        self.told = events(line.content)
        return self.told[-1]["result"]


async def program(gate: Gate, says: Json, can: Json = FORMS, **config: Any) -> Program:
    server = await gate.server(**config)
    got = await shake(server, can)
    gate.pause_seconds = 0.02
    return Program(server.sending(mcp_session_id=got.headers["mcp-session-id"]), says)


YES: Json = {"action": "accept", "content": {"approve": True}}
NOES: list[Json] = [{"action": "decline"}, {"action": "cancel"}, {"action": "accept", "content": {"approve": False}}]


async def test_people_at_a_program_are_asked_on_the_calls_own_stream(gate: Gate) -> None:
    asking, store = await program(gate, YES), await gate.store("Handbook")
    result = await asking.call(DELETE, {"id": store})
    assert result["structuredContent"]["deleted"] is True
    (asked,) = asking.asked
    jsonrpc.JSONRPCRequest.model_validate(asked, strict=True)
    mcp_types.ElicitRequest.model_validate({"method": asked["method"], "params": asked["params"]})
    assert asked["params"]["message"].startswith(f"Delete vector store {store}?")
    assert f"DELETE /v1/vector_stores/{store}" in asked["params"]["message"]
    assert "Handbook" in asked["params"]["message"]
    assert asked["params"]["requestedSchema"]["properties"]["approve"]["type"] == "boolean"
    (used, *_) = await gate.approvals("used")
    assert used["decided_by_name"].startswith("somebody at")


@pytest.mark.parametrize("says", NOES, ids=str)
async def test_people_at_a_program_can_refuse_and_be_asked_again(gate: Gate, says: Json) -> None:
    asking, store = await program(gate, says), await gate.store("Handbook")
    result = await asking.call(DELETE, {"id": store})
    assert result["structuredContent"]["code"] == "approval_denied"
    assert await gate.exists(store)
    asking.says = YES
    assert (await asking.call(DELETE, {"id": store}))["structuredContent"]["deleted"] is True


@pytest.mark.parametrize(
    ("confirm", "capabilities", "has"),
    [
        ("destructive", FORMS, True),
        ("destructive", FORMS_AND_PAGES, True),
        ("destructive", PAGES, True),
        ("destructive", NOTHING, False),
        ("never", FORMS, False),
    ],
)
async def test_session_is_for_programs_that_can_ask(gate: Gate, confirm: str, capabilities: Json, has: bool) -> None:
    got = await shake(await gate.server(confirm), capabilities)
    assert ("mcp-session-id" in got.headers) is has


async def test_programs_know_pages_from_the_version_on_that_has_them(gate: Gate) -> None:
    params = {"protocolVersion": "2025-06-18", "clientInfo": {"name": "c", "version": "1"}}
    server = await gate.server()
    assert "mcp-session-id" not in (await server.ask("initialize", params | {"capabilities": PAGES})).headers
    got = await server.ask("initialize", params | {"capabilities": FORMS_AND_PAGES})
    assert got.headers["mcp-session-id"].startswith("form.")


async def test_session_of_another_server_is_none(gate: Gate) -> None:
    asking = await program(gate, YES, confirm_wait_seconds=0)
    server = (await gate.server(confirm_wait_seconds=0)).sending(**dict(asking.server.headers))
    told = await server.refusal(DELETE, {"id": await gate.store("Handbook")})
    assert told["code"] == "approval_pending"


async def answered(server: Speaker, identity: str) -> None:
    got = await server.send(msgspec.json.encode({"jsonrpc": "2.0", "id": identity, "result": YES}))
    assert got.status == 202


async def test_program_cannot_say_yes_where_somebody_else_is_asked(gate: Gate) -> None:
    """Not for what waits elsewhere, not for another server's call, not for what nobody asked."""
    server, store = await gate.server(confirm_wait_seconds=0), await gate.store("Handbook")
    told = await server.refusal(DELETE, {"id": store})
    await answered(server, f"approval:{told['approval']['id']}")
    asking = await program(gate, YES)
    await answered(asking.server, f"approval:{told['approval']['id']}")
    await answered(server, "approval:nothing")
    await answered(server, "1")
    assert (await gate.approvals())[0]["state"] == "pending"
    assert (await server.refusal(DELETE, {"id": store}))["code"] == "approval_pending"


def with_forms(**more: Any) -> Json:
    return {"_meta": {CAPABILITIES: FORMS}, **more}


async def test_newer_program_is_told_what_to_ask_and_calls_again(gate: Gate) -> None:
    server, store = (await gate.server()).speaking(NEW), await gate.store("Handbook")
    asked: Json = {"name": DELETE, "arguments": {"id": store}}
    first = await server.result("tools/call", with_forms(**asked))
    assert first["resultType"] == "input_required"
    mcp_types.InputRequiredResult.model_validate(first)
    question = first["inputRequests"]["approval"]
    assert question["method"] == "elicitation/create"
    assert question["params"]["message"].startswith(f"Delete vector store {store}?")
    assert await gate.exists(store)
    brought = {"requestState": first["requestState"], "inputResponses": {"approval": YES}}
    again = await server.result("tools/call", with_forms(**asked, **brought))
    assert (again["resultType"], again["structuredContent"]["deleted"]) == ("complete", True)
    third = await server.result("tools/call", with_forms(**asked, **brought))
    assert third["resultType"] == "input_required", "the yes was for one call"


@pytest.mark.parametrize("says", NOES, ids=str)
async def test_newer_program_can_bring_a_no(gate: Gate, says: Json) -> None:
    server, store = (await gate.server()).speaking(NEW), await gate.store("Handbook")
    asked: Json = {"name": DELETE, "arguments": {"id": store}}
    first = await server.result("tools/call", with_forms(**asked))
    brought = {"requestState": first["requestState"], "inputResponses": {"approval": says}}
    again = await server.result("tools/call", with_forms(**asked, **brought))
    assert again["structuredContent"]["code"] == "approval_denied"
    assert await gate.exists(store)


async def test_yes_brought_for_one_call_opens_no_other(gate: Gate) -> None:
    server, one, two = (await gate.server()).speaking(NEW), await gate.store("One"), await gate.store("Two")
    first = await server.result("tools/call", with_forms(name=DELETE, arguments={"id": one}))
    brought = {"requestState": first["requestState"], "inputResponses": {"approval": YES}}
    again = await server.result("tools/call", with_forms(name=DELETE, arguments={"id": two}, **brought))
    assert again["resultType"] == "input_required"
    assert await gate.exists(two)


@pytest.mark.parametrize("spoilt", ["", "x", "{id}.ptc_state_ffffffff" + "0" * 40])
async def test_state_that_is_not_ours_is_refused(gate: Gate, spoilt: str) -> None:
    server, store = (await gate.server()).speaking(NEW), await gate.store("Handbook")
    first = await server.result("tools/call", with_forms(name=DELETE, arguments={"id": store}))
    state = spoilt.replace("{id}", first["requestState"].partition(".")[0])
    brought = {"requestState": state, "inputResponses": {"approval": YES}}
    status, error = await server.fault("tools/call", with_forms(name=DELETE, arguments={"id": store}, **brought))
    assert (status, error["code"]) == (400, -32602)
    assert await gate.exists(store)


async def test_state_is_over_with_its_approval(gate: Gate) -> None:
    server, store = (await gate.server()).speaking(NEW), await gate.store("Handbook")
    first = await server.result("tools/call", with_forms(name=DELETE, arguments={"id": store}))
    gate.clock.advance(hours=1)
    brought = {"requestState": first["requestState"], "inputResponses": {"approval": YES}}
    status, _ = await server.fault("tools/call", with_forms(name=DELETE, arguments={"id": store}, **brought))
    assert status == 400
    assert await gate.exists(store)


async def test_state_of_one_server_is_none_of_anothers(gate: Gate) -> None:
    server, other = (await gate.server()).speaking(NEW), (await gate.server()).speaking(NEW)
    store = await gate.store("Handbook")
    first = await server.result("tools/call", with_forms(name=DELETE, arguments={"id": store}))
    brought = {"requestState": first["requestState"], "inputResponses": {"approval": YES}}
    status, _ = await other.fault("tools/call", with_forms(name=DELETE, arguments={"id": store}, **brought))
    assert status == 400


async def test_people_at_a_program_are_not_shown_what_its_server_does_not_offer(gate: Gate) -> None:
    server = (await gate.server(methods=[DELETE])).speaking(NEW)
    store = await gate.store("Handbook")
    first = await server.result("tools/call", with_forms(name=DELETE, arguments={"id": store}))
    assert "Handbook" not in first["inputRequests"]["approval"]["params"]["message"]
    (shown,) = await gate.approvals()
    assert shown["impact"]["target"]["name"] == "Handbook", "who runs the place sees it"


async def test_newer_program_that_cannot_ask_waits_for_somebody_elsewhere(gate: Gate) -> None:
    server, store = (await gate.server(confirm_wait_seconds=0)).speaking(NEW), await gate.store("Handbook")
    told = await server.refusal(DELETE, {"id": store})
    assert told["code"] == "approval_pending"
    await gate.decide()
    assert (await server.value(DELETE, {"id": store}))["deleted"] is True


async def test_somebody_elsewhere_may_answer_for_people_at_the_program(gate: Gate) -> None:
    server, store = (await gate.server()).speaking(NEW), await gate.store("Handbook")
    await server.result("tools/call", with_forms(name=DELETE, arguments={"id": store}))
    await gate.decide()
    again = await server.result("tools/call", with_forms(name=DELETE, arguments={"id": store}))
    assert again["structuredContent"]["deleted"] is True
