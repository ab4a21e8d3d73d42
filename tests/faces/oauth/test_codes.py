"""From a click on Allow to a token: what the code is bound to, and that it works once."""

import pytest

from portico.app import Portico
from tests.conftest import HeldClock
from tests.faces.oauth.browser import ORIGIN, answer_of
from tests.faces.oauth.program import BACK, VERIFIER, Program, Scene, challenge_of
from tests.gateways import Got

pytestmark = pytest.mark.asyncio(loop_scope="module")


def refused(got: Got) -> str:
    """OAuth's word for why; nothing of it may be kept anywhere."""
    assert got.status == 400, got.content
    assert got.headers["cache-control"] == "no-store"
    assert "access_token" not in got.json
    return got.json["error"]


async def test_code_is_traded_for_tokens_that_open_the_server(scene: Scene) -> None:
    await scene.browser.open(scene.program.door(scene.resource, state="st=a te&"))
    address, answer = answer_of(await scene.browser.submit("/oauth/authorize", decision="allow"))
    assert address == BACK
    assert (answer["state"], answer["iss"]) == ("st=a te&", ORIGIN)
    got = await scene.program.trade(answer["code"])
    assert got.headers["cache-control"] == "no-store"
    told = got.json
    assert (told["token_type"], told["expires_in"], told["scope"]) == ("Bearer", 3600, "mcp:read")
    assert (await scene.holding(told["access_token"]).value("list_all_openai_models"))["result"]


async def test_code_works_once_and_its_reuse_ends_what_it_gave(scene: Scene) -> None:
    code = await scene.code()
    first = (await scene.program.trade(code)).json
    assert await scene.status(first["access_token"]) == 200
    assert refused(await scene.program.trade(code)) == "invalid_grant"
    assert await scene.status(first["access_token"]) == 401
    assert refused(await scene.program.refresh(first["refresh_token"])) == "invalid_grant"


async def test_code_lives_for_a_minute(scene: Scene, held_clock: HeldClock) -> None:
    early, late = await scene.code(), await scene.code()
    held_clock.advance(seconds=59)
    assert (await scene.program.trade(early)).status == 200
    held_clock.advance(seconds=1)
    assert refused(await scene.program.trade(late)) == "invalid_grant"


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"code_verifier": None}, "invalid_grant"),
        ({"code_verifier": ""}, "invalid_grant"),
        ({"code_verifier": VERIFIER + "x"}, "invalid_grant"),
        ({"code_verifier": challenge_of()}, "invalid_grant"),
        ({"redirect_uri": BACK + "/other"}, "invalid_grant"),
        ({"resource": f"{ORIGIN}/mcp/other"}, "invalid_target"),
        ({"code": "ptc_code_nonsense"}, "invalid_grant"),
        ({"code": None}, "invalid_grant"),
        ({"grant_type": "password"}, "unsupported_grant_type"),
        ({"grant_type": None}, "unsupported_grant_type"),
    ],
)
async def test_code_is_bound_to_everything_that_was_asked_with_it(
    scene: Scene, changes: dict[str, str | None], word: str
) -> None:
    code = await scene.code()
    assert refused(await scene.program.trade(code, **changes)) == word


async def test_code_of_one_program_is_nothing_in_the_hands_of_another(scene: Scene, house: Portico) -> None:
    code = await scene.code()
    thief = await Program(house).registered(client_name="Another")
    assert refused(await thief.trade(code)) == "invalid_grant"
    nameless = await Program(house).trade(code, client_id=None)
    assert (nameless.status, nameless.json["error"]) == (401, "invalid_client")


async def test_redirect_and_resource_may_be_left_out_where_the_code_says_them(scene: Scene) -> None:
    assert (await scene.program.trade(await scene.code(), redirect_uri=None)).status == 200
    assert (await scene.program.trade(await scene.code(), resource=scene.resource)).status == 200


DECLINED: dict[str, tuple[dict[str, str | None], str]] = {
    "no challenge": ({"code_challenge": None}, "invalid_request"),
    "plain challenge": ({"code_challenge_method": "plain", "code_challenge": VERIFIER}, "invalid_request"),
    "no method": ({"code_challenge_method": None}, "invalid_request"),
    "short challenge": ({"code_challenge": "abc"}, "invalid_request"),
    "implicit": ({"response_type": "token"}, "unsupported_response_type"),
    "no response type": ({"response_type": None}, "unsupported_response_type"),
    "fragment": ({"response_mode": "fragment"}, "invalid_request"),
    "unknown scope": ({"scope": "mcp:read mcp:admin"}, "invalid_scope"),
    "without asking": ({"prompt": "none"}, "consent_required"),
    "long state": ({"state": "x" * 5000}, "invalid_request"),
    "foreign server": ({"resource": "https://elsewhere.example/mcp/x"}, "invalid_target"),
    "unknown server": ({"resource": f"{ORIGIN}/mcp/ptc_mcp_nonsense"}, "invalid_target"),
    "our front page": ({"resource": ORIGIN}, "invalid_target"),
}


@pytest.mark.parametrize("case", DECLINED)
async def test_request_that_cannot_be_granted_is_told_to_the_person_and_by_a_click_to_the_program(
    scene: Scene, case: str
) -> None:
    changes, word = DECLINED[case]
    got = await scene.browser.open(scene.program.door(scene.resource, **changes))
    assert got.status == 400
    assert "location" not in got.headers
    page = got.content.decode()
    assert f"{BACK}?error={word}&" in page.replace("&amp;", "&")
    assert "iss=https%3A%2F%2Fportico.test" in page
    assert "Nothing was allowed" in scene.browser.text


@pytest.mark.parametrize(
    "changes",
    [
        {"client_id": None},
        {"client_id": "nobody"},
        {"client_id": "00000000-0000-0000-0000-000000000000"},
        {"redirect_uri": None},
        {"redirect_uri": "https://evil.example/callback"},
        {"redirect_uri": BACK + "/"},
        {"redirect_uri": BACK + "?x=1"},
        {"redirect_uri": BACK.upper()},
        {"redirect_uri": "javascript:alert(1)"},
    ],
    ids=str,
)
async def test_nobody_is_ever_sent_to_an_address_that_was_not_registered(
    scene: Scene, changes: dict[str, str | None]
) -> None:
    got = await scene.browser.open(scene.program.door(scene.resource, **changes))
    assert got.status == 400
    assert "location" not in got.headers
    wanted = changes.get("redirect_uri") or ""
    assert not wanted or f'href="{wanted}' not in got.content.decode()


async def test_parameter_that_comes_twice_is_refused_everywhere(scene: Scene) -> None:
    door = scene.program.door(scene.resource) + "&client_id=other"
    assert (await scene.browser.open(door)).status == 400
    content = b"grant_type=refresh_token&grant_type=refresh_token&client_id=a"
    got = await scene.program.send("/oauth/token", content, "application/x-www-form-urlencoded")
    assert refused(got) == "invalid_request"
    json = await scene.program.send("/oauth/token", b'{"grant_type":"refresh_token"}', "application/json")
    assert refused(json) == "invalid_request"
