"""/file: kept sealed and for a while, listed, linked, fetched and deleted; nobody else's can be seen."""

from typing import Any

import pytest

from portico.store.statement import Statement
from tests.forms import form
from tests.gateways import Client, Got, connect_account, exchange
from tests.toolbox.conftest import Desk
from tests.toolbox.test_files import fetched, kept

pytestmark = pytest.mark.asyncio(loop_scope="module")
_PIECES = Statement("SELECT sealed FROM file_pieces")
_LEFT = Statement("SELECT (SELECT COUNT(*) FROM files) + (SELECT COUNT(*) FROM file_pieces)")


async def account_holder(desk: Desk, tenant: str) -> tuple[Client, str]:
    account = await connect_account(desk.stage.client, tenant)
    made = await desk.stage.client.post("/integrated-account/token", {"integrated_account_id": account["id"]})
    return desk.stage.client.as_holder_of(made.json["integrated_account_token"]), account["id"]


async def stranger(desk: Desk) -> Client:
    made = await desk.stage.client.post("/environment", {"name": "elsewhere"})
    environment = made.json["id"] if made.status == 201 else ""
    if not environment:
        listed = (await desk.stage.client.get("/environment")).json["result"]
        environment = next(each["id"] for each in listed if each["name"] == "elsewhere")
    token = await desk.stage.client.post("/api-token", {"name": "theirs", "environment_id": environment})
    return desk.stage.client.as_holder_of(token.json["token"])


async def test_file_is_sealed_where_it_lies(desk: Desk) -> None:
    secret = b"nobody may read this from the disk" * 10
    await kept(desk, secret, "secret.txt")
    rows = await desk.stage.gateway.parts.database.all(_PIECES)
    assert rows
    assert all(secret[:20] not in bytes(row[0]) for row in rows)


async def test_body_may_be_the_file_itself(desk: Desk) -> None:
    got = await desk.stage.client.send(
        "POST", "/file", content=b"a,b\n1,2\n", query={"filename": "../../t.csv"}, headers={"content-type": "text/csv"}
    )
    assert (got.json["filename"], got.json["content_type"], got.json["bytes"]) == ("t.csv", "text/csv", 8)
    assert (await fetched(desk, got.json["url"])).content == b"a,b\n1,2\n"


@pytest.mark.parametrize("body", [b"", form(("name", "no file"))[0]])
async def test_request_without_a_file_is_refused(desk: Desk, body: bytes) -> None:
    headers = {"content-type": form()[1]}
    assert (await desk.stage.client.send("POST", "/file", content=body, headers=headers)).status == 400


async def test_files_are_listed_newest_first_page_by_page(desk: Desk) -> None:
    _, account = await account_holder(desk, "lister")
    names = [
        (await kept(desk, b"x", f"{number}.txt", integrated_account_id=account))["filename"] for number in range(5)
    ]
    seen: list[str] = []
    cursor: str | None = ""
    while cursor is not None:
        got = await desk.stage.client.get("/file", integrated_account_id=account, limit="2", next_cursor=cursor)
        seen += [each["filename"] for each in got.json["result"]]
        cursor = got.json["next_cursor"]
        assert "url" not in str(got.json)
    assert seen == names[::-1]


async def test_link_ends_by_itself_and_never_lasts_longer_than_its_file(desk: Desk) -> None:
    file = await kept(desk, b"hello", "a.txt")
    made = await desk.stage.client.post(f"/file/{file['id']}/link", {"seconds": 60})
    short, long = made.json["url"], file["url"]
    assert (await fetched(desk, short)).content == b"hello"
    desk.time.clock.advance(seconds=61)
    assert (await fetched(desk, short)).status == 404
    assert (await fetched(desk, long)).status == 200
    last = (await desk.stage.client.post(f"/file/{file['id']}/link", {"seconds": 86_400})).json["url"]
    desk.time.clock.advance(hours=25)
    assert (await fetched(desk, last)).status == 404
    assert (await desk.stage.client.get(f"/file/{file['id']}")).status == 404


async def test_link_that_was_tampered_with_opens_nothing(desk: Desk) -> None:
    mine, other = await kept(desk, b"mine", "a.txt"), await kept(desk, b"other", "b.txt")
    url: str = mine["url"]
    stem, _, text = url.rpartition("/")
    until = int(text.removeprefix("ptc_file_")[:8], 16)
    later = text.replace(f"{until:08x}", f"{until + 3600:08x}")
    tried = [f"{stem}/{later}", url[:-1] + ("0" if url[-1] != "0" else "1"), url.replace(mine["id"], other["id"])]
    answers = {
        (got.status, got.json["message"]) for got in [await fetched(desk, each) for each in (*tried, url + "00")]
    }
    assert answers == {(404, "This link is unknown or has expired.")}
    assert (await fetched(desk, url)).content == b"mine"


