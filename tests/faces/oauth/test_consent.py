"""The page on which a person decides: what it shows, what it grants, and that nobody else can press its button."""

from dataclasses import replace

import pytest

from portico.app import Portico
from tests.faces.mcp.speaker import Maker
from tests.faces.oauth.browser import ORIGIN, Browser, answer_of
from tests.faces.oauth.program import BACK, PASSWORD, Program, Scene, closed_server, person, signed_in
from tests.gateways import Client, connect_account

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_page_names_the_program_where_the_answer_goes_and_what_it_opens(scene: Scene) -> None:
    got = await scene.browser.open(scene.program.door(scene.resource))
    text = scene.browser.text
    assert "Let Test program use tests?" in text
    assert "You will be sent back to program.example" in text
    assert "Nobody checked this name." in text
    assert "Account acme OpenAI, default" in text
    assert "tools to see" in text
    policy = got.headers["content-security-policy"]
    assert "frame-ancestors 'none'" in policy
    assert "default-src 'none'" in policy
    assert policy.endswith("form-action 'self' https://program.example")
    assert (got.headers["x-frame-options"], got.headers["cache-control"]) == ("DENY", "no-store")
    assert got.headers["referrer-policy"] == "same-origin"


async def test_person_is_asked_every_time(scene: Scene) -> None:
    for _ in range(2):
        assert (await scene.browser.open(scene.program.door(scene.resource))).status == 200
        await scene.browser.submit("/oauth/authorize", decision="allow")


async def test_no_is_told_to_the_program(scene: Scene) -> None:
    await scene.browser.open(scene.program.door(scene.resource))
    address, answer = answer_of(await scene.browser.submit("/oauth/authorize", decision="deny"))
    assert (address, answer) == (BACK, {"error": "access_denied", "state": "a state", "iss": ORIGIN})


@pytest.mark.parametrize("asked", ["mcp:read", "mcp:read mcp:write", None])
async def test_person_may_grant_less_and_more_than_was_asked(scene: Scene, asked: str | None) -> None:
    """The box is ticked where the program asked for it; what counts is the box."""
    await scene.browser.open(scene.program.door(scene.resource, scope=asked))
    form = scene.browser.form("/oauth/authorize")
    assert ("write" in form.fields) == (asked == "mcp:read mcp:write")
    for given, scope in ((None, "mcp:read"), ("1", "mcp:read mcp:write")):
        await scene.browser.open(scene.program.door(scene.resource, scope=asked))
        got = await scene.browser.submit("/oauth/authorize", decision="allow", write=given)
        assert (await scene.program.trade(answer_of(got)[1]["code"])).json["scope"] == scope


async def test_viewer_lets_programs_look_and_no_more(scene: Scene, house: Portico) -> None:
    environment = (await scene.maker.client.get("/integrated-account")).json["result"][0]["environment_id"]
    await person(house, "viewer", "viewer", environment)
    inner = replace(scene, browser=await signed_in(house, "viewer"))
    await inner.browser.open(inner.program.door(inner.resource, scope="mcp:read mcp:write"))
    assert "you may only look here yourself" in inner.browser.text
    assert "write" not in inner.browser.form("/oauth/authorize").fields
    assert (await inner.tokens(write=True))["scope"] == "mcp:read"


async def test_nothing_to_change_is_offered_on_a_server_that_only_reads(scene: Scene) -> None:
    server, server_id = await closed_server(scene.maker, read_only=True)
    inner = replace(scene, server=server, server_id=server_id)
    await inner.browser.open(inner.program.door(inner.resource, scope="mcp:read mcp:write"))
    assert "to change" not in inner.browser.text
    assert (await inner.tokens(write=True))["scope"] == "mcp:read"


