"""Tools as agents hold them: what they say when something goes wrong, and how few stand for many."""

import json
from collections.abc import Generator
from typing import Any

import pytest

from portico.sandbox.faults import from_body
from portico.sandbox.settings import settings
from portico_client import AsyncPortico, Portico, PorticoError, Tool, ToolFailed, ToolManager
from portico_client.adapters.openai import ChatWire, ResponseWire, chat_tools, response_tools
from portico_client.adapters.pieces import for_gemini
from portico_client.adapters.turns import Talk, TooManyTurns
from tests.served import Served, served

ADMIN_KEY = "create_a_openai_admin_api_key"
MODELS = "list_all_openai_models"


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Generator[Served]:
    with served(tmp_path_factory.mktemp("tools")) as opened:
        yield opened


@pytest.fixture(scope="module")
def client(house: Served) -> Generator[Portico]:
    with Portico(house.url, house.token, account_id=house.account_id) as made:
        yield made


def named(tools: list[Tool[Any]]) -> dict[str, Tool[Any]]:
    return {each.name: each for each in tools}


def refuse(house: Served, fault: str = "status=429;retry-after=3", times: int = 1) -> None:
    house.world.faults.append(from_body({"fault": fault, "match": {"path": "/v1/models"}, "times": times}))


def test_a_vendors_rate_limit_says_how_long_to_wait(client: Portico, house: Served) -> None:
    refuse(house)
    result = client.tools.run(MODELS)
    assert (result.is_error, result.retry_after) == (True, 3.0)
    assert "Wait 3 seconds" in result.text
    refuse(house)
    assert json.loads(named(ToolManager(client).get_tools())[MODELS].call({}))["retry_after_seconds"] == 3.0


async def test_a_program_says_what_becomes_of_a_key_that_is_shown_once(client: Portico, house: Served) -> None:
    made = client.tools.run(ADMIN_KEY, name="one").checked().structured["value"]
    shown = client.tools.run(ADMIN_KEY, {"name": "two"}, secrets="reveal").checked().structured["value"]
    async with AsyncPortico(house.url, house.token, account_id=house.account_id) as other:
        kept = (await other.tools.run(ADMIN_KEY, name="three", secrets="store")).checked().structured["value"]
    assert made["link"].startswith(house.url)
    assert shown.startswith("sk-admin-")
    assert kept["stored"] == "three"


async def test_a_rate_limit_is_raised_where_a_program_pauses(client: Portico, house: Served) -> None:
    tool = named(ToolManager(client, raise_rate_limits=True).get_tools(methods=["read"]))[MODELS]
    refuse(house, times=2)
    for call in (tool.call, tool.answer):
        with pytest.raises(ToolFailed) as caught:
            call({})
        assert caught.value.retry_after == 3.0
    async with AsyncPortico(house.url, house.token, account_id=house.account_id) as other:
        awaited = named(await ToolManager(other, raise_rate_limits=True).get_tools(methods=["read"]))
        refuse(house)
        with pytest.raises(PorticoError) as raised:
            await awaited[MODELS].acall({})
        assert raised.value.retry_after == 3.0
        assert "list_all_openai_files" in await awaited["get_single_openai_file_by_id"].acall({"id": "file-none"})
        with pytest.raises(TypeError, match="AsyncPortico"):
            awaited[MODELS].call({})


def test_a_budget_that_is_used_up_is_nothing_to_wait_for(client: Portico, house: Served) -> None:
    """The answer has the headers of the rate limit too, which is far from reached."""
    (limited,) = house.world.organizations.values()
    settings(limited.shelf).spend_limit_cents = 0
    try:
        tool = named(ToolManager(client, raise_rate_limits=True).get_tools())["create_a_openai_moderation"]
        result = tool.answer({"input": "hello"})
    finally:
        settings(limited.shelf).spend_limit_cents = None
    assert (result.is_error, result.structured["status"], result.retry_after) == (True, 429, None)
    assert "whether a budget is used up" in result.text


