"""Finding a tool by words: exact names, areas, synonyms, and how often the right one is among the first."""

import pytest
from bench.search.score import catalog, index_of, ranks, recall, tasks

from portico.toolbox.search import Index, stem, words

VIEW = catalog()
INDEX = index_of(VIEW)


def test_right_tool_is_among_the_first_five() -> None:
    in_users_words = ranks(INDEX, [(each.in_users_words, each.right) for each in tasks()])
    in_api_words = ranks(INDEX, [(each.in_api_words, each.right) for each in tasks()])
    assert recall(in_users_words, 5) >= 0.85
    assert recall(in_api_words, 5) >= 0.95


def test_evaluation_asks_for_tools_that_exist() -> None:
    names = {each.tool.name for each in VIEW.offered}
    assert len(tasks()) * 2 >= 200
    assert {name for each in tasks() for name in each.right} <= names


@pytest.mark.parametrize("name", [each.tool.name for each in VIEW.operations[::7]])
def test_exact_name_comes_first(name: str) -> None:
    assert Index(VIEW.offered).search(name)[0] == name


def test_search_keeps_to_area_and_to_what_is_offered() -> None:
    tagged = INDEX.search("list files", tag="vector_stores", count=25)
    assert tagged
    assert set(tagged) <= {each.tool.name for each in VIEW.offered if "vector_stores" in each.tags}
    assert INDEX.search("list files", among={"list_all_openai_files"}) == ["list_all_openai_files"]
    assert INDEX.search("files", among=()) == []


@pytest.mark.parametrize("query", ["", "  ", "the of and", "xyzzy", "🙂", "a" * 10_000])
def test_what_means_nothing_finds_nothing(query: str) -> None:
    assert INDEX.search(query) == []


def test_synonyms_stand_for_what_the_vendor_calls_it() -> None:
    taught = Index(VIEW.operations, {"moderation": ["grumpy mumbling"]})
    assert Index(VIEW.operations).search("grumpy mumbling") == []
    assert "moderation" in taught.search("grumpy mumbling")[0]


def test_order_is_the_same_every_time() -> None:
    assert [INDEX.search("project") for _ in range(3)] == [index_of(VIEW).search("project")] * 3


@pytest.mark.parametrize(
    ("word", "expected"),
    [("batches", "batch"), ("policies", "policy"), ("embeddings", "embed"), ("stopped", "stop"), ("class", "class")],
)
def test_endings_come_off(word: str, expected: str) -> None:
    assert stem(word) == expected
    assert words(f"the {word}") == [expected]
