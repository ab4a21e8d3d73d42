"""Every field that the catalog flags as a key: no model reads it, and whoever is handed the link does."""

import html
import re
from collections.abc import AsyncGenerator

import pytest
import pytest_asyncio

from portico.model.operation import Operation
from tests.catalog.example_runner import Runner
from tests.catalog.test_every_operation import VIEW
from tests.faces.mcp.speaker import Json, Speaker
from tests.faces.oauth.browser import Browser
from tests.toolbox.conftest import Desk

pytestmark = pytest.mark.asyncio(loop_scope="module")
FLAGGED = [pytest.param(each, id=each.key) for each in VIEW.operations if each.secrets]
_SHOWN = re.compile(rb"<textarea[^>]*>(.*?)</textarea>", re.DOTALL)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def linking(desk: Desk) -> AsyncGenerator[Speaker]:
    for name in ("one", "two"):  # the examples take what there is already
        await desk.value("openai_onboard_team", {"name": name, "service_account": name})
    yield await desk.maker.server(include_removed=True)


def at(value: Json, field: str) -> Json:
    for step in field.split("."):
        value = value[step]
    return value


@pytest.mark.parametrize("operation", FLAGGED)
async def test_flagged_key_reaches_whoever_has_the_link_alone(
    desk: Desk, linking: Speaker, operation: Operation
) -> None:
    stage = desk.stage
    runner = Runner(stage.client, stage.account_id, VIEW, stage.world, stage.sandbox_url)
    result = await linking.call(operation.tool.name, await runner.arguments(operation))
    assert not result["isError"], result
    value = result["structuredContent"]
    for field in operation.secrets:
        link = at(value, field)["link"]
        browser = Browser(stage.gateway)
        await browser.open(link)
        await browser.submit()
        found = _SHOWN.search(browser.page.content)
        assert found, browser.text
        key = html.unescape(found[1].decode())
        assert len(key) > 15
        assert key not in str(result)
        assert key.endswith(at(value, field)["ends_in"].removeprefix("…"))