def test_the_list_is_searched_in_the_words_of_people(client: Portico) -> None:
    found = [each["name"] for each in client.tools.list(search="how much money did we spend", limit=5)]
    assert len(found) == 5
    assert {"openai_costs_report", "list_all_openai_costs"} <= set(found)
    assert all("costs" not in each["name"] for each in client.tools.list(search="money spent", tags=["vector_stores"]))
    assert client.tools.list(search="zzzqqq") == []


def test_four_tools_find_describe_and_run_the_others(client: Portico) -> None:
    few = named(ToolManager(client).discovery())
    found = json.loads(few["search_tools"].call({"query": "make a vector store", "limit": 3}))["result"]
    assert len(found) == 3
    (store,) = [each for each in found if each["name"] == "create_a_openai_vector_store"]
    assert store["call_with"] == "call_write_tool"
    (told,) = json.loads(few["get_tool_schema"].call({"tool_names": [store["name"]]}))["result"]
    assert "name" in told["input_schema"]["properties"]
    made = few["call_write_tool"].call({"tool_name": store["name"], "arguments": '{"name": "found"}'})
    assert json.loads(made)["name"] == "found"
    assert few["call_read_tool"].run({"tool_name": MODELS}).checked().structured["result"]
    nothing = json.loads(few["search_tools"].call({"query": "zzzqqq"}))
    assert store["name"] in nothing["tools"]["vector_stores"]


@pytest.mark.parametrize(
    ("name", "arguments", "words"),
    [
        ("call_read_tool", {"tool_name": "create_a_openai_vector_store"}, "call_write_tool"),
        ("call_write_tool", {"tool_name": "create_a_openai_vectorstore"}, "nearest: create_a_openai_vector_store"),
        ("call_write_tool", {"arguments": {}}, "search_tools gave"),
        ("call_write_tool", {"tool_name": MODELS, "arguments": "no object"}, "an object"),
        ("get_tool_schema", {"tool_names": []}, "1 to 5 names"),
        ("search_tools", {"query": "models", "limit": 99}, "1 to 25"),
    ],
)
def test_a_wrong_step_says_what_is_right(client: Portico, name: str, arguments: Any, words: str) -> None:
    result = named(ToolManager(client).discovery())[name].answer(arguments)
    assert result.is_error
    assert words in result.text


def test_few_tools_reach_no_further_than_their_choice(client: Portico) -> None:
    few = named(ToolManager(client).discovery(methods=["read"], tags=["vector_stores"]))
    for name in (MODELS, "create_a_openai_vector_store"):
        refused = few["call_write_tool"].answer({"tool_name": name, "arguments": {"name": "not made"}})
        assert refused.is_error
        assert "There is no tool" in refused.text
    assert all("vector_store" in each["name"] for each in json.loads(
        few["search_tools"].call({"query": "list models and stores"}))["result"])  # fmt: skip


class Words:
    """An answer as the official SDK has it, as far as the loop reads it."""

    def __init__(self, **facts: Any) -> None:
        self.facts = facts

    def model_dump(self, **_more: Any) -> dict[str, Any]:
        return dict(self.facts)


def calling(name: str, arguments: str, number: int) -> Words:
    return Words(type="function_call", call_id=f"call_{number}", name=name, arguments=arguments)


class Answer:
    def __init__(self, *output: Words) -> None:
        self.output = output


def test_a_loop_that_was_stopped_by_a_rate_limit_goes_on_where_it_was(client: Portico, house: Served) -> None:
    """Two calls in one answer: the first is answered, the second refused; after the pause only that one is made."""
    tools = ToolManager(client, raise_rate_limits=True).get_tools(methods=["create_a_openai_vector_store", MODELS])
    said: list[Any] = [{"role": "user", "content": "Make a store, then list the models."}]
    both = Answer(
        calling("create_a_openai_vector_store", '{"name": "only once"}', 1), calling(MODELS, "", 2)
    )  # fmt: skip
    answers = [both, Answer(Words(type="message", role="assistant", content="Done."))]
    talk = Talk(ResponseWire(), said, tools)
    refuse(house)
    with pytest.raises(ToolFailed) as caught:
        talk.run(lambda: answers.pop(0))
    assert caught.value.retry_after == 3.0
    assert [each.get("type", "words") for each in said] == [
        "words", "function_call", "function_call", "function_call_output",
    ]  # fmt: skip
    assert talk.run(lambda: answers.pop(0)).output[0].facts["content"] == "Done."
    stores = [each["name"] for each in client.proxy.list("vector_stores", limit=100)]
    assert stores.count("only once") == 1


