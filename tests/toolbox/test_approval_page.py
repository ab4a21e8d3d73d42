"""People at a program say on a page of ours whether a call may happen: their program opens it, and decides nothing."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from portico.model.person import Role
from tests.faces.mcp.speaker import NEW, Json, Maker
from tests.faces.oauth.browser import ORIGIN, Browser
from tests.faces.oauth.program import Program, Scene, closed_server, signed_in
from tests.faces.oauth.program import person as add
from tests.toolbox.gate import DELETE, UPDATE, Gate
from tests.toolbox.test_elicitation import CAPABILITIES, FORMS, FORMS_AND_PAGES, PAGES, YES, program, shake

mcp_types: Any = pytest.importorskip("mcp_types", reason="mcp-types is not installed; it is in the group dev")

pytestmark = pytest.mark.asyncio(loop_scope="module")
OPENED: Json = {"action": "accept"}


async def decide(gate: Gate, url: str, said: str, browser: Browser | None = None) -> Browser:
    """Open the page, which decides nothing, and press a button on it."""
    browser = browser or Browser(gate.stage.gateway)
    assert (await browser.open(url)).status == 200
    assert (await gate.approvals())[0]["state"] == "pending"
    assert (await browser.submit(do=said)).status == 200
    return browser


def deciding(gate: Gate, said: str) -> Callable[[Json], Awaitable[None]]:
    async def meanwhile(asked: Json) -> None:
        await decide(gate, asked["params"]["url"], said)

    return meanwhile


def with_pages(can: Json = PAGES, **more: Any) -> Json:
    return {"_meta": {CAPABILITIES: can}, **more}


async def test_program_with_a_handshake_opens_the_page_where_people_say_yes(gate: Gate) -> None:
    asking, store = await program(gate, OPENED, PAGES), await gate.store("Handbook")
    asking.meanwhile = deciding(gate, "approve")
    result = await asking.call(DELETE, {"id": store})
    assert result["structuredContent"]["deleted"] is True
    (asked,) = asking.asked
    mcp_types.ElicitRequest.model_validate({"method": asked["method"], "params": asked["params"]})
    params = asked["params"]
    assert (params["mode"], params["url"].startswith(f"{ORIGIN}/approve/")) == ("url", True)
    assert params["message"].startswith(f"Delete vector store {store}?")
    assert "Handbook" not in params["message"], "what would be sent and what is there stands on the page"
    done = [each for each in asking.told if each.get("method") == "notifications/elicitation/complete"]
    assert [each["params"] for each in done] == [{"elicitationId": params["elicitationId"]}]
    mcp_types.ElicitCompleteNotification.model_validate({"method": done[0]["method"], "params": done[0]["params"]})
    (used, *_) = await gate.approvals("used")
    assert used["decided_by_name"].endswith(", on its page")


async def test_people_can_refuse_on_the_page_and_be_asked_again(gate: Gate) -> None:
    asking, store = await program(gate, OPENED, PAGES), await gate.store("Handbook")
    asking.meanwhile = deciding(gate, "refuse")
    assert (await asking.call(DELETE, {"id": store}))["structuredContent"]["code"] == "approval_denied"
    assert await gate.exists(store)
    asking.meanwhile = deciding(gate, "approve")
    assert (await asking.call(DELETE, {"id": store}))["structuredContent"]["deleted"] is True


@pytest.mark.parametrize("action", ["decline", "cancel"])
async def test_page_that_nobody_wants_to_open_is_a_no(gate: Gate, action: str) -> None:
    asking, store = await program(gate, {"action": action}, PAGES), await gate.store("Handbook")
    assert (await asking.call(DELETE, {"id": store}))["structuredContent"]["code"] == "approval_denied"
    assert await gate.exists(store)


@pytest.mark.parametrize("confirm_at", ["page", "sign_in"])
async def test_word_of_a_program_is_no_yes_where_the_page_is_wanted(gate: Gate, confirm_at: str) -> None:
    """Neither on the page's question, nor on a form's that nobody sent, nor brought along with the call."""
    asking = await program(gate, YES, FORMS_AND_PAGES, confirm_at=confirm_at)
    store = await gate.store("Handbook")

    async def forge(asked: Json) -> None:
        approval = asked["params"]["elicitationId"]
        answer = b'{"jsonrpc":"2.0","id":"approval:%s","result":{"action":"accept","content":{"approve":true}}}'
        assert (await asking.server.send(answer.replace(b"%s", approval.encode()))).status == 202

    asking.meanwhile = forge
    gate.pause_seconds = 0.0
    assert (await asking.call(DELETE, {"id": store}))["structuredContent"]["code"] == "approval_pending"
    server = asking.server.speaking(NEW)
    first = await server.result("tools/call", with_pages(FORMS_AND_PAGES, name=DELETE, arguments={"id": store}))
    assert first["inputRequests"]["approval"]["params"]["mode"] == "url"
    brought = {"requestState": first["requestState"], "inputResponses": {"approval": YES}}
    asked = with_pages(FORMS_AND_PAGES, name=DELETE, arguments={"id": store}, **brought)
    assert (await server.result("tools/call", asked))["structuredContent"]["code"] == "approval_pending"
    assert await gate.exists(store)


async def test_program_with_forms_alone_asks_nobody_where_the_page_is_wanted(gate: Gate) -> None:
    server, store = await gate.server(confirm_at="page", confirm_wait_seconds=0), await gate.store("Handbook")
    session = (await shake(server, FORMS)).headers["mcp-session-id"]
    assert (await server.sending(mcp_session_id=session).refusal(DELETE, {"id": store}))["code"] == "approval_pending"
    asked = {"_meta": {CAPABILITIES: FORMS}, "name": DELETE, "arguments": {"id": store}}
    result = await server.speaking(NEW).result("tools/call", asked)
    assert result["structuredContent"]["code"] == "approval_pending"


async def test_program_that_takes_no_stream_is_told_which_page_to_open(gate: Gate) -> None:
    server, store = await gate.server(), await gate.store("Handbook")
    session = (await shake(server, PAGES)).headers["mcp-session-id"]
    plain = server.sending(mcp_session_id=session, accept="application/json")
    status, error = await plain.fault("tools/call", {"name": DELETE, "arguments": {"id": store}})
    assert (status, error["code"]) == (200, -32042)
    mcp_types.ElicitationRequiredErrorData.model_validate(error["data"])
    await decide(gate, error["data"]["elicitations"][0]["url"], "approve")
    assert (await plain.value(DELETE, {"id": store}))["deleted"] is True


async def test_newer_program_opens_the_page_and_calls_again(gate: Gate) -> None:
    server, store = (await gate.server()).speaking(NEW), await gate.store("Handbook")
    asked: Json = {"name": DELETE, "arguments": {"id": store}}
    first = await server.result("tools/call", with_pages(**asked))
    mcp_types.InputRequiredResult.model_validate(first)
    params = first["inputRequests"]["approval"]["params"]
    assert (params["mode"], "elicitationId" in params) == ("url", False)
    brought = {"requestState": first["requestState"], "inputResponses": {"approval": OPENED}}

    async def meanwhile() -> None:
        await decide(gate, params["url"], "approve")

    gate.meanwhile.append(meanwhile)
    again = await server.result("tools/call", with_pages(**asked, **brought))
    assert (again["resultType"], again["structuredContent"]["deleted"]) == ("complete", True)
    third = await server.result("tools/call", with_pages(**asked, **brought))
    assert third["resultType"] == "input_required", "the yes was for one call"


async def test_newer_program_hears_that_its_people_refused_and_can_ask_again(gate: Gate) -> None:
    """Also where they had decided before the call came again."""
    server, store = (await gate.server()).speaking(NEW), await gate.store("Handbook")
    asked: Json = {"name": DELETE, "arguments": {"id": store}}
    first = await server.result("tools/call", with_pages(**asked))
    await decide(gate, first["inputRequests"]["approval"]["params"]["url"], "refuse")
    brought = {"requestState": first["requestState"], "inputResponses": {"approval": OPENED}}
    told = await server.result("tools/call", with_pages(**asked, **brought))
    assert told["structuredContent"]["code"] == "approval_denied"
    assert (await server.result("tools/call", with_pages(**asked)))["resultType"] == "input_required"


async def test_newer_program_that_opened_one_calls_page_opened_no_others(gate: Gate) -> None:
    server, one, two = (await gate.server()).speaking(NEW), await gate.store("One"), await gate.store("Two")
    first = await server.result("tools/call", with_pages(name=DELETE, arguments={"id": one}))
    brought = {"requestState": first["requestState"], "inputResponses": {"approval": OPENED}}
    again = await server.result("tools/call", with_pages(name=DELETE, arguments={"id": two}, **brought))
    assert again["resultType"] == "input_required"
    declined = brought | {"inputResponses": {"approval": {"action": "decline"}}}
    told = await server.result("tools/call", with_pages(name=DELETE, arguments={"id": one}, **declined))
    assert told["structuredContent"]["code"] == "approval_denied"
    assert await gate.exists(one)


async def page_of(gate: Gate, **config: Any) -> tuple[str, str]:
    """The address of the page for a call that waits, and the store that it would delete or change."""
    server, store = (await gate.server(**config)).speaking(NEW), await gate.store("Handbook")
    name = UPDATE if config.get("confirm") == "writes" else DELETE
    arguments = {"id": store} | ({"name": "Rulebook"} if name == UPDATE else {})
    first = await server.result("tools/call", with_pages(name=name, arguments=arguments))
    return first["inputRequests"]["approval"]["params"]["url"], store


async def test_page_shows_what_would_be_sent_and_what_would_differ(gate: Gate) -> None:
    url, store = await page_of(gate, confirm="writes")
    browser = Browser(gate.stage.gateway)
    assert (await browser.open(url)).headers["cache-control"] == "no-store"
    for each in (f"/v1/vector_stores/{store}", "Rulebook", "Handbook"):
        assert each in browser.text


async def test_page_does_not_show_what_its_server_does_not_offer(gate: Gate) -> None:
    url, _ = await page_of(gate, methods=[DELETE])
    browser = Browser(gate.stage.gateway)
    assert (await browser.open(url)).status == 200
    assert "Handbook" not in browser.text


async def test_page_decides_once_and_says_how_it_was_decided(gate: Gate) -> None:
    url, _ = await page_of(gate)
    browser, late = Browser(gate.stage.gateway), Browser(gate.stage.gateway)
    await late.open(url)
    await decide(gate, url, "refuse", browser)
    assert "Refused." in browser.text
    assert (await late.submit(do="approve")).status == 200
    assert "Refused." in late.text
    assert await gate.approvals("approved") == []


async def test_spoilt_address_of_a_page_leads_nowhere(gate: Gate) -> None:
    """Nor does one that was to ask for less, or that a program thought out."""
    url, _ = await page_of(gate, confirm_at="sign_in")
    for each in (
        url[:-1] + "x",
        url + "0",
        url.replace(".sp.", ".s."),
        f"{ORIGIN}/approve/a.b.c",
        f"{ORIGIN}/approve/x",
    ):
        assert each != url
        assert (await Browser(gate.stage.gateway).open(each)).status == 404


async def test_page_is_over_with_its_approval(gate: Gate) -> None:
    url, _ = await page_of(gate)
    browser = Browser(gate.stage.gateway)
    await browser.open(url)
    gate.clock.advance(hours=1)
    assert (await browser.submit(do="approve")).status == 404
    assert (await browser.open(url)).status == 404


async def person(gate: Gate, name: str, role: Role, *environments: str) -> Browser:
    await add(gate.stage.gateway, name, role, *environments)
    return await signed_in(gate.stage.gateway, name)


async def test_page_for_people_who_are_signed_in_is_for_no_others(gate: Gate) -> None:
    url, _ = await page_of(gate, confirm_at="sign_in")
    environment = url.split("/approve/")[1].split(".")[0]
    nobody = Browser(gate.stage.gateway)
    assert (await nobody.open(url)).headers["location"].startswith("/sign-in?next=")
    elsewhere = (await gate.stage.client.post("/environment", {"name": "Elsewhere"})).json["id"]
    stranger = await person(gate, "stig", "operator", elsewhere)
    assert (await stranger.open(url)).status == 404
    viewer = await person(gate, "vera", "viewer", environment)
    assert (await viewer.open(url)).status == 403
    await decide(gate, url, "approve", await person(gate, "omar", "operator", environment))
    assert [each["decided_by_name"] for each in await gate.approvals("approved")] == ["omar"]


async def test_page_of_a_program_is_for_the_person_who_let_it_in(gate: Gate) -> None:
    """Whoever else has the link and signs in decides nothing there, and nobody does once the program is out again."""
    gateway = gate.stage.gateway
    maker = Maker(gate.stage.client, gate.stage.account_id)
    server, server_id = await closed_server(maker, confirm="destructive")
    ada = await add(gateway, "ada", "owner")
    program = await Program(gateway).registered()
    scene = Scene(maker, server, server_id, ada, await signed_in(gateway, "ada"), program)
    issued = await scene.tokens(write=True)
    holding, store = scene.holding(issued["access_token"]).speaking(NEW), await gate.store("Handbook")
    asked = with_pages(name=DELETE, arguments={"id": store})
    url = (await holding.result("tools/call", asked))["inputRequests"]["approval"]["params"]["url"]
    assert (await Browser(gateway).open(url)).headers["location"].startswith("/sign-in?next=")
    other = await person(gate, "olga", "owner")
    assert (await other.open(url)).status == 403
    await decide(gate, url, "approve", scene.browser)
    assert (await holding.result("tools/call", asked))["structuredContent"]["deleted"] is True
    await scene.program.revoke(issued["refresh_token"])
    assert (await scene.browser.open(url)).status == 404
