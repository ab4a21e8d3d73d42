"""Names on a server that is limited: they are understood, and tell nothing of what the server keeps back."""

import pytest

from tests.demo import Demo
from tests.toolbox.test_names import sentence

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest.mark.parametrize("by", ["name", "id"])
async def test_names_beyond_a_constraint_are_not_shown(demo: Demo, by: str) -> None:
    allowed = "Data-Science" if by == "name" else demo.project("Data-Science").id
    server = await demo.maker.server(arguments={"project_id": {"enum": [allowed]}})
    told = sentence(await server.refusal("list_all_openai_project_users", {"project_id": "Data-Sciense"}))
    assert "Data-Science" in told
    assert "Marketing-Gen" not in told
    value = await server.value("list_all_openai_project_users", {"project_id": "Data-Science"})
    assert value["result"]


async def test_namesakes_beyond_a_constraint_are_not_shown(demo: Demo) -> None:
    for name in ("Atlas", "ATLAS"):
        await demo.value("create_a_openai_project", {"name": name})
    server = await demo.maker.server(arguments={"project_id": {"enum": [demo.project("Atlas").id]}})
    told = sentence(await server.refusal("list_all_openai_project_users", {"project_id": "atlas"}))
    assert "is the name of 2" in told
    assert demo.project("ATLAS").id not in told


async def test_server_without_the_list_shows_no_names(demo: Demo) -> None:
    server = await demo.maker.server(methods=["get_single_openai_project_by_id"])
    told = sentence(await server.refusal("get_single_openai_project_by_id", {"id": "Nowhere"}))
    assert "'Nowhere' is neither an id nor a name" in told
    assert "Data-Science" not in told
    assert (await server.value("get_single_openai_project_by_id", {"id": "Data-Science"}))["name"] == "Data-Science"


async def test_names_can_be_switched_off(demo: Demo) -> None:
    server = await demo.maker.server(comforts_off=["names"])
    refusal = await server.refusal("get_single_openai_project_by_id", {"id": "Data-Science"})
    assert refusal["status"] == 404
    assert demo.listed("/v1/organization/projects") == 0
