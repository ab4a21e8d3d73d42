"""What the request log keeps of a unified call: a row for it, and one for every call that it made of the vendor."""

import pytest

from portico.store.requests import RequestFilter, RequestRow
from tests.unified.directory import Directory

pytestmark = pytest.mark.asyncio(loop_scope="module")
LAST = "z"


async def rows_of(directory: Directory, request_id: str) -> list[RequestRow]:
    parts = directory.stage.gateway.parts
    await parts.recorder.flush()
    caller = await parts.lookup.caller(directory.stage.client.token or "")
    rows = await parts.requests.page(caller.environment_id, LAST, 1000, RequestFilter())
    return [row for row in rows if row.request_id == request_id]


async def test_a_call_and_what_it_asked_of_the_vendor_share_a_request_id(directory: Directory) -> None:
    answer = await directory.send("GET", "users", limit=2)
    rows = await rows_of(directory, answer.headers["x-portico-request-id"])
    (own,) = [row for row in rows if not row.vendor_status]
    made = [row for row in rows if row.vendor_status]
    assert (own.face, own.path, own.status, own.bytes_out) == (
        "unified", "/unified/user-directory/users", 200, len(answer.content),
    )  # fmt: skip
    assert (own.account_id, own.resource, own.method) == (directory.account_id, "users", "list")
    assert {(row.face, row.resource, row.vendor_status) for row in made} >= {("unified", "users", 200)}


async def test_a_call_that_was_refused_has_its_row_and_none_of_the_vendor(directory: Directory) -> None:
    answer = await directory.refused("GET", "users", colour="blue")
    (row,) = await rows_of(directory, answer.json["request_id"])
    assert (row.status, row.code, row.vendor_status) == (400, answer.json["code"], 0)
    assert "colour" in row.problem
