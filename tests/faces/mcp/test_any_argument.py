"""Whatever a model puts into an argument, it is told what is wrong with it: nothing fails inside."""

from typing import Any

import msgspec
import pytest

from tests.faces.mcp.speaker import Maker

pytestmark = pytest.mark.asyncio(loop_scope="module")
KINDS: tuple[Any, ...] = ([], {}, [[None]], 10**30, "[" * 10_000, "\x00")
CONTROLS = ("as", "then", "wait_seconds", "fields", "portico_retry", "store_as", "extra", "next_cursor")


@pytest.mark.parametrize("value", KINDS, ids=lambda value: str(value)[:10])
async def test_value_of_any_kind_in_every_argument_of_every_tool_is_answered_in_words(
    standing: Maker, value: Any
) -> None:
    server = await standing.server()
    for name, tool in (await server.tools()).items():
        arguments = dict.fromkeys((*tool["inputSchema"]["properties"], *CONTROLS), value)
        result = await server.call(name, arguments | ({} if tool["annotations"]["readOnlyHint"] else {"dry_run": True}))
        assert not result["isError"] or result["structuredContent"]["error"], name


@pytest.mark.parametrize("control", CONTROLS)
async def test_comfort_of_any_kind_is_answered_in_words(standing: Maker, control: str) -> None:
    server = await standing.server()
    asked: dict[str, dict[str, Any]] = {
        "create_a_openai_response": {"model": "gpt-4o", "input": "hi", "dry_run": True},
        "get_single_openai_batch_by_id": {"id": "batch_" + "a" * 24},
        "openai_files_content": {"id": "file-" + "a" * 24},
        "create_a_openai_project_service_account": {"project_id": "proj_x", "name": "x", "dry_run": True},
        "list_all_openai_models": {},
    }
    for value in KINDS:
        for name, arguments in asked.items():
            result = await server.call(name, arguments | {control: value})
            assert not result["isError"] or result["structuredContent"]["error"], (name, value)


@pytest.mark.parametrize("action", [[], {}, 5, None])
async def test_answer_of_any_kind_to_a_question_is_taken(standing: Maker, action: Any) -> None:
    server = await standing.server(confirm="writes")
    for identity in ("approval:x", "page:x", "secret:x", "nothing", 5):
        told = {"jsonrpc": "2.0", "id": identity, "result": {"action": action, "content": action}}
        assert (await server.send(msgspec.json.encode(told))).status == 202
