"""The request log, the audit trail and webhooks on admin pages."""

import re
from html import unescape
from itertools import count

import pytest
from msgspec.structs import replace

from portico.faces.web.admin.log import READ
from portico.model.account import EnvironmentId
from portico.model.request import RequestRow
from portico.store.requests import LAST, RequestFilter
from tests.faces.pages.conftest import Office

pytestmark = pytest.mark.asyncio(loop_scope="package")
DEAF = "http://127.0.0.1:9/hook"


async def test_failed_call_is_found_by_its_status_and_seen_whole(office: Office) -> None:
    await office.stage.proxy("GET", "files/file-nobody-has")
    await office.viewer.open(office.at("/log?status=404"))
    assert "404" in office.viewer.text
    row = (await office.client.get("/log", status=404)).json["result"][0]
    await office.viewer.open(office.at(f"/log/{row['id']}"))
    assert row["request_id"] in office.viewer.text
    await office.viewer.open(office.at("/log?status=418"))
    assert "No call is like that" in office.viewer.text
    got = await office.viewer.open(office.at("/log?since=yesterday"))
    assert (got.status, "a day and a time" in office.viewer.text) == (400, True)
    assert (await office.viewer.open(office.at("/log/nowhere"))).status == 404


async def test_a_call_is_seen_with_what_was_asked_and_answered_where_that_is_kept(office: Office) -> None:
    for act, said in (("keep_bodies", "Stop keeping bodies"), ("drop_bodies", "Keep bodies")):
        await office.owner.open("/admin/environments")
        await office.owner.submit("/admin/environments", do=act, id=office.environment)
        await office.owner.follow()
        assert said in office.owner.text
        await office.stage.proxy("POST", "embeddings", json={"model": "text-embedding-3-small", "input": act})
    dropped, kept = (await office.client.get("/log", limit="2")).json["result"]
    await office.viewer.open(office.at(f"/log/{kept['id']}"))
    assert "What was answered" in office.viewer.text
    assert '"input": "keep_bodies"' in office.viewer.text
    await office.viewer.open(office.at(f"/log/{dropped['id']}"))
    assert "What was asked" not in office.viewer.text


async def test_log_is_read_by_nobody_elsewhere(office: Office) -> None:
    await office.stage.proxy("GET", "files")
    row = (await office.client.get("/log")).json["result"][0]
    assert (await office.stranger.open(f"/admin/{office.elsewhere}/log/{row['id']}")).status == 404
    await office.stranger.open(f"/admin/{office.elsewhere}/log")
    assert "Nothing was called yet" in office.stranger.text


async def test_a_request_of_many_rows_is_one_row_on_one_page(office: Office) -> None:
    """Whether a page ends in the middle of it, or its first step is pages away, as of a tool that waited long."""
    await office.stage.proxy("GET", "files")
    await office.gateway.parts.recorder.catch_up()
    (like,) = await office.gateway.parts.requests.page(EnvironmentId(office.environment), LAST, 1, RequestFilter())
    numbers = count(1)

    def row(request: str, tool: str = "", path: str = "") -> RequestRow:
        id_ = f"00000000-0000-7000-8000-{next(numbers):012}"
        return replace(like, id=id_, request_id=f"many-{request}", tool=tool, path=path, tenant_id="many", status=200)

    def calls(request: str, steps: int) -> list[RequestRow]:
        return [*(row(request, "list", "/v1/x") for _ in range(steps)), row(request, "list")]

    far = row("far", "list", "/v1/x")
    batch = [row("batch", path="/v1/y") for _ in range(READ + 20)]
    tools = [each for number in range(9) for each in calls(str(number), 30)]
    rows = [far, *calls("oldest", 3), *batch, *tools, row("far", "list")]
    await office.gateway.parts.requests.add(rows)
    found: list[str] = []
    page = office.at("/log?tenant_id=many")
    while page:
        await office.viewer.open(page)
        text = office.viewer.page.content.decode()
        found += re.findall(rf"{office.environment}/log/(00000000-0000-7000-8000-\d+)", text)
        page = unescape(onward[1]) if (onward := re.search(r'href="([^"]*cursor=[^"]*)"', text)) else ""
    shown = {each.id: each.request_id for each in rows}
    assert sorted(shown[each] for each in found) == sorted({each.request_id for each in rows})
    assert all(each == max(row.id for row in rows if row.request_id == shown[each]) for each in found)