async def test_a_model_hears_what_is_wrong_with_its_calls(client: Portico) -> None:
    tools = ToolManager(client).get_tools(methods=[MODELS])
    said: list[Any] = []
    answers = [
        Answer(calling("no_such_tool", "{}", 1), calling(MODELS, "{not json", 2), calling(MODELS, "[1]", 3)),
        Answer(Words(type="message", role="assistant", content="Sorry.")),
    ]

    async def ask() -> Any:
        return answers.pop(0)

    await Talk(ResponseWire(), said, tools).arun(ask)
    outputs = [each["output"] for each in said if each["type"] == "function_call_output"]
    assert MODELS in outputs[0]
    assert "not valid JSON" in outputs[1]
    assert "one JSON object" in outputs[2]


def test_a_model_that_never_stops_is_stopped(client: Portico) -> None:
    tools = ToolManager(client).get_tools(methods=[MODELS])
    said: list[Any] = []
    numbers = iter(range(100))
    with pytest.raises(TooManyTurns, match="after 3 turns"):
        Talk(ResponseWire(), said, tools, most_turns=3).run(lambda: Answer(calling("unknown", "{}", next(numbers))))
    assert len(said) == 5


def test_results_are_given_to_loops_of_ones_own(client: Portico) -> None:
    tools = ToolManager(client).get_tools(methods=[MODELS])
    call = {"id": "c1", "type": "function", "function": {"name": MODELS, "arguments": "{}"}}
    said: list[Any] = [{"role": "assistant", "tool_calls": [call]}]
    (added,) = Talk(ChatWire(), said, tools).results()
    assert (added["role"], added["tool_call_id"]) == ("tool", "c1")
    assert "gpt-4o" in added["content"]
    assert Talk(ChatWire(), said, tools).results() == []


def test_every_schema_is_one_that_each_framework_takes(client: Portico) -> None:
    tools = ToolManager(client).get_tools()
    known = {"type", "format", "title", "description", "enum", "items", "minItems", "maxItems", "minimum", "maximum"}
    known |= {"anyOf", "properties", "additionalProperties", "required"}
    assert all(each["function"]["strict"] is False for each in chat_tools(tools))
    assert [each["name"] for each in response_tools(tools)] == [each.name for each in tools]
    for tool in tools:
        for schema in every_schema(for_gemini(tool.input_schema)):
            assert set(schema) <= known, tool.name
            assert not isinstance(schema.get("type"), list), tool.name
    # LangChain's own arguments of a tool's function, which an argument of the same name would be taken for.
    assert [each.name for each in tools if {"config", "run_manager", "callbacks"} & set(each.properties)] == []


def every_schema(schema: dict[str, Any]) -> Generator[dict[str, Any]]:
    yield schema
    inner = [*schema.get("properties", {}).values(), *schema.get("anyOf", ())]
    inner += [schema[name] for name in ("items", "additionalProperties") if isinstance(schema.get(name), dict)]
    for each in inner:
        yield from every_schema(each)


def test_a_bound_that_gemini_has_no_word_for_is_told_in_words() -> None:
    given = {"type": ["string", "null"], "maxLength": 5, "const": "a", "default": "a", "description": "One letter"}
    assert for_gemini(given) == {
        "anyOf": [{"type": "string"}, {"type": "null"}],
        "enum": ["a"],
        "description": "One letter (maxLength 5)",
    }
