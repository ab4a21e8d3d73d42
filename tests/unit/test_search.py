"""Finding a tool by words: exact names, areas, synonyms, and how often the right one is among the first."""

import statistics

import pytest
from bench.search.score import PAGE, Bench, Figures, catalog, held_out, index_of, lent, seconds, table, tasks

from portico.toolbox import intents
from portico.toolbox.search import Index
from portico.toolbox.words import Spelling, stem, words

VIEW = catalog()
INDEX, EVERYTHING = index_of(VIEW), Index(VIEW.offered)
BENCH = Bench(VIEW)


@pytest.fixture(scope="module", name="figures")
def _figures() -> list[Figures]:
    return BENCH.figures()


def test_right_tool_is_among_the_first_five_of_every_set(figures: list[Figures]) -> None:
    assert len(figures) == 3
    for each in figures:
        assert each.in_users_words[5] >= 0.85, each.title
        assert each.in_api_words[5] >= 0.95, each.title


def test_figures_in_the_documentation_are_these(figures: list[Figures]) -> None:
    assert table(figures) in PAGE.read_text("utf-8")


def test_search_takes_less_than_five_milliseconds() -> None:
    times = seconds(BENCH, held_out())
    assert statistics.median(times) < 0.005


def test_evaluation_asks_for_tools_that_exist() -> None:
    names = {each.tool.name for each in VIEW.offered}
    assert len(tasks()) * 2 >= 200
    assert len(tasks("held_out.tsv")) >= 240
    for each in (*tasks(), *tasks("held_out.tsv")):
        assert each.right
        assert each.right <= names


def test_held_out_tasks_cover_every_area() -> None:
    asked = {name for each in tasks("held_out.tsv") for name in each.right}
    covered = {each.resource for each in VIEW.operations if each.tool.name in asked}
    left_out = {each.resource for each in VIEW.operations} - covered
    assert left_out == {"agent_subagent_turn_items", "video_characters", "video_edits", "video_extensions"}


def test_what_is_held_out_was_not_tuned_on() -> None:
    tuned = {spoken.casefold() for each in (*tasks(), *lent()) for spoken in (each.in_users_words, each.in_api_words)}
    kept = [spoken.casefold() for each in held_out() for spoken in (each.in_users_words, each.in_api_words)]
    assert tuned.isdisjoint(kept)
    assert len(set(kept)) == len(kept)


@pytest.mark.parametrize("name", [each.tool.name for each in VIEW.operations[::7]])
def test_exact_name_comes_first(name: str) -> None:
    assert EVERYTHING.search(name)[0] == name


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


@pytest.mark.parametrize(
    ("query", "name"),
    [
        ("GET /v1/me", "list_all_openai_me"),
        ("post /files", "create_a_openai_file"),
        ("GET /vector_stores/{id}/files", "list_all_openai_vector_store_files"),
        ("DELETE https://api.openai.com/v1/files/file-abc123?x=1", "delete_a_openai_file_by_id"),
        ("GET organization/users/:user_id/roles", "list_all_openai_user_roles"),
        ("POST /batches/batch_42/cancel", "openai_batches_cancel"),
    ],
)
def test_verb_and_path_find_their_operation(query: str, name: str) -> None:
    assert INDEX.search(query)[0] == name


@pytest.mark.parametrize("query", ["/", "//", "/v1/", "/{xyzzy}", "/{xyzzy}/{quux}", "xyzzy/quux"])
def test_path_of_nothing_finds_nothing(query: str) -> None:
    assert INDEX.search(query) == []


@pytest.mark.parametrize(
    ("query", "name"),
    [
        ("list projcets", "list_all_openai_projects"),
        ("craete vektor store", "create_a_openai_vector_store"),
        ("ratelimits of a project", "list_all_openai_project_rate_limits"),
    ],
)
def test_slips_of_the_pen_are_forgiven(query: str, name: str) -> None:
    assert name in INDEX.search(query, count=3)


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("projcet", "project"),
        ("subtitels", "subtitles"),
        ("ratelimit", "rate limit"),
        ("rate", "rate"),
        ("rtae", "rtae"),
        ("trojan", "trojan"),
        ("zebra", "zebra"),
        ("p" * 1000, "p" * 1000),
    ],
)
def test_unknown_word_is_mended_only_where_a_known_one_is_near(written: str, meant: str) -> None:
    assert Spelling(["project", "subtitles", "rate", "limit"]).mend(written) == meant


@pytest.mark.parametrize(
    ("query", "method"),
    [
        ("please delete this", "delete"),
        ("I need to retrieve a batch", "get"),
        ("a logo", "create"),
        ("we have no use for it any more", "delete"),
        ("put it on hold", "pause"),
        ("GET things", "list"),
        ("DELETE things", "delete"),
    ],
)
def test_what_somebody_wants_done_is_heard(query: str, method: str) -> None:
    assert intents.meant(query, query.lower()).methods[method] == 1.0


def test_first_verb_says_more_than_a_later_one() -> None:
    methods = intents.meant("", "list what i can delete").methods
    assert methods["list"] > methods["delete"] > 0


@pytest.mark.parametrize(
    ("query", "reads"), [("is it done", True), ("who may do this", True), ("start it", False), ("", False)]
)
def test_question_changes_nothing(query: str, reads: bool) -> None:
    assert intents.meant(query, query).reads is reads


def test_names_of_other_tools_in_a_sentence_are_no_words_of_this_one() -> None:
    [vague] = [each for each in VIEW.operations if each.key == "admin_api_keys.list"]
    assert "list_all_openai_project_api_keys" in vague.says
    assert Index([vague]).search("project") == []
