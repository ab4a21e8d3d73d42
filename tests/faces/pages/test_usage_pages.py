"""Usage and cost on admin pages: the same figures as the reports and the metering, drawn, in tables and as CSV."""

import csv
import io
import re
from html import unescape

import pytest

from portico.faces.web.admin import lately
from portico.faces.web.admin.words import money
from tests.faces.pages.conftest import Office
from tests.gateways import connect_account

pytestmark = pytest.mark.asyncio(loop_scope="package")


async def chats(office: Office) -> None:
    for model in ("gpt-4o-mini", "gpt-4o"):
        body = {"model": model, "messages": [{"role": "user", "content": "Hi"}]}
        got = await office.client.post("/proxy/chat_completions", body, integrated_account_id=office.account_id)
        assert got.status == 200


def table_of(office: Office) -> list[list[str]]:
    return list(csv.reader(io.StringIO(office.viewer.page.content.decode())))


async def test_what_passed_through_is_shown_as_it_was_metered(office: Office) -> None:
    await chats(office)
    await office.viewer.open(office.at("/usage"))
    (row,) = (await office.client.get("/usage", by="", period="last 30 days")).json["result"]
    assert f"Tokens out{row['output_tokens']:,}" in office.viewer.text
    content = office.viewer.page.content.decode()
    assert "gpt-4o-mini" in office.viewer.text
    assert 'role="img"' in content
    assert re.search(r"<desc [^>]*>Columns over time, highest at \d{4}-\d\d-\d\d with \$", content)
    for measure in ("tokens", "requests", "nonsense"):
        assert (await office.viewer.open(office.at(f"/usage?measure={measure}"))).status == 200


async def test_figures_are_to_be_had_as_csv(office: Office) -> None:
    await chats(office)
    got = await office.viewer.open(office.at("/usage/csv?by=model"))
    assert got.headers["content-disposition"] == 'attachment; filename="usage-by-model.csv"'
    names, *rows = table_of(office)
    told = {row[names.index("model")]: row[names.index("requests")] for row in rows}
    api = (await office.client.get("/usage", by="model", period="last 30 days")).json["result"]
    assert told == {each["model"]: str(each["requests"]) for each in api}
    assert (await office.viewer.open(office.at("/usage/csv?by=nonsense"))).status == 400


async def test_a_period_that_is_not_understood_says_what_is(office: Office) -> None:
    got = await office.viewer.open(office.at("/usage?period=soon"))
    assert (got.status, "last 7 days" in office.viewer.text) == (400, True)
    assert 'value="soon"' in got.content.decode()
    assert "<summary>What is allowed</summary>" in got.content.decode()


async def test_where_nothing_was_used_it_is_said_what_will_be(office: Office) -> None:
    await office.stranger.open(f"/admin/{office.elsewhere}/usage")
    assert "Nothing was used in this time" in office.stranger.text
    await office.stranger.open(f"/admin/{office.elsewhere}/usage/csv")
    assert office.stranger.page.content.startswith(b"requests,input_tokens")


async def test_the_vendors_figures_are_those_of_its_reports(office: Office) -> None:
    account_id = (await connect_account(office.client, "demo"))["id"]  # whose past is written
    path = office.at(f"/accounts/{account_id}/usage")
    await office.viewer.open(path + "?period=yesterday&whole=1")
    run = f"/integrated-account/{account_id}/tools/openai_costs_report"
    told = (await office.client.post(run, {"start_time": "yesterday"})).json["structured"]
    assert f"cost{money(float(told['total']['usd']))}" in office.viewer.text
    assert 'role="alert"' not in office.viewer.page.content.decode(), "each report is asked for what it can be split by"
    assert "What was used requests" in office.viewer.text
    project = told["tables"]["project"]["rows"][0]
    assert project[0] in office.viewer.text
    await office.viewer.open(f"{path}/csv?period=yesterday&report=openai_costs_report&table=project")
    assert table_of(office)[0] == told["tables"]["project"]["columns"]
    assert table_of(office)[1][:3] == [str(each) for each in project[:3]]
    await office.viewer.open(f"{path}?period=yesterday&project={project[1]}&whole=1")
    assert "Show everything again" in office.viewer.text
    assert f"cost{money(float(project[2]))}" in office.viewer.text
    assert (await office.viewer.open(f"{path}/csv?report=openai_costs_report&table=nonsense")).status == 404
    await office.client.send("DELETE", f"/integrated-account/{account_id}")


async def test_the_page_shows_at_once_what_is_here_and_the_vendors_figures_once_they_are_there(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lately, "AT_ONCE_SECONDS", 0.0)
    await chats(office)
    path = office.at(f"/accounts/{office.account_id}/usage?period=last+7+days")
    await office.viewer.open(path)
    content = office.viewer.page.content.decode()
    assert "is being asked: what was spent, what was used" in office.viewer.text.lower()
    assert "What passed through Portico" in office.viewer.text
    (whole,) = set(re.findall(r'data-whole="([^"]*)"', content))
    assert f'href="{whole}"' in content
    office.stage.clear()
    await office.viewer.open(unescape(whole))
    asked = len(office.stage.seen("/v1/organization/costs"))
    first = told_at(office)
    assert "is being asked" not in office.viewer.text
    await office.viewer.open(path)  # a while later, by whoever may see as much
    assert (told_at(office), len(office.stage.seen("/v1/organization/costs"))) == (first, asked)
    await office.viewer.open(path + "&again=1")
    await office.viewer.open(unescape(whole))
    assert told_at(office) != first
    assert len(office.stage.seen("/v1/organization/costs")) > asked


def told_at(office: Office) -> str:
    return re.findall(r'As OpenAI told it, <time datetime="([^"]*)"', office.viewer.page.content.decode())[0]


async def test_what_a_report_could_not_have_is_named(office: Office) -> None:
    path = office.at(f"/accounts/{office.account_id}/usage")
    office.stage.fault("status=500", path="/v1/organization/costs", verb="GET")
    try:
        got = await office.viewer.open(path + "?whole=1")
    finally:
        office.stage.clear()
    assert got.status == 200
    assert 'class="note bad"' in got.content.decode()
    assert "What was used" in office.viewer.text


async def test_an_account_without_the_reports_key_says_which(office: Office) -> None:
    account = await connect_account(office.client, "keyless", api_key="sk-proj-keyless")
    await office.viewer.open(office.at(f"/accounts/{account['id']}/usage"))
    assert "which this account does not have" in office.viewer.text


async def test_another_environments_figures_look_missing(office: Office) -> None:
    foreign = f"/admin/{office.elsewhere}/accounts/{office.account_id}/usage"
    assert (await office.stranger.open(foreign)).status == 404
    assert (await office.stranger.open(foreign + "/csv")).status == 404