async def test_audit_trail_names_who_did_what(office: Office) -> None:
    await office.operator.open(office.at("/tokens"))
    await office.operator.submit(office.at("/tokens"), do="create", name="audited", scopes="call")
    await office.viewer.open(office.at("/audit"))
    assert "omar api_token.created" in office.viewer.text
    await office.viewer.open(office.at("/audit?act=api_token"))
    assert "omar api_token.created" in office.viewer.text
    assert "user.signed_in" not in office.viewer.text
    await office.viewer.open(office.at("/audit?target=nothing-of-that-id"))
    assert "Nothing like that was done" in office.viewer.text


async def test_webhook_is_made_tested_replayed_rotated_and_deleted(office: Office) -> None:
    page = office.at("/webhooks")
    await office.operator.open(page)
    assert "None yet" in office.operator.text
    got = await office.operator.submit(page, do="create", target_url="ftp://nowhere", event_types="*")
    assert (got.status, office.operator.form(page).fields["target_url"]) == (400, "ftp://nowhere")
    await office.operator.submit(page, do="create", target_url=DEAF, event_types="integrated_account:created")
    assert "whsec_" in office.operator.text
    webhook = (await office.client.get("/webhook")).json["result"][0]
    assert webhook["event_types"] == ["integrated_account:created"]
    one = f"{page}/{webhook['id']}"
    await office.operator.open(one)
    assert "whsec_" not in office.operator.text
    await office.operator.submit(one, do="test")
    await office.operator.follow()
    assert "A test event is on its way" in office.operator.text
    delivery = (await office.client.get(f"/webhook/{webhook['id']}/deliveries")).json["result"][0]
    for act, fields in (("off", {}), ("on", {}), ("stretch", {"hours": "24"})):
        await office.operator.open(one)
        assert (await office.operator.submit(one, fields, do=act)).status == 303, act
    await office.operator.open(one)
    assert (await office.operator.submit(one, do="replay", delivery=delivery["id"])).status in {303, 409}
    await office.operator.open(one)
    await office.operator.submit(one, do="rotate")
    assert "whsec_" in office.operator.text
    await office.viewer.open(one)
    assert [form.action for form in office.viewer.forms if form.action not in {"/sign-out", one}] == []
    await office.operator.open(one)
    await office.operator.submit(one, do="delete")
    assert (await office.operator.open(one)).status == 404


async def test_a_call_is_told_in_words_with_units(office: Office) -> None:
    await office.client.get("/proxy/models/no-such-model", integrated_account_id=office.account_id)
    row = (await office.client.get("/log", limit=1)).json["result"][0]
    await office.viewer.open(office.at(f"/log/{row['id']}"))
    content = office.viewer.page.content.decode()
    assert "<dt>Way in</dt><dd>Proxy API</dd>" in content
    assert f"<dt>Request id</dt><dd><code>{row['request_id']}</code></dd>" in content
    assert re.search(r"<dt>Took</dt><dd>[0-9.]+ m?s, of which the vendor [0-9.]+ m?s</dd>", content)
    assert "Items in the answer" not in content
    await office.client.get("/proxy/projects", integrated_account_id=office.account_id, limit=1)
    row = (await office.client.get("/log", limit=1)).json["result"][0]
    await office.viewer.open(office.at(f"/log/{row['id']}"))
    assert "<dt>Items in the answer</dt><dd>1</dd>" in office.viewer.page.content.decode()
