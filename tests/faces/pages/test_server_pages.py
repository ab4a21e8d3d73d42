"""MCP servers on admin pages: what is previewed is what is made, addresses are shown once, and everything ends."""

from typing import Any
from urllib.parse import urlencode

import pytest

from tests.faces.mcp.speaker import Speaker
from tests.faces.oauth.browser import ORIGIN
from tests.faces.pages.conftest import Office

pytestmark = pytest.mark.asyncio(loop_scope="package")


async def made(office: Office, name: str, ends: str = "", **fields: Any) -> tuple[str, str]:
    """The path of the new server's own page, and the path of its MCP address."""
    page = office.at(f"/accounts/{office.account_id}/servers/new")
    await office.operator.open(page)
    filled = {"name": name, "reach": "look", "who": "address", "ends": ends, **fields}
    await office.operator.submit(page, filled, do="create")
    assert office.operator.page.status == 200, office.operator.text
    address = shown(office)
    servers = (await office.client.get("/mcp-server")).json["result"]
    server = next(each for each in servers if each["name"] == name)
    return office.at(f"/accounts/{office.account_id}/servers/{server['id']}"), address


def shown(office: Office) -> str:
    """The path of the MCP address on the page."""
    url = next(word for word in office.operator.text.split() if word.startswith(f"{ORIGIN}/mcp/"))
    return url.removeprefix(ORIGIN)


async def tools(office: Office, path: str) -> list[str]:
    answer = await Speaker(office.gateway, path).ask("tools/list")
    return [each["name"] for each in answer.json["result"]["tools"]] if answer.status == 200 else []


async def test_the_preview_counts_what_the_server_then_offers(office: Office) -> None:
    page = office.at(f"/accounts/{office.account_id}/servers/new")
    await office.operator.open(page)
    await office.operator.submit(page, do="preview", name="", reach="look", tags="billing")
    said = office.operator.text
    _, address = await made(office, "billing", tags="billing")
    offered = await tools(office, address)
    assert f"{len(offered)} tools" in said
    assert all(each in said for each in offered)
    assert not [each for each in offered if each.startswith(("create_", "update_", "delete_"))]


async def test_the_part_that_is_shown_while_typing_is_no_whole_page(office: Office) -> None:
    page = office.at(f"/accounts/{office.account_id}/servers/new")
    await office.operator.open(page)
    token = office.operator.form(page).fields["form_token"]
    fields = {"do": "preview", "part": "1", "form_token": token, "reach": "look", "arguments": "{"}
    headers = {"content-type": "application/x-www-form-urlencoded", "origin": ORIGIN}
    got = await office.operator.send("POST", page, urlencode(fields).encode(), headers)
    assert (got.status, got.headers["x-portico-part"]) == (400, "1")
    assert b"is not valid JSON" in got.content
    assert b"<html" not in got.content


async def test_address_is_shown_once_with_snippets_and_works(office: Office) -> None:
    page, address = await made(office, "shown-once")
    assert f"claude mcp add --transport http shown-once {ORIGIN}{address}" in office.operator.text
    assert await tools(office, address)
    await office.operator.open(page)
    assert address not in office.operator.text
    assert "YOUR_SECRET" in office.operator.text


async def test_server_is_changed_given_a_new_address_and_revoked(office: Office) -> None:
    page, address = await made(office, "changing", names="list_all_openai_files")
    assert await tools(office, address) == ["list_all_openai_files"]
    await office.operator.open(page)
    names = "list_all_openai_files\nlist_all_openai_batches"
    await office.operator.submit(page, do="change", name="changed", reach="look", who="address", names=names)
    await office.operator.follow()
    assert "The MCP server is changed" in office.operator.text
    assert sorted(await tools(office, address)) == ["list_all_openai_batches", "list_all_openai_files"]
    await office.operator.submit(page, do="rotate")
    fresh = shown(office)
    assert (len(await tools(office, address)), len(await tools(office, fresh))) == (0, 2)
    await office.operator.open(page)
    await office.operator.submit(page, do="delete")
    assert await tools(office, fresh) == []
    assert (await office.operator.open(page)).status == 404


async def test_server_that_ends_says_when(office: Office) -> None:
    page, _ = await made(office, "ending", ends="other", ends_at="2090-01-31T12:00")
    await office.operator.open(page)
    assert "31 Jan 2090, 12:00 UTC" in office.operator.text


@pytest.mark.parametrize(
    ("field", "value", "sentence"),
    [
        ("arguments", "[1]", "must be an object"),
        ("arguments", '{"nonsense": {"enum": [1]}}', "is not an argument of any tool"),
        ("names", "no_such_tool", "is neither a method nor a tool"),
        ("name", " ", "1 to 100 visible characters"),
        ("result_limit", "many", "a number of characters"),
        ("ends_at", "tomorrow", "a day and a time"),
    ],
)
async def test_what_cannot_be_made_says_why_and_keeps_what_was_typed(
    office: Office, field: str, value: str, sentence: str
) -> None:
    page = office.at(f"/accounts/{office.account_id}/servers/new")
    await office.operator.open(page)
    filled = {"name": "kept", "reach": "look", "ends": "other" if field == "ends_at" else "", field: value}
    got = await office.operator.submit(page, filled, do="create")
    assert (got.status, sentence in office.operator.text) == (400, True), office.operator.text
    if field != "name":
        assert office.operator.form(page).fields["name"] == "kept"