async def test_deleted_file_is_gone_with_all_of_it(desk: Desk) -> None:
    before = await desk.stage.gateway.parts.database.one(_LEFT)
    file = await kept(desk, b"hello", "a.txt")
    assert (await desk.stage.client.delete(f"/file/{file['id']}")).json == {"id": file["id"]}
    assert (await fetched(desk, file["url"])).status == 404
    assert (await desk.stage.client.delete(f"/file/{file['id']}")).status == 404
    assert await desk.stage.gateway.parts.database.one(_LEFT) == before


async def test_files_of_a_deleted_account_are_gone(desk: Desk) -> None:
    _, account = await account_holder(desk, "leaver")
    file = await kept(desk, b"hello", "a.txt", integrated_account_id=account)
    await desk.stage.client.delete(f"/integrated-account/{account}")
    assert (await fetched(desk, file["url"])).status == 404


async def test_nobody_sees_anothers_files(desk: Desk) -> None:
    holder, account = await account_holder(desk, "narrow")
    shared = await kept(desk, b"hello", "a.txt")
    own = await kept(desk, b"hello", "own.txt", integrated_account_id=account)
    outside = await stranger(desk)
    for client, seen in ((holder, own["id"]), (outside, "")):
        for file in (shared, own):
            tried = [
                await client.get(f"/file/{file['id']}"),
                await client.post(f"/file/{file['id']}/link", {}),
                *([] if file["id"] == seen else [await client.delete(f"/file/{file['id']}")]),
            ]
            assert {got.status for got in tried} == ({200, 201} if file["id"] == seen else {404})
        listed = [each["id"] for each in (await client.get("/file")).json["result"]]
        assert listed == ([seen] if seen else [])
    made = await holder.send("POST", "/file", content=b"x", headers={"content-type": "text/plain"})
    assert made.json["integrated_account_id"] == account
    refused = await holder.send(
        "POST",
        "/file",
        content=b"x",
        query={"integrated_account_id": desk.stage.account_id},
        headers={"content-type": "text/plain"},
    )
    assert refused.status == 404


async def test_link_says_nothing_to_other_sites_and_runs_nothing(desk: Desk) -> None:
    body = b"<script>alert(1)</script>"
    headers = {"content-type": "text/html"}
    made = await desk.stage.client.send("POST", "/file", content=body, query={"filename": "a.html"}, headers=headers)
    got = await fetched(desk, made.json["url"])
    assert got.headers["content-disposition"].startswith("attachment")
    assert "sandbox" in got.headers["content-security-policy"]
    assert (got.headers["referrer-policy"], got.headers["cache-control"]) == ("no-referrer", "private, no-store")
    head = await fetched(desk, made.json["url"], "HEAD")
    assert (head.headers["content-length"], head.content) == (str(len(body)), b"")


@pytest.mark.parametrize("seconds", [9, 86_401, "long"])
async def test_link_of_no_sensible_life_is_refused(desk: Desk, seconds: Any) -> None:
    file = await kept(desk, b"hello", "a.txt")
    got: Got = await desk.stage.client.post(f"/file/{file['id']}/link", {"seconds": seconds})
    assert (got.status, got.json["details"]["failures"][0]["path"]) == (400, "seconds")


async def test_reading_token_keeps_and_deletes_nothing(desk: Desk) -> None:
    made = await desk.stage.client.post("/api-token", {"name": "reader", "scopes": ["call:read"]})
    reader = desk.stage.client.as_holder_of(made.json["token"])
    file = await kept(desk, b"hello", "a.txt")
    assert (await reader.get(f"/file/{file['id']}")).status == 200
    assert (await reader.delete(f"/file/{file['id']}")).status == 403
    assert (await reader.send("POST", "/file", content=b"x", headers={"content-type": "text/plain"})).status == 403
    nobody = reader.as_holder_of(None)
    assert (await nobody.get("/file")).status == 401
    path = "/" + file["url"].partition("//")[2].partition("/")[2]
    assert (await exchange(desk.stage.gateway, "GET", path, "", {"host": "portico.test"}, b"")).status == 200
