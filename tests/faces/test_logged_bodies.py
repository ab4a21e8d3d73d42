"""Bodies beside the request log: only where switched on, without secrets, sealed where they lie, shown and audited."""

import asyncio
import json
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from portico.errors import Unavailable
from portico.gateway import bodies
from portico.store.statement import Statement
from tests.faces.mcp.speaker import NEW, Speaker
from tests.stage import ADMIN_KEY, PROJECT_KEY, Stage, open_stage

pytestmark = pytest.mark.asyncio(loop_scope="module")
SAID = "Tell me about capybaras in the moonlight."
CHAT = {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": SAID}]}
PLANTED = "sk-proj-pL4ntedAbCdEfGhIjKlMn"
_ROWS = Statement("SELECT COUNT(*), SUM(CASE WHEN has_bodies THEN 1 ELSE 0 END) FROM requests")
_KEPT = Statement("SELECT COUNT(*) FROM request_bodies")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("bodies")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def stage(folder: Path) -> AsyncGenerator[Stage]:
    async with open_stage(folder, log_body_bytes=4_000) as opened:
        opened.world.pace = 0
        await switch(opened, log_bodies=True)
        yield opened


async def switch(stage: Stage, **changes: Any) -> None:
    got = await stage.client.patch(f"/integrated-account/{stage.account_id}", changes)
    assert got.status == 200, got.content


def everything_in(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in folder.rglob("*") if path.is_file())


async def last(stage: Stage, **query: str) -> Any:
    """The newest call, whole."""
    row = (await stage.client.get("/log", limit="1", **query)).json["result"][0]
    return (await stage.client.get(f"/log/{row['id']}")).json


async def test_nothing_is_kept_unless_it_is_switched_on_and_the_account_says_more_than_the_environment(
    stage: Stage,
) -> None:
    environment = (await stage.client.get("/environment")).json["result"][0]
    assert environment["log_bodies"] is False

    async def is_kept() -> bool:
        assert (await stage.proxy("POST", "chat_completions", json=CHAT)).status == 200
        return (await last(stage))["has_bodies"]

    try:
        expected = {(None, False): False, (None, True): True, (False, True): False, (True, False): True}
        for (own, theirs), kept in expected.items():
            await switch(stage, log_bodies=own)
            got = await stage.client.patch(f"/environment/{environment['id']}", {"log_bodies": theirs})
            assert (got.status, got.json["log_bodies"]) == (200, theirs)
            assert await is_kept() is kept, (own, theirs)
    finally:
        await stage.client.patch(f"/environment/{environment['id']}", {"log_bodies": False})
        await switch(stage, log_bodies=True)
    refused = await stage.client.patch(f"/environment/{environment['id']}", {})
    assert (refused.status, "says nothing to change" in refused.content.decode()) == (400, True)


@pytest.mark.parametrize("way", ["proxy", "custom", "passthrough", "tools", "mcp"])
async def test_both_sides_of_a_call_are_shown_whichever_way_it_came(stage: Stage, way: str) -> None:
    if way == "proxy":
        await stage.proxy("POST", "chat_completions", json=CHAT)
    elif way in {"custom", "passthrough"}:
        await getattr(stage, way)("POST", "chat/completions", json=CHAT)
    elif way == "tools":
        await stage.value("create_a_openai_chat_completion", CHAT)
    else:
        made = await stage.client.post(f"/integrated-account/{stage.account_id}/mcp", {"name": "bodies"})
        speaker = Speaker(stage.gateway, f"/mcp/{made.json['token']}", NEW)
        await speaker.value("call_write_tool", {"tool_name": "create_a_openai_chat_completion", "arguments": CHAT})
    found = await last(stage)
    assert (found["face"], found["has_bodies"]) == (way, True)
    request, response = found["request"], found["response"]
    assert (request["method"], request["url"]) == ("POST", f"{stage.sandbox_url}/v1/chat/completions")
    assert request["body"]["messages"] == CHAT["messages"]
    assert (response["status"], response["body"]["object"]) == (200, "chat.completion")
    assert response["bytes"] > 100
    assert (request["note"], response["note"]) == ("", "")


async def test_keys_are_in_no_file_and_in_no_output(stage: Stage, folder: Path) -> None:
    """Planted in the request, its headers and query, and given by the vendor in its answer."""
    body = CHAT | {
        "messages": [{"role": "user", "content": f"{SAID} My key is {PLANTED}, and {PROJECT_KEY} is yours."}],
        "metadata": {"password": "hunter2-planted", "note": f"Bearer {ADMIN_KEY}"},
        "tools": [{"type": "function", "function": {"name": "f"}}],
    }
    headers = {"x-secret-of-mine": "header-planted", "authorization": f"Bearer {stage.client.token}"}
    await stage.passthrough("POST", "chat/completions?api_key=query-planted", json=body, headers=headers)
    shown = [await last(stage)]
    assert SAID in shown[0]["request"]["body"]["messages"][0]["content"]
    made = await stage.proxy("POST", "admin_api_keys", json={"name": "made for the log"})
    account = (await stage.proxy("GET", "projects")).json["result"][0]["id"]
    member = await stage.proxy("POST", "project_service_accounts", query={"project_id": account}, json={"name": "svc"})
    vendor_keys = [made.json["value"], member.json["api_key"]["value"]]
    assert all(len(key) > 20 for key in vendor_keys)
    for resource in ("admin_api_keys", "project_service_accounts"):
        shown.append(await last(stage, resource=resource))
    assert shown[1]["response"]["body"]["value"] == "[hidden]"
    assert shown[2]["response"]["body"]["api_key"] == "[hidden]"
    outputs = [json.dumps(shown), (await stage.client.get("/log/export")).content.decode()]
    outputs.append((await stage.client.get("/audit")).content.decode())
    await stage.gateway.parts.recorder.flush()
    files = everything_in(folder)
    secrets = [PLANTED, "hunter2-planted", "header-planted", "query-planted", ADMIN_KEY, PROJECT_KEY, *vendor_keys]
    for secret in (*secrets, stage.client.token or "", secrets[0][:14]):
        assert all(secret not in output for output in outputs), secret
        assert secret.encode() not in files, secret
    assert SAID.encode() not in files, "bodies are sealed where they lie"


async def test_streams_and_files_are_noted_by_type_and_length(stage: Stage) -> None:
    got = await stage.passthrough("POST", "chat/completions", json=CHAT | {"stream": True})
    found = await last(stage)
    response = found["response"]
    assert response["content_type"].startswith("text/event-stream")
    assert (response["body"], response["bytes"]) == (None, len(got.content))
    assert "noted, not kept" in response["note"]
    assert found["request"]["body"]["stream"] is True
    await stage.value("create_a_openai_file", {"purpose": "batch", "file": {"text": '{"custom_id": "1"}'}})
    request = (await last(stage, resource="files"))["request"]
    assert request["content_type"].startswith("multipart/form-data")
    assert request["body"] is None
    spoken = {"model": "tts-1", "voice": "alloy", "input": "hi"}
    got = await stage.passthrough("POST", "audio/speech", json=spoken)
    response = (await last(stage))["response"]
    assert (response["content_type"], response["body"], response["bytes"]) == ("audio/mpeg", None, len(got.content))


async def test_what_is_too_long_is_cut(stage: Stage) -> None:
    await stage.proxy("POST", "embeddings", json={"model": "text-embedding-3-small", "input": "x" * 30_000})
    found = await last(stage)
    assert len(json.dumps(found["request"]["body"])) < 4_000
    assert found["request"]["note"] == "Cut to about 4000 bytes: input."
    assert "data[0].embedding" in found["response"]["note"]


async def test_failures_and_refusals_show_what_was_asked(stage: Stage) -> None:
    await stage.proxy("POST", "chat_completions", json=CHAT | {"model": "no-such-model"})
    found = await last(stage)
    assert found["request"]["body"]["model"] == "no-such-model"
    assert "error" in found["response"]["body"]
    await stage.refusal("create_a_openai_chat_completion", {"messages": "nonsense", "api_key": "x"})
    found = await last(stage)
    assert (found["vendor_status"], found["response"]) == (0, None)
    assert found["request"]["body"] == {"messages": "nonsense", "api_key": "[hidden]"}
    assert found["request"]["note"].startswith("As it was asked for")
    await stage.value("openai_key_audit", {"fields": ["summary"]})
    found = await last(stage)
    assert found["tool"] == "openai_key_audit"
    assert found["request"]["body"] == {"fields": ["summary"]}


async def test_rows_with_bodies_can_be_looked_for(stage: Stage) -> None:
    await switch(stage, log_bodies=False)
    await stage.proxy("GET", "files")
    bare = await last(stage)
    assert (bare["has_bodies"], bare["request"], bare["response"]) == (False, None, None)
    await switch(stage, log_bodies=True)
    rows = (await stage.client.get("/log", limit="1000")).json["result"]
    for asked, wanted in (("true", True), ("false", False)):
        found = (await stage.client.get("/log", has_bodies=asked, limit="1000")).json["result"]
        assert [each["id"] for each in found] == [each["id"] for each in rows if each["has_bodies"] is wanted]
        assert found
        also = await stage.client.get("/log", **{"log_type_filter[has_bodies]": asked}, limit="1000")
        assert also.json["result"] == found
    assert (await stage.client.get("/log", has_bodies="perhaps")).status == 400
    assert (await stage.client.get("/log", **{"log_type_filter[has_bodies]": "perhaps"})).status == 400


async def test_looking_is_audited_and_without_the_entry_nothing_is_shown(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    await stage.proxy("GET", "models")
    row = (await stage.client.get("/log", limit="1")).json["result"][0]

    async def entries() -> list[Any]:
        return (await stage.client.get("/audit", act="log.bodies_read", target=row["id"])).json["result"]

    await stage.client.get(f"/log/{row['id']}", bodies="false")
    assert await entries() == []
    assert (await stage.client.get(f"/log/{row['id']}")).json["response"]["status"] == 200
    (entry,) = await entries()
    assert entry["facts"] == {"integrated_account_id": stage.account_id}

    async def fail(*_: Any, **__: Any) -> None:
        raise Unavailable

    monkeypatch.setattr(stage.gateway.parts.audit, "add", fail)
    got = await stage.client.get(f"/log/{row['id']}")
    assert got.status == 503
    assert "gpt" not in got.content.decode()


async def test_a_body_that_cannot_be_kept_costs_neither_its_row_nor_its_call(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    def dropped() -> float:
        text = stage.gateway.parts.metrics.text().decode()
        return float(text.partition("\nportico_request_bodies_dropped_total ")[2].split()[0])

    before = dropped()

    async def fail(*_: Any) -> bytes:
        raise LookupError

    with monkeypatch.context() as patch:
        patch.setattr(stage.gateway.parts.keyring, "seal", fail)
        assert (await stage.proxy("GET", "models")).status == 200
        row = (await stage.client.get("/log", limit="1")).json["result"][0]
    assert (row["resource"], row["has_bodies"], dropped()) == ("models", False, before + 1)
    with monkeypatch.context() as patch:
        patch.setattr(bodies, "MOST_WAITING_BYTES", 100)
        assert (await stage.proxy("GET", "models")).status == 200
        row = (await stage.client.get("/log", limit="1")).json["result"][0]
    assert (row["has_bodies"], dropped()) == (False, before + 2)


async def test_bodies_wait_for_nobody(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """While they are being made ready, calls go on."""
    stalled = asyncio.Event()
    seal = stage.gateway.parts.keyring.seal

    async def slow(*given: Any) -> bytes:
        await stalled.wait()
        return await seal(*given)

    monkeypatch.setattr(stage.gateway.parts.keyring, "seal", slow)
    for _ in range(3):
        assert (await stage.proxy("GET", "models")).status == 200
    stalled.set()
    assert (await last(stage))["has_bodies"]


async def test_bodies_of_a_deleted_account_are_gone(stage: Stage) -> None:
    made = await stage.client.post(
        "/integrated-account",
        {"tenant_id": "brief", "integration": "openai", "context": {"api_key": PROJECT_KEY}, "log_bodies": True},
    )
    account = made.json["id"]
    await stage.client.get("/proxy/models", integrated_account_id=account)
    row = (await stage.client.get("/log", integrated_account_id=account)).json["result"][0]
    assert row["has_bodies"]
    await stage.client.delete(f"/integrated-account/{account}")
    found = (await stage.client.get(f"/log/{row['id']}")).json
    assert (found["request"], found["response"]) == (None, None)


async def test_bodies_of_others_are_not_seen(stage: Stage) -> None:
    await stage.proxy("POST", "chat_completions", json=CHAT)
    row = (await stage.client.get("/log", has_bodies="true", limit="1")).json["result"][0]
    made = await stage.client.post("/environment", {"name": "elsewhere"})
    token = await stage.client.post(
        "/api-token", {"name": "elsewhere", "environment_id": made.json["id"], "scopes": ["logs"]}
    )
    stranger = stage.client.as_holder_of(token.json["token"])
    assert (await stranger.get(f"/log/{row['id']}")).status == 404
    limited = await stage.client.post("/api-token", {"name": "calls", "scopes": ["call"]})
    assert (await stage.client.as_holder_of(limited.json["token"]).get(f"/log/{row['id']}")).status == 403


async def test_bodies_go_before_their_rows(stage: Stage) -> None:
    """The last test: it turns to a time when all of them are too old."""
    parts = stage.gateway.parts
    await stage.proxy("POST", "chat_completions", json=CHAT)
    await parts.recorder.flush()
    rows = await parts.database.one(_ROWS)
    assert rows
    assert rows[1] > 0
    moment = parts.clock()
    await parts.operators.clean(moment, moment.replace(year=2020), moment)
    assert await parts.database.one(_ROWS) == (rows[0], 0)
    assert await parts.database.one(_KEPT) == (0,)
