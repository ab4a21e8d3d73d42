"""Approvals on admin pages: what waits is shown whole, decided once with a note, and by nobody who may only look."""

from itertools import count
from typing import Any

import pytest

from portico.gateway.approvals import LONGEST_REASON
from portico.model.account import AccountId, EnvironmentId
from portico.model.approval import Wanted
from portico.model.caller import ACCOUNT_TOKEN_SCOPES, Caller
from tests.faces.pages.conftest import Office

pytestmark = pytest.mark.asyncio(loop_scope="package")
numbers = count()
SHOWN: dict[str, Any] = {
    "request": {"method": "POST", "path": "/v1/vector_stores/vs_1", "body": {"name": "Archive <b>2026</b>"}},
    "changes": [{"field": "name", "from": "Handbook", "to": "Archive <b>2026</b>"}],
    "impact": {
        "sentence": "Rename the vector store Handbook?",
        "target": {"name": "Handbook", "id": "vs_1"},
        "price": {"sentence": "about $0.10 a day"},
    },
}


async def waiting(office: Office, shown: dict[str, Any] = SHOWN, server_id: str = "nowhere") -> str:
    """The path of a new approval's page."""
    caller = Caller(
        environment_id=EnvironmentId(office.environment),
        token_id="server:1",
        name="helper",
        scopes=ACCOUNT_TOKEN_SCOPES,
    )
    wanted = Wanted(
        account_id=AccountId(office.account_id), server_id=server_id, client="claude/2", tool="rename_a_store",
        title="Rename a store", effect="write", digest=str(next(numbers)).encode(), shown=shown,
    )  # fmt: skip
    return office.at(f"/approvals/{(await office.gateway.parts.approvals.ask(caller, wanted)).id}")


async def test_what_waits_is_counted_listed_and_shown_whole(office: Office) -> None:
    page = await waiting(office)
    await office.viewer.open(office.at("/approvals"))
    assert "waiting" in office.viewer.text
    assert page in office.viewer.page.content.decode()
    await office.viewer.open(page)
    for told in ("POST /v1/vector_stores/vs_1", "Handbook", "about $0.10 a day", "claude/2", "Archive <b>2026</b>"):
        assert told in office.viewer.text, told
    assert "<b>" not in office.viewer.page.content.decode()


async def test_yes_with_a_note_lets_it_through_and_stands_in_the_history(office: Office) -> None:
    page = await waiting(office)
    await office.operator.open(page)
    await office.operator.submit(page, do="approve", reason="agreed with finance")
    await office.operator.follow()
    assert "Approved: the call goes on" in office.operator.text
    assert "Approved by omar" in office.operator.text
    assert "agreed with finance" in office.operator.text
    assert (await office.client.get(f"/approval/{page.rpartition('/')[2]}")).json["state"] == "approved"
    assert [form for form in office.operator.forms if form.action == page] == []
    await office.operator.open(office.at("/approvals?state=approved"))
    assert page in office.operator.page.content.decode()


async def test_no_is_kept_and_cannot_be_taken_back(office: Office) -> None:
    page = await waiting(office)
    await office.owner.open(page)
    await office.operator.open(page)
    await office.owner.submit(page, do="refuse", reason="not on a Friday")
    got = await office.operator.submit(page, do="approve")
    assert (got.status, "is denied already" in office.operator.text) == (409, True)
    assert "not on a Friday" in office.operator.text
    assert (await office.client.get(f"/approval/{page.rpartition('/')[2]}")).json["state"] == "denied"


async def test_a_note_that_is_too_long_is_kept_in_its_field(office: Office) -> None:
    page = await waiting(office)
    await office.operator.open(page)
    long = "x" * (LONGEST_REASON + 1)
    got = await office.operator.submit(page, do="approve", reason=long)
    assert (got.status, office.operator.form(page).fields["reason"]) == (400, long)


async def test_a_viewer_may_look_and_not_decide(office: Office) -> None:
    page = await waiting(office)
    await office.viewer.open(page)
    assert [form.action for form in office.viewer.forms] == ["/sign-out"]
    assert "takes an operator or an owner" in office.viewer.text


async def test_steps_of_a_recipe_are_shown(office: Office) -> None:
    steps = [{"step": 1, "does": "Make the project"}, {"step": 2, "does": "Invite the owner"}]
    page = await waiting(office, {"request": {"steps": steps}, "changes": [], "impact": {"unknown": "Not to be read."}})
    await office.viewer.open(page)
    assert "Make the project" in office.viewer.text
    assert "Not to be read." in office.viewer.text


async def test_a_servers_page_leads_to_what_its_calls_waited_for(office: Office) -> None:
    made = await office.client.post(
        f"/integrated-account/{office.account_id}/mcp", {"name": "braked", "config": {"confirm": "writes"}}
    )
    server = office.at(f"/accounts/{office.account_id}/servers/{made.json['id']}")
    await office.viewer.open(server)
    assert "waits here until somebody says yes" in office.viewer.text
    page = await waiting(office, server_id=made.json["id"])
    await office.viewer.open(server)
    assert page in office.viewer.page.content.decode()
    await office.viewer.open(office.at(f"/approvals?mcp_server_id={made.json['id']}"))
    assert office.viewer.page.content.decode().count("Rename the vector store") == 1


async def test_where_nothing_waits_it_is_said_how_calls_come_to_wait(office: Office) -> None:
    await office.stranger.open(f"/admin/{office.elsewhere}/approvals")
    assert "No call waits" in office.stranger.text
    await office.stranger.open(f"/admin/{office.elsewhere}/approvals?state=denied")
    assert "There is none like that" in office.stranger.text
    assert (await office.stranger.open(f"/admin/{office.elsewhere}/approvals?state=nonsense")).status == 400


async def test_another_environments_approval_looks_missing(office: Office) -> None:
    page = await waiting(office)
    foreign = page.replace(office.environment, office.elsewhere)
    assert (await office.stranger.open(foreign)).status == 404
