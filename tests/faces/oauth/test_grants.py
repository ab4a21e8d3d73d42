"""What a grant gives and how it ends: audience, rotation, reuse, step-up, every way of taking it back."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta

import pytest
import pytest_asyncio

from portico.app import Portico
from portico.gateway.oidc.linking import unlink
from portico.gateway.people import change_person, disable_person, enable_person, find_person, set_password
from portico.jobs.expiries import Expiries
from portico.store.identities import Identity
from tests.conftest import HeldClock
from tests.faces.mcp.speaker import NEW, OLD, Speaker, path_of
from tests.faces.oauth.browser import ORIGIN
from tests.faces.oauth.program import PASSWORD, Program, Scene, closed_server, person, signed_in
from tests.gateways import Client, Got

pytestmark = pytest.mark.asyncio(loop_scope="module")
WRITE, READ = "create_a_openai_vector_store", "list_all_openai_models"


async def test_token_opens_its_own_server_and_nothing_else(scene: Scene, house: Portico) -> None:
    """Neither another server of the same account, nor the API, nor a passed-on call."""
    token = (await scene.tokens())["access_token"]
    other, _ = await closed_server(scene.maker)
    assert await scene.status(token) == 200
    assert await scene.status(token, server=other) == 401
    bearer = Client(house, token)
    for path in ("/integrated-account", "/environment", f"/integrated-account/{scene.maker.account_id}/tools"):
        assert (await bearer.get(path)).status == 401
    assert (await bearer.get("/proxy/models", integrated_account_id=scene.maker.account_id)).status == 401
    assert (await bearer.get(f"/passthrough/{scene.maker.account_id}/models")).status == 401


async def test_refresh_token_and_code_open_nothing(scene: Scene) -> None:
    told = await scene.tokens()
    assert await scene.status(told["refresh_token"]) == 401
    assert await scene.status(await scene.code()) == 401
    assert (await scene.program.refresh(told["access_token"])).json["error"] == "invalid_grant"


async def test_token_in_the_address_is_no_token(scene: Scene) -> None:
    token = (await scene.tokens())["access_token"]
    got = await Client(scene.gateway, None).send(
        "POST", scene.server.path, query={"access_token": token}, content=b"{}", headers={"host": "portico.test"}
    )
    assert got.status == 401


async def test_access_token_lives_for_an_hour_and_is_renewed_by_its_refresh_token(
    scene: Scene, held_clock: HeldClock
) -> None:
    first = await scene.tokens()
    held_clock.advance(seconds=3599)
    assert await scene.status(first["access_token"]) == 200
    held_clock.advance(seconds=1)
    assert await scene.status(first["access_token"]) == 401
    second = (await scene.program.refresh(first["refresh_token"], resource=scene.resource)).json
    assert {second[name] != first[name] for name in ("access_token", "refresh_token")} == {True}
    assert await scene.status(second["access_token"]) == 200


async def test_refresh_token_used_twice_ends_the_whole_grant(scene: Scene) -> None:
    first = await scene.tokens()
    second = (await scene.program.refresh(first["refresh_token"])).json
    bystander = await scene.tokens()
    stolen = await scene.program.refresh(first["refresh_token"])
    assert (stolen.status, stolen.json["error"]) == (400, "invalid_grant")
    for token in (first["access_token"], second["access_token"]):
        assert await scene.status(token) == 401
    assert (await scene.program.refresh(second["refresh_token"])).json["error"] == "invalid_grant"
    assert await scene.status(bystander["access_token"]) == 200
    acts = [each["act"] for each in (await scene.maker.client.get("/audit", limit=20)).json["result"]]
    assert "mcp_grant.reuse_detected" in acts


async def test_of_two_who_refresh_at_once_at_most_one_is_served_and_then_nobody(scene: Scene) -> None:
    told = await scene.tokens()
    found = await asyncio.gather(*(scene.program.refresh(told["refresh_token"]) for _ in range(4)))
    served = [got for got in found if got.status == 200]
    assert len(served) <= 1
    assert await scene.status(told["access_token"]) == 401
    for got in served:
        assert await scene.status(got.json["access_token"]) == 401


async def test_refresh_ends_after_thirty_idle_days_and_not_before(scene: Scene, held_clock: HeldClock) -> None:
    lasting, idle = await scene.tokens(), await scene.tokens()
    for _ in range(3):
        held_clock.advance(days=15)
        lasting = (await scene.program.refresh(lasting["refresh_token"])).json
    assert await scene.status(lasting["access_token"]) == 200
    assert (await scene.program.refresh(idle["refresh_token"])).json["error"] == "invalid_grant"


@pytest_asyncio.fixture(loop_scope="module", autouse=True)
async def still_signed_in(scene: Scene) -> AsyncIterator[None]:
    """The clock of this module moves by days: who was signed in signs in again."""
    if (await scene.browser.open("/access")).status == 303:
        await scene.browser.sign_in(scene.person.name, PASSWORD)
    yield


async def test_refresh_for_another_server_or_by_another_program_is_refused(scene: Scene, house: Portico) -> None:
    told = await scene.tokens()
    other, _ = await closed_server(scene.maker)
    elsewhere = await scene.program.refresh(told["refresh_token"], resource=f"{ORIGIN}{other.path}")
    assert elsewhere.json["error"] == "invalid_target"
    thief = await Program(house).registered()
    assert (await thief.refresh(told["refresh_token"])).json["error"] == "invalid_grant"
    assert (await scene.program.refresh(told["refresh_token"])).status == 200


async def test_refresh_may_ask_for_less_and_never_for_more(scene: Scene) -> None:
    told = await scene.tokens(write=True)
    assert told["scope"] == "mcp:read mcp:write"
    less = (await scene.program.refresh(told["refresh_token"], scope="mcp:read")).json
    assert less["scope"] == "mcp:read"
    more = await scene.program.refresh(less["refresh_token"], scope="mcp:read mcp:write")
    assert (more.status, more.json["error"]) == (400, "invalid_scope")
    unknown = await scene.program.refresh(less["refresh_token"], scope="everything")
    assert unknown.json["error"] == "invalid_scope"


@pytest.mark.parametrize("version", [OLD, NEW])
async def test_token_that_may_only_look_is_asked_to_come_back_with_more(scene: Scene, version: str) -> None:
    reader = scene.holding((await scene.tokens())["access_token"]).speaking(version)
    assert (await reader.value(READ))["result"]
    got = await reader.ask("tools/call", {"name": WRITE, "arguments": {"name": "x"}})
    assert (got.status, got.json["code"]) == (403, "insufficient_scope")
    challenge = got.headers["www-authenticate"]
    assert 'error="insufficient_scope"' in challenge
    assert 'scope="mcp:read mcp:write"' in challenge
    assert f'resource_metadata="{ORIGIN}/.well-known/oauth-protected-resource{scene.server.path}"' in challenge
    writer = scene.holding((await scene.tokens(write=True))["access_token"]).speaking(version)
    assert (await writer.value(WRITE, {"name": "x"}))["name"] == "x"


async def test_step_up_reaches_through_discovery(scene: Scene) -> None:
    """Also there it is the tool that is run which counts, not the one that runs it."""
    server, server_id = await closed_server(scene.maker, tool_exposure="discovery")
    inner = replace(scene, server=server, server_id=server_id)
    reader = inner.holding((await inner.tokens())["access_token"])
    asked = {"tool_name": WRITE, "arguments": {"name": "x"}}
    for name in ("call_write_tool", "call_tool"):
        assert (await reader.ask("tools/call", {"name": name, "arguments": asked})).status == 403
    assert (await reader.value("call_write_tool", {"tool_name": READ}))["result"]
    assert (await reader.refusal("call_read_tool", asked))["code"] == "not_allowed"


async def test_no_scope_is_asked_for_where_none_would_help(scene: Scene) -> None:
    """What the server does not offer, and what it never lets anybody do, is refused in words."""
    server, server_id = await closed_server(scene.maker, tags=["files"], read_only=True)
    inner = replace(scene, server=server, server_id=server_id)
    reader = inner.holding((await inner.tokens())["access_token"])
    assert "does not offer" in (await reader.refusal(WRITE, {"name": "x"}))["error"]
    assert "read-only" in (await reader.refusal("delete_a_openai_file_by_id", {"id": "x"}))["error"]
    assert (await reader.ask("tools/call", {"name": "no_such_tool"})).json["error"]["code"] == -32602


async def test_grants_are_listed_and_ended_through_the_api(scene: Scene) -> None:
    client = scene.maker.client
    told = await scene.tokens(write=True)
    newest = (await client.get(scene.grants)).json["result"][0]
    assert (newest["user_name"], newest["client_name"], newest["redirect_host"]) == (
        "ada", "Test program", "program.example",
    )  # fmt: skip
    assert newest["scopes"] == ["mcp:read", "mcp:write"]
    assert await scene.status(told["access_token"]) == 200
    assert (await client.delete(f"{scene.grants}/{newest['id']}")).json == {"id": newest["id"]}
    assert await scene.status(told["access_token"]) == 401
    assert (await scene.program.refresh(told["refresh_token"])).json["error"] == "invalid_grant"
    assert (await client.delete(f"{scene.grants}/{newest['id']}")).status == 404
    other = f"{scene.maker.address}/{(await closed_server(scene.maker))[1]}/grants"
    kept = (await scene.tokens(), (await client.get(scene.grants)).json["result"][0]["id"])
    assert (await client.delete(f"{other}/{kept[1]}")).status == 404
    assert await scene.status(kept[0]["access_token"]) == 200


async def test_person_ends_a_programs_access_on_their_own_page(scene: Scene, house: Portico) -> None:
    told = await scene.tokens()
    await scene.browser.open("/access")
    assert "Test program" in scene.browser.text
    form = next(each for each in scene.browser.forms if "grant" in each.fields)
    newest = (await scene.maker.client.get(scene.grants)).json["result"][0]["id"]
    assert form.fields["grant"] == newest
    await person(house, "stranger")
    stranger = await signed_in(house, "stranger")
    await stranger.open("/access")
    token = stranger.form("/sign-out").fields["form_token"]
    stranger.page = page_with({"form_token": token, "grant": newest})
    assert (await stranger.submit("/access")).status == 303
    assert await scene.status(told["access_token"]) == 200
    await scene.browser.submit("/access", grant=newest)
    assert await scene.status(told["access_token"]) == 401


def page_with(fields: dict[str, str]) -> Got:
    """A page of the visitor's own making."""
    inputs = "".join(f'<input type="hidden" name="{name}" value="{text}">' for name, text in fields.items())
    return Got(200, {}, f'<form action="/access">{inputs}</form>'.encode())


