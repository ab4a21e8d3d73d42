"""The tools explorer: found by words, tried dry and for real, refused like anywhere else, written for elsewhere."""

import json
import re

import pytest

from tests.faces.pages.conftest import Office

pytestmark = pytest.mark.asyncio(loop_scope="package")


def page_of(office: Office, name: str) -> str:
    return office.at(f"/accounts/{office.account_id}/tools/{name}")


async def test_tools_are_found_by_words_area_and_effect(office: Office) -> None:
    page = office.at(f"/accounts/{office.account_id}/tools")
    await office.viewer.open(page + "?q=how+much+did+we+spend")
    assert "openai_costs_report" in office.viewer.text
    await office.viewer.open(page + "?tag=billing&effect=look")
    assert b'class="badge bad"' not in office.viewer.page.content
    await office.viewer.open(page + "?tag=nonsense")
    assert "No tool is like that" in office.viewer.text


async def test_tool_runs_with_what_was_filled_in(office: Office) -> None:
    page = page_of(office, "create_a_openai_project")
    await office.operator.open(page)
    await office.operator.submit(page, {"argument.name": "made by hand"}, do="run")
    assert '"name": "made by hand"' in office.operator.text
    assert "name=made by hand" in office.operator.text.replace("'", "")
    row = (await office.client.get("/log")).json["result"][0]
    assert (row["face"], row["resource"], row["method"]) == ("admin", "projects", "create")


async def test_dry_run_shows_the_request_and_sends_nothing(office: Office) -> None:
    page = page_of(office, "create_a_openai_project")
    office.stage.clear()
    await office.operator.open(page)
    await office.operator.submit(page, {"argument.name": "never made"}, do="dry")
    assert "What would be sent" in office.operator.text
    assert "never made" in office.operator.text
    assert office.stage.seen() == []


async def test_what_is_filled_in_wrongly_is_told_beside_the_form(office: Office) -> None:
    page = page_of(office, "list_all_openai_files")
    await office.viewer.open(page)
    got = await office.viewer.submit(page, {"argument.limit": "many"}, do="run")
    assert (got.status, "a whole number" in office.viewer.text) == (400, True)
    assert office.viewer.form(page).fields["argument.limit"] == "many"


async def test_refusal_by_the_vendor_is_a_result(office: Office) -> None:
    page = page_of(office, "get_single_openai_file_by_id")
    await office.viewer.open(page)
    got = await office.viewer.submit(page, {"argument.id": "file-nowhere"}, do="run")
    assert (got.status, "refused" in office.viewer.text) == (200, True)


async def test_a_viewer_runs_only_what_looks(office: Office) -> None:
    page = page_of(office, "create_a_openai_project")
    office.stage.clear()
    await office.viewer.open(page)
    assert "Your role may not run" in office.viewer.text
    await office.viewer.submit(page, {"argument.name": "not mine"}, do="run")
    assert "not mine" not in json.dumps([entry.raw_path for entry in office.stage.seen()])
    assert office.stage.seen() == []


async def test_calls_are_written_with_what_was_filled_in(office: Office) -> None:
    page = page_of(office, "list_all_openai_files")
    await office.viewer.open(page)
    await office.viewer.submit(page, {"argument.limit": "3"}, do="write")
    assert '{"limit":3}' in office.viewer.text
    assert "limit:=3" in office.viewer.text
    assert "ptc_" not in office.viewer.text


async def test_unknown_tool_names_its_nearest(office: Office) -> None:
    got = await office.viewer.open(page_of(office, "list_all_openai_fles"))
    assert (got.status, "list_all_openai_files" in office.viewer.text) == (404, True)


async def test_tools_of_an_environment_without_accounts_say_where_they_come_from(office: Office) -> None:
    await office.stranger.open(f"/admin/{office.elsewhere}/tools")
    assert "No account, no tools" in office.stranger.text


async def test_many_tools_are_shown_page_by_page(office: Office) -> None:
    page = office.at(f"/accounts/{office.account_id}/tools")
    seen: list[str] = []
    for start in (0, 50, 100):
        await office.viewer.open(f"{page}?effect=look&from={start}")
        content = office.viewer.page.content.decode()
        seen += re.findall(r'/tools/([a-z_]+)"><code>', content)
        assert f'{page}?effect=look&amp;from={start + 50}" rel="next"' in content
    assert len(seen) == len(set(seen)) == 150
    await office.viewer.open(f"{page}?from=9999")
    assert "No tool is like that" in office.viewer.text