async def test_a_viewer_sees_servers_and_changes_none(office: Office) -> None:
    page, _ = await made(office, "looked-at")
    await office.viewer.open(page)
    assert office.viewer.page.status == 200
    assert [form.action for form in office.viewer.forms] == ["/sign-out"]
    await office.viewer.open(office.at("/servers"))
    assert "looked-at" in office.viewer.text


async def test_an_environment_without_servers_says_what_they_are(office: Office) -> None:
    await office.stranger.open(f"/admin/{office.elsewhere}/servers")
    assert "No MCP servers yet" in office.stranger.text


async def test_what_a_server_asks_first_and_how_it_hands_over_keys_is_set_in_its_form(office: Office) -> None:
    tools = "create_a_openai_admin_api_key: store"
    page, _ = await made(
        office, "careful", reach="change", confirm="writes", confirm_wait="5", secrets="reveal",
        secrets_minutes="10", secrets_sign_in="1", secrets_tools=tools,
    )  # fmt: skip
    path = page.removeprefix(office.at("/accounts/")).replace("/servers/", "/mcp/")
    config = (await office.client.get(f"/integrated-account/{path}")).json["config"]
    assert (config["confirm"], config["confirm_wait_seconds"]) == ("writes", 5)
    assert config["secrets"] == {
        "way": "reveal", "sign_in": True, "minutes": 10, "tools": {"create_a_openai_admin_api_key": "store"},
    }  # fmt: skip
    await office.operator.open(page)
    assert "before it changes anything" in office.operator.text
    shown_again = office.operator.page.content.decode()
    assert tools in shown_again
    got = await office.operator.submit(page, do="change", name="careful", confirm_wait="soon", secrets_tools="x")
    assert (got.status, "a number of seconds" in office.operator.text, "tool_name: store" in office.operator.text) == (
        400,
        True,
        True,
    )


async def test_a_servers_limits_are_set_changed_and_lifted(office: Office) -> None:
    page, _ = await made(office, "limited")
    await office.operator.open(page)
    assert "Nothing is limited" in office.operator.text
    for maximum in ("5", "7"):
        await office.operator.open(page)
        await limited(office, page, maximum=maximum)
        await office.operator.follow()
    assert "of $7.00 today" in office.operator.text
    assert "of $5.00" not in office.operator.text
    await office.viewer.open(page)
    assert "of $7.00 today" in office.viewer.text
    await office.operator.open(page)
    assert (await limited(office, page, maximum="much")).status == 400
    assert "is no number" in office.operator.text
    quotas = (await office.client.get("/quota")).json["result"]
    quota = next(each for each in quotas if each["subject"] == page.rpartition("/")[2])
    await office.operator.open(page)
    await limited(office, page, do="lift", quota=quota["id"])
    await office.operator.follow()
    assert "Nothing is limited" in office.operator.text


async def test_a_limit_of_another_server_is_not_lifted_here(office: Office) -> None:
    page, _ = await made(office, "first")
    other, _ = await made(office, "second")
    await office.operator.open(other)
    await limited(office, other, maximum="5")
    quotas = (await office.client.get("/quota")).json["result"]
    quota = next(each for each in quotas if each["subject"] == other.rpartition("/")[2])
    await office.operator.open(page)
    got = await limited(office, page, do="lift", quota=quota["id"])
    assert got.status == 404
    assert (await office.client.get(f"/quota/{quota['id']}")).status == 200
    await office.client.send("DELETE", f"/quota/{quota['id']}")


async def limited(office: Office, page: str, do: str = "limit", **fields: str) -> Any:
    """The form of limits sent: the others of the page are for other things."""
    token = office.operator.form(page).fields["form_token"]
    sent = {"do": do, "form_token": token, "measure": "spend", "limit_period": "day", **fields}
    headers = {"content-type": "application/x-www-form-urlencoded", "origin": ORIGIN}
    return await office.operator.send("POST", page, urlencode(sent).encode(), headers)


async def test_what_a_server_did_stands_on_its_page(office: Office) -> None:
    page, address = await made(office, "watched")
    await office.operator.open(page)
    assert "Nothing yet. Every call" in office.operator.text
    got = await Speaker(office.gateway, address).ask(
        "tools/call", {"name": "list_all_openai_models", "arguments": {"limit": 3}}
    )
    assert got.status == 200, got.content
    await office.viewer.open(page)
    assert "list_all_openai_models 200" in office.viewer.text
    await office.viewer.open(office.at(f"/log?mcp_server_id={page.rpartition('/')[2]}"))
    assert office.viewer.text.count("list_all_openai_models") == 1


async def test_who_may_make_no_server_is_told_before_filling_in_the_form(office: Office) -> None:
    page = office.at(f"/accounts/{office.account_id}/servers/new")
    await office.viewer.open(page)
    assert "a server is made by an operator or an owner" in office.viewer.text
    assert "Make the server" not in office.viewer.text
    await office.viewer.open(office.at("/accounts/new"))
    assert "Accounts are connected by an operator or an owner" in office.viewer.text
