"""A blocked account says that it is blocked, since when and who can let it go on, whichever way it is called."""

from collections.abc import AsyncGenerator, Callable
from typing import Any

import pytest
import pytest_asyncio

from tests.faces.mcp.speaker import HOST, Maker
from tests.gateways import connect_account
from tests.stage import Stage, open_stage

pytestmark = pytest.mark.asyncio(loop_scope="module")
Json = dict[str, Any]
TOLD = "Operators of its environment, and API tokens with the scope 'accounts', can let it go on"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def stage(tmp_path_factory: pytest.TempPathFactory) -> AsyncGenerator[Stage]:
    async with open_stage(tmp_path_factory.mktemp("blocked"), public_url=f"https://{HOST}") as opened:
        yield opened


Ask = Callable[[Stage, str], Any]


async def over_proxy(stage: Stage, account: str) -> Json:
    return (await stage.client.get("/proxy/files", integrated_account_id=account)).json


async def over_the_vendors_own_paths(stage: Stage, account: str) -> Json:
    return (await stage.client.get("/custom/files", integrated_account_id=account)).json


async def over_passthrough(stage: Stage, account: str) -> Json:
    return (await stage.client.get(f"/passthrough/{account}/files")).json["error"]


async def over_the_unified_api(stage: Stage, account: str) -> Json:
    return (await stage.client.get("/unified/user-directory/users", integrated_account_id=account)).json


async def over_tools(stage: Stage, account: str) -> Json:
    return said(await stage.client.post(f"/integrated-account/{account}/tools/list_all_openai_users", {}))


async def over_a_composed_tool(stage: Stage, account: str) -> Json:
    return said(await stage.client.post(f"/integrated-account/{account}/tools/openai_key_audit", {}))


def said(got: Any) -> Json:
    return {"message": got.json["structured"]["error"], "code": got.json["structured"]["code"]}


WAYS = (
    over_proxy, over_the_vendors_own_paths, over_passthrough, over_the_unified_api, over_tools, over_a_composed_tool,
)  # fmt: skip


@pytest.mark.parametrize("ask", WAYS, ids=lambda each: each.__name__)
async def test_an_account_whose_panic_button_was_pressed_says_so_over_every_face(stage: Stage, ask: Ask) -> None:
    account = await connect_account(stage.client, ask.__name__)
    await stage.client.post(f"/integrated-account/{account['id']}/panic", {})
    at = (await shown(stage, account))["last_action_result"]["block"]["at"]
    told = await ask(stage, account["id"])
    since = at[:16].replace("T", " ")
    assert told["message"].startswith(f"The account is blocked since {since} UTC, by its panic button: none of its")
    assert (TOLD in told["message"], told["code"]) == (True, "account_blocked")


@pytest.mark.parametrize("exposure", ["all", "discovery"])
async def test_a_model_is_told_as_well_and_not_that_a_key_is_missing(stage: Stage, exposure: str) -> None:
    account = await connect_account(stage.client, f"mcp-{exposure}")
    mcp = await Maker(stage.client, account["id"]).server(tool_exposure=exposure)
    await stage.client.post(f"/integrated-account/{account['id']}/panic", {})
    calls: list[tuple[str, Json]] = [("list_all_openai_users", {})]
    if exposure == "discovery":
        calls = [("call_read_tool", {"tool_name": "list_all_openai_users"}), ("search_tools", {"query": "users"})]
    for name, arguments in calls:
        told = await mcp.refusal(name, arguments)
        assert (told["code"], "by its panic button" in told["error"], TOLD in told["error"]) == (
            "account_blocked", True, True,
        )  # fmt: skip
        assert "calling again will not help" in told["error"]


async def test_since_when_stays_what_it_was_and_goes_with_the_block(stage: Stage) -> None:
    account = await connect_account(stage.client, "by-hand")
    path = f"/integrated-account/{account['id']}"
    await stage.client.patch(path, {"status": "blocked"})
    block = (await shown(stage, account))["last_action_result"]["block"]
    assert block["by"] == "status"
    await stage.client.patch(path, {"status": "blocked", "tenant_id": "renamed"})
    await stage.client.post(f"{path}/refresh-credentials", {})
    assert (await shown(stage, account))["last_action_result"]["block"] == block
    told = await over_proxy(stage, account["id"])
    assert told["message"].startswith(f"The account is blocked since {block['at'][:16].replace('T', ' ')} UTC: none")
    await stage.client.patch(path, {"status": "active"})
    assert "block" not in (await shown(stage, account))["last_action_result"]


async def shown(stage: Stage, account: Json) -> Json:
    return (await stage.client.get(f"/integrated-account/{account['id']}")).json
