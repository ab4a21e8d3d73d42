"""A key behind a link reaches the people at a program past its model: the program opens the page, the answer waits."""

import re
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from portico.gateway.handover import Key
from portico.model.account import AccountId
from portico.model.secret import HandedSecret, SecretRules
from portico.toolbox.handing import PATIENCE_SECONDS, hand_over
from portico.toolbox.results import of_value
from tests.faces.mcp.speaker import NEW, Json
from tests.faces.oauth.browser import ORIGIN, Browser
from tests.toolbox.gate import Gate
from tests.toolbox.test_elicitation import CAPABILITIES, FORMS, PAGES, Program, program, shake

pytestmark = pytest.mark.asyncio(loop_scope="module")
KEY_MAKER, ROTATE = "create_a_openai_project_service_account", "openai_rotate_service_account_key"
KEY = re.compile(r"sk-[A-Za-z0-9_-]{20,}")
OPENED: Json = {"action": "accept"}


async def making(gate: Gate, can: Json = PAGES, says: Json = OPENED, **config: Any) -> tuple[Program, Json]:
    """A program of people who can open pages, and the arguments of a call that makes a key."""
    project = (await gate.stage.value("create_a_openai_project", {"name": "Keys"}))["id"]
    return await program(gate, says, can, confirm="never", **config), {"project_id": project, "name": "robot"}


def opening(gate: Gate, keys: list[str]) -> Callable[[Json], Awaitable[None]]:
    async def meanwhile(asked: Json) -> None:
        browser = Browser(gate.stage.gateway)
        await browser.open(asked["params"]["url"])
        await browser.submit()
        keys.extend(KEY.findall(browser.text))

    return meanwhile


async def test_key_is_shown_on_a_page_that_the_program_opens_and_its_link_to_no_model(gate: Gate) -> None:
    (asking, arguments), keys = await making(gate), list[str]()
    asking.meanwhile = opening(gate, keys)
    result = await asking.call(KEY_MAKER, arguments)
    shown, (key,) = result["structuredContent"]["api_key"]["value"], keys
    assert set(shown) == {"ends_in", "note"}
    assert key.endswith(shown["ends_in"].removeprefix("…"))
    assert "/one-time/" not in str(result)
    assert (await gate.stage.direct("GET", "models", key)).status == 200
    (asked,) = asking.asked
    assert asked["params"]["url"].startswith(f"{ORIGIN}/one-time/ptc_once_")
    assert "sk-" not in asked["params"]["message"]
    done = [each["params"] for each in asking.told if each.get("method") == "notifications/elicitation/complete"]
    assert done == [{"elicitationId": asked["params"]["elicitationId"]}]


@pytest.mark.parametrize("action", ["decline", "cancel"])
async def test_link_stays_in_the_answer_where_nobody_wants_to_open_it(gate: Gate, action: str) -> None:
    asking, arguments = await making(gate, says={"action": action})
    shown = (await asking.call(KEY_MAKER, arguments))["structuredContent"]["api_key"]["value"]
    assert shown["link"] == asking.asked[0]["params"]["url"]
    assert gate.waited < PATIENCE_SECONDS
    keys: list[str] = []
    await opening(gate, keys)(asking.asked[0])
    assert len(keys) == 1, "it can be seen all the same"


async def test_link_stays_in_the_answer_where_the_page_was_opened_and_nobody_looked(gate: Gate) -> None:
    asking, arguments = await making(gate)
    gate.pause_seconds = 0.0
    shown = (await asking.call(KEY_MAKER, arguments))["structuredContent"]["api_key"]["value"]
    assert shown["link"] == asking.asked[0]["params"]["url"]
    assert gate.waited >= PATIENCE_SECONDS


async def test_key_of_a_recipe_is_handed_over_too(gate: Gate) -> None:
    (asking, arguments), keys = await making(gate), list[str]()
    asking.meanwhile = opening(gate, keys)
    await asking.call(KEY_MAKER, arguments)
    rotation = {"project_id": arguments["project_id"], "service_account_id": "robot"}
    result = await asking.call(ROTATE, rotation)
    assert not result["isError"], result
    assert "/one-time/" not in str(result)
    assert len(set(keys)) == 2


@pytest.mark.parametrize(
    ("can", "config"), [(FORMS, {}), (PAGES, {"secrets": "store"}), (PAGES, {"secrets": "reveal"})]
)
async def test_program_that_needs_no_page_has_no_session(gate: Gate, can: Json, config: Json) -> None:
    server = await gate.server("never", **config)
    assert "mcp-session-id" not in (await shake(server, can)).headers


async def test_newer_program_gets_the_link_in_its_answer(gate: Gate) -> None:
    """Its era has no question after the work is done: a call that is asked about is made again."""
    asking, arguments = await making(gate)
    asked: Json = {"_meta": {CAPABILITIES: PAGES}, "name": KEY_MAKER, "arguments": arguments}
    result = await asking.server.speaking(NEW).result("tools/call", asked)
    assert "/one-time/" in result["structuredContent"]["api_key"]["value"]["link"]


async def test_link_of_another_account_is_opened_by_no_program_whatever_an_answer_holds(gate: Gate) -> None:
    parts = gate.stage.gateway.parts
    caller = await parts.lookup.caller(gate.stage.client.token or "")
    key = Key(text="sk-another", account_id="another", tool="any", field="value")
    url = (await parts.handover.link(caller, key, SecretRules())).url
    answer = of_value({"key": {"link": url}, "more": [{"link": f"{ORIGIN}/one-time/made-up"}, {"link": 7}]})
    opened: list[str] = []

    def open_page(secret: HandedSecret, url: str) -> Callable[[], None]:
        opened.append(url)
        return lambda: None

    account_id = AccountId(gate.stage.account_id)
    assert await hand_over(caller, account_id, answer, parts, open_page) is answer
    assert opened == []