async def test_program_hands_its_tokens_back(scene: Scene) -> None:
    told = await scene.tokens()
    assert (await scene.program.revoke(told["access_token"])).status == 200
    assert await scene.status(told["access_token"]) == 401
    renewed = (await scene.program.refresh(told["refresh_token"])).json
    assert (await scene.program.revoke(renewed["refresh_token"], client_id=None)).status == 200
    assert await scene.status(renewed["access_token"]) == 401
    for text in ("ptc_ort_nonsense", renewed["refresh_token"]):
        assert (await scene.program.revoke(text)).json == {}
    assert (await scene.program.revoke("")).json["error"] == "invalid_request"


async def test_program_cannot_hand_back_what_is_anothers(scene: Scene, house: Portico) -> None:
    told = await scene.tokens()
    other = await Program(house).registered()
    assert (await other.revoke(told["refresh_token"])).status == 200
    assert await scene.status(told["access_token"]) == 200


async def test_new_address_of_the_server_ends_every_grant(scene: Scene) -> None:
    server, server_id = await closed_server(scene.maker)
    inner = replace(scene, server=server, server_id=server_id)
    told, code = await inner.tokens(), await inner.code()
    rotated = (await scene.maker.client.post(f"{scene.maker.address}/{server_id}/rotate")).json
    assert await inner.status(told["access_token"], server=Speaker(scene.gateway, path_of(rotated))) == 401
    assert (await scene.program.refresh(told["refresh_token"])).json["error"] == "invalid_grant"
    assert (await scene.program.trade(code)).json["error"] == "invalid_grant"


