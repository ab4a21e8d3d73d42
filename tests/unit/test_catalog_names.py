"""The grammar of names: of tools, of singulars, of resources for a path."""

import pytest
from msgspec import structs

from portico.catalog.names import resource_and_method, singular, tool_name
from tests.unit import lumen


@pytest.mark.parametrize(
    ("key", "name"),
    [
        ("lamps.list", "list_all_lumen_lamps"),
        ("lamps.get", "get_single_lumen_lamp_by_id"),
        ("lamps.create", "create_a_lumen_lamp"),
        ("lamps.update", "update_a_lumen_lamp_by_id"),
        ("lamps.delete", "delete_a_lumen_lamp_by_id"),
        ("lamps.blink", "lumen_lamps_blink"),
        ("house.get", "get_single_lumen_house"),
        ("house.update", "update_a_lumen_house"),
        ("scene_search.list", "list_all_lumen_scene_search"),
    ],
)
def test_tools_are_named_after_what_they_do(key: str, name: str) -> None:
    assert tool_name("lumen", lumen.operation(key)) == name


def test_a_singular_that_is_given_wins() -> None:
    assert tool_name("lumen", lumen.operation("lamps.get"), "lantern") == "get_single_lumen_lantern_by_id"


def test_an_own_id_shows_in_the_name_even_below_a_parent() -> None:
    operation = structs.replace(lumen.operation("room_locks.get"), identity="")
    assert tool_name("lumen", operation) == "get_single_lumen_room_lock"
    assert tool_name("lumen", lumen.operation("room_locks.get")) == "get_single_lumen_room_lock_by_id"


@pytest.mark.parametrize(
    ("plural", "one"),
    [
        ("files", "file"), ("vector_store_file_batches", "vector_store_file_batch"), ("batches", "batch"),
        ("policies", "policy"), ("boxes", "box"), ("classes", "class"), ("dishes", "dish"), ("analyses", "analysis"),
        ("series", "series"), ("speech", "speech"), ("access", "access"), ("me", "me"),
        ("data_retention", "data_retention"), ("admin_api_keys", "admin_api_key"), ("responses", "response"), ("s", ""),
    ],
)  # fmt: skip
def test_the_last_word_becomes_singular(plural: str, one: str) -> None:
    assert singular(plural) == one


@pytest.mark.parametrize(
    ("verb", "path", "expected"),
    [
        ("GET", "/files", ("files", "list")),
        ("GET", "/files/{file_id}", ("files", "get")),
        ("POST", "/files", ("files", "create")),
        ("POST", "/files/{file_id}", ("files", "update")),
        ("PATCH", "/files/{file_id}", ("files", "update")),
        ("PUT", "/files/{file_id}", ("files", "update")),
        ("DELETE", "/files/{file_id}", ("files", "delete")),
        ("POST", "/batches/{batch_id}/cancel", ("batches", "cancel")),
        ("POST", "/uploads/{upload_id}/parts", ("upload_parts", "create")),
        ("GET", "/vector_stores/{id}/files/{file_id}", ("vector_store_files", "get")),
        ("GET", "/evals/{id}/runs/{run}/output_items", ("eval_run_output_items", "list")),
        ("POST", "/audio/speech-notes", ("audio_speech_notes", "create")),
    ],
)
def test_a_path_has_a_name_by_rule(verb: str, path: str, expected: tuple[str, str]) -> None:
    assert resource_and_method(verb, path) == expected


def test_words_that_say_nothing_are_dropped() -> None:
    assert resource_and_method("GET", "/organization/users", frozenset({"organization"})) == ("users", "list")
    assert resource_and_method("GET", "/organization", frozenset({"organization"})) == ("organization", "list")
