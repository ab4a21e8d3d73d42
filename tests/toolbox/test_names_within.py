"""Names for ids that stand inside an argument: found, told by their place, and no more is shown than of a flat one."""

from typing import Any

import pytest

from tests.demo import Demo
from tests.toolbox.test_names import sentence

pytestmark = pytest.mark.asyncio(loop_scope="module")
FILE = {"file": {"text": "Tulips are planted in autumn.", "filename": "tulips.md"}, "purpose": "assistants"}


def searching(*stores: str) -> dict[str, Any]:
    """A response that looks into these stores."""
    tools = [{"type": "web_search"}, {"type": "file_search", "vector_store_ids": list(stores)}]
    return {"model": "gpt-4o", "input": "When are tulips planted?", "tools": tools}


async def test_store_in_a_tool_of_a_response_is_found_by_name(demo: Demo) -> None:
    first, second = [(await demo.value("create_a_openai_vector_store", {"name": each}))["id"] for each in ("A1", "B2")]
    value = await demo.value("create_a_openai_response", searching("A1", first, "b2"))
    assert value["understood"] == {"tools[1].vector_store_ids": f"A1 = {first}; b2 = {second}"}
    assert value["tools"][1]["vector_store_ids"] == [first, first, second]


async def test_project_of_an_invitation_is_found_by_name(demo: Demo) -> None:
    projects = [{"id": each, "role": "member"} for each in ("data-science", demo.project("Marketing-Gen").id)]
    asked = {"email": "jo.tarn@larkfield.example", "role": "reader", "projects": projects}
    value = await demo.value("create_a_openai_invite", asked)
    science = demo.project("Data-Science").id
    assert [each["id"] for each in value["projects"]] == [science, projects[1]["id"]]
    assert value["understood"] == {"projects[0].id": f"data-science = {science}"}


async def test_file_of_a_batch_is_found_by_its_filename(demo: Demo) -> None:
    file = await demo.value("create_a_openai_file", FILE)
    store = await demo.value("create_a_openai_vector_store", {"name": "Bulbs"})
    asked = {"vector_store_id": "Bulbs", "extra": {"files": [{"file_id": "tulips.md", "attributes": {"kind": "bulb"}}]}}
    value = await demo.value("create_a_openai_vector_store_file_batch", {**asked, "wait_seconds": 60})
    assert value["understood"]["files[0].file_id"] == f"tulips.md = {file['id']}"
    listed = await demo.value("list_all_openai_vector_store_files", {"vector_store_id": store["id"]})
    assert [each["id"] for each in listed["result"]] == [file["id"]]


@pytest.mark.parametrize(
    ("tool", "asked", "place"),
    [
        ("create_a_openai_chat_completion",
         {"messages": [{"role": "user", "content": [{"type": "file", "file": {"file_id": "tulips.md"}}]}]},
         "messages[0].content[0].file.file_id"),
        ("create_a_openai_response",
         {"input": [{"role": "user", "content": [{"type": "input_file", "file_id": "tulips.md"}]}]},
         "input[0].content[0].file_id"),
        ("create_a_openai_assistant",
         {"extra": {"tool_resources": {"code_interpreter": {"file_ids": ["tulips.md"]}}}},
         "tool_resources.code_interpreter.file_ids"),
    ],
)  # fmt: skip
async def test_file_is_found_wherever_one_stands(demo: Demo, tool: str, asked: dict[str, Any], place: str) -> None:
    file = await demo.value("create_a_openai_file", FILE)
    value = await demo.value(tool, {"model": "gpt-4o", **asked, "dry_run": True})
    assert value["understood"] == {place: f"tulips.md = {file['id']}"}
    assert file["id"] in str(value["request"]["body"])
    assert "tulips.md" not in str(value["request"]["body"])


async def test_miss_is_told_by_its_place(demo: Demo) -> None:
    await demo.value("create_a_openai_vector_store", {"name": "Perennials"})
    refusal = await demo.refusal("create_a_openai_response", searching("Perenials"))
    assert refusal["failures"][0]["argument"] == "tools[1].vector_store_ids"
    assert "nearest: vs_" in sentence(refusal)
    assert not demo.seen("/v1/responses")


async def test_namesakes_are_both_told(demo: Demo) -> None:
    ids = [(await demo.value("create_a_openai_vector_store", {"name": "Twins"}))["id"] for _ in range(2)]
    told = sentence(await demo.refusal("create_a_openai_response", searching("Twins")))
    assert "'Twins' is the name of 2; give the id" in told
    assert all(each in told for each in ids)


async def test_text_in_the_place_of_a_list_holds_no_ids(demo: Demo) -> None:
    demo.clear()
    await demo.value("create_a_openai_response", {"model": "gpt-4o", "input": "Hello"})
    assert demo.listed("/v1/files") == 0


@pytest.mark.parametrize("limited", ["vector_store_id", "vector_store_ids", "tools"])
async def test_limited_server_shows_no_more_than_it_allows(demo: Demo, limited: str) -> None:
    ids = {each: (await demo.value("create_a_openai_vector_store", {"name": each}))["id"] for each in ("Open", "Opus")}
    limit = {"maxItems": 2} if limited == "tools" else {"enum": [ids["Open"]]}
    server = await demo.maker.server(arguments={limited: limit}, methods=["read", "create_a_openai_response"])
    told = sentence(await server.refusal("create_a_openai_response", searching("Opu")))
    assert "'Opu' is neither an id nor a name" in told
    assert ids["Opus"] not in told
    assert (ids["Open"] in told) == (limited != "tools")


async def test_switched_off_names_stay_as_they_are(demo: Demo) -> None:
    server = await demo.maker.server(comforts_off=["names"])
    await server.refusal("create_a_openai_response", searching("Perennials"))
    assert demo.seen("/v1/responses")