async def test_what_the_person_may_no_longer_do_their_programs_may_not_either(scene: Scene, house: Portico) -> None:
    environment = (await scene.maker.client.get("/integrated-account")).json["result"][0]["environment_id"]
    someone = await person(house, "someone", "operator", environment)
    inner = replace(scene, browser=await signed_in(house, "someone"), person=someone)
    told = await inner.tokens(write=True)
    writer = inner.holding(told["access_token"])
    assert (await writer.value(WRITE, {"name": "y"}))["name"] == "y"
    someone = await change_person(house.parts, someone, "viewer")
    assert (await writer.ask("tools/call", {"name": WRITE, "arguments": {"name": "y"}})).status == 403
    assert (await writer.value(READ))["result"]
    await change_person(house.parts, someone, "operator", [])
    assert await scene.status(told["access_token"]) == 401
    assert (await scene.program.refresh(told["refresh_token"])).json["error"] == "invalid_grant"


async def test_disabled_persons_programs_are_out_for_good(scene: Scene, house: Portico) -> None:
    await person(house, "leaver")
    inner = replace(scene, browser=await signed_in(house, "leaver"))
    told, code = await inner.tokens(), await inner.code()
    leaver = await find_person(house.parts, "leaver")
    assert await disable_person(house.parts, leaver) == 1
    assert await scene.status(told["access_token"]) == 401
    assert (await scene.program.trade(code)).json["error"] == "invalid_grant"
    assert (await inner.browser.open("/access")).status == 303
    await enable_person(house.parts, await find_person(house.parts, "leaver"))
    assert await scene.status(told["access_token"]) == 401