async def test_server_of_an_environment_that_the_person_does_not_see_looks_as_if_there_were_none(
    scene: Scene, house: Portico
) -> None:
    client = scene.maker.client
    elsewhere = (await client.post("/environment", {"name": "elsewhere"})).json["id"]
    token = (await client.post("/api-token", {"name": "t", "environment_id": elsewhere})).json["token"]
    other = Client(house, token)
    server, _ = await closed_server(Maker(other, (await connect_account(other))["id"]))
    environment = (await client.get("/integrated-account")).json["result"][0]["environment_id"]
    await person(house, "here-only", "operator", environment)
    browser = await signed_in(house, "here-only")
    unseen = await browser.open(scene.program.door(f"{ORIGIN}{server.path}"))
    words = browser.text
    nothing = await browser.open(scene.program.door(f"{ORIGIN}/mcp/ptc_mcp_nonsense"))
    assert (unseen.status, nothing.status, browser.text) == (400, 400, words)
    assert (await scene.browser.open(scene.program.door(f"{ORIGIN}{server.path}"))).status == 200


async def test_whoever_is_not_signed_in_signs_in_first_and_comes_back(scene: Scene, house: Portico) -> None:
    door = scene.program.door(scene.resource)
    browser = Browser(house)
    await browser.open(door)
    await browser.follow()
    assert "Sign in" in browser.text
    got = await browser.submit("/sign-in", name=scene.person.name, password=PASSWORD)
    assert got.headers["location"] == door
    assert (await browser.follow()).status == 200
    assert "Let Test program use tests?" in browser.text


async def test_somebody_else_can_sign_in_instead(scene: Scene, house: Portico) -> None:
    browser = await signed_in(house)
    door = scene.program.door(scene.resource)
    await browser.open(door)
    got = await browser.submit("/sign-out")
    assert got.headers["location"].startswith("/sign-in?next=%2Foauth%2Fauthorize")
    assert (await browser.open(door)).status == 303


@pytest.mark.parametrize("origin", ["https://evil.example", "null", ""])
async def test_form_that_another_site_sends_is_refused(scene: Scene, origin: str) -> None:
    await scene.browser.open(scene.program.door(scene.resource))
    got = await scene.browser.submit("/oauth/authorize", decision="allow", headers={"origin": origin})
    assert (got.status, "location" in got.headers) == (403, False)
    assert "did not come from Portico's own page" in scene.browser.text


@pytest.mark.parametrize("token", ["0" * 64, "", None])
async def test_form_without_the_proof_that_it_is_ours_is_refused(scene: Scene, token: str | None) -> None:
    await scene.browser.open(scene.program.door(scene.resource))
    got = await scene.browser.submit("/oauth/authorize", decision="allow", form_token=token)
    assert (got.status, "location" in got.headers) == (403, False)


async def test_form_of_another_kind_is_refused(scene: Scene) -> None:
    """Kinds that a page may send across sites without being asked first."""
    await scene.browser.open(scene.program.door(scene.resource))
    got = await scene.browser.submit("/oauth/authorize", decision="allow", headers={"content-type": "text/plain"})
    assert (got.status, "location" in got.headers) == (403, False)


async def test_form_of_another_visitor_is_refused(scene: Scene, house: Portico) -> None:
    other = await signed_in(house)
    await other.open(scene.program.door(scene.resource))
    await scene.browser.open(scene.program.door(scene.resource))
    token = other.form("/oauth/authorize").fields["form_token"]
    assert (await scene.browser.submit("/oauth/authorize", decision="allow", form_token=token)).status == 403


async def test_consent_needs_the_session_and_not_a_cookie_alone(scene: Scene, house: Portico) -> None:
    browser = await signed_in(house)
    await browser.open(scene.program.door(scene.resource))
    kept = replace(browser)
    await browser.submit("/sign-out")
    got = await kept.submit("/oauth/authorize", decision="allow")
    assert (got.status, "code=" in got.headers.get("location", "")) == (303, False)


async def test_app_that_is_known_by_its_scheme_is_answered_there(scene: Scene, house: Portico) -> None:
    program = await Program(house, back="cursor://anysphere.cursor-mcp/oauth/callback").registered()
    got = await scene.browser.open(program.door(scene.resource))
    assert got.headers["content-security-policy"].endswith("form-action 'self' cursor:")
    address, answer = answer_of(await scene.browser.submit("/oauth/authorize", decision="allow"))
    assert address == program.back
    assert (await program.trade(answer["code"])).status == 200
