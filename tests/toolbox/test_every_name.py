"""Whatever the catalog says has a name is found by it, with the vendor's own answers."""

from pathlib import Path

import pytest

from portico.catalog.load import load_folder
from portico.model.operation import Operation
from portico.shapes import Json
from portico.toolbox import names
from tests.catalog.example_runner import Runner
from tests.demo import Demo

pytestmark = pytest.mark.asyncio(loop_scope="module")
VIEW = load_folder(Path("src/portico/integrations/openai/catalog"))


def getters() -> list[tuple[Operation, Operation]]:
    """Operations that look at one item of a list whose items have names, and that list."""
    found: list[tuple[Operation, Operation]] = []
    for each in VIEW.operations:
        own = next((one for one in each.parameters if one.name == each.identity), None)
        if each.method != "get" or own is None or own.names not in VIEW.integration.names:
            continue
        resource, _, method = own.names.partition(".")
        if VIEW.integration.names[own.names].fields:
            found.append((each, VIEW.find(resource, method)))
    return found


PAIRS = getters()


@pytest.mark.parametrize(("look", "listing"), [pytest.param(*pair, id=pair[0].key) for pair in PAIRS])
async def test_item_is_found_by_its_name(demo: Demo, look: Operation, listing: Operation) -> None:
    runner = Runner(demo.client, demo.account_id, VIEW, demo.world, demo.sandbox_url)
    asked = await runner.arguments(look)
    parents = {name: asked[name] for name in listing.path_parameters if name in asked}
    listed: list[Json] = (await demo.value(listing.tool.name, parents))["result"]
    if not any(_names(listing, each) for each in listed):
        listed = [await _named(demo, runner, look, asked, parents)]
    listed.sort(key=lambda each: each[VIEW.integration.names[listing.key].id] != asked["id"])
    every = [name.casefold() for each in listed for name in _names(listing, each)]
    name, item = next(
        (name, each) for each in listed for name in _names(listing, each) if every.count(name.casefold()) == 1
    )
    value = await demo.value(look.tool.name, {**asked, "id": name.swapcase()})
    assert f"{name.swapcase()} = {item[VIEW.integration.names[listing.key].id]}" in str(value["understood"])


def _names(listing: Operation, item: Json) -> list[str]:
    return [text for field in VIEW.integration.names[listing.key].fields for text in names.texts_at(item, field)]


async def _named(demo: Demo, runner: Runner, look: Operation, asked: Json, parents: Json) -> Json:
    """Such an item with a name that people gave it: the same, or a new one where it cannot be changed."""
    given = {"metadata": {"title": "Called for the test"}}
    if VIEW.has(look.resource, "update"):
        change = VIEW.find(look.resource, "update").tool.name
        await demo.value(change, {**parents, "id": asked["id"], **given})
        return {"id": asked["id"], **given}
    create = VIEW.find(look.resource, "create")
    return await demo.value(create.tool.name, {**await runner.arguments(create), **given})