async def test_new_password_ends_sessions_and_leaves_programs(scene: Scene, house: Portico) -> None:
    changer = await person(house, "changer")
    inner = replace(scene, browser=await signed_in(house, "changer"))
    told = await inner.tokens()
    await set_password(house.parts, changer, PASSWORD + "2")
    assert (await inner.browser.open("/access")).headers["location"].startswith("/sign-in")
    assert await scene.status(told["access_token"]) == 200


async def test_programs_of_people_whom_their_provider_has_not_vouched_for_lately_end(
    scene: Scene, house: Portico, held_clock: HeldClock
) -> None:
    """Whoever has left the company never comes again, and so is never told that they may not."""
    parts = house.parts
    told: dict[str, str] = {}
    for name, days in (("stayer", 29), ("lapsed", 31), ("local", 0)):
        someone = await person(house, f"{name} of the provider")
        inner = replace(scene, browser=await signed_in(house, someone.name), person=someone)
        told[name] = (await inner.tokens())["access_token"]
        if days:
            seen = held_clock() - timedelta(days=days)
            times = {"created_at": seen, "seen_at": seen}
            identity = Identity(issuer="https://a.example", subject=name, person_id=someone.id, email="", **times)
            async with parts.database.transaction() as session:
                await parts.identities.add(session, identity)
    await Expiries(parts).lapsed()
    assert {name: await scene.status(token) for name, token in told.items()} == {
        "stayer": 200, "lapsed": 401, "local": 200,
    }  # fmt: skip
    assert await unlink(parts, await find_person(parts, "stayer of the provider")) == 1
    assert await scene.status(told["stayer"]) == 401
