"""Files and models, through the official SDK and bare."""

import io

import openai
import pytest
from bare_http import Caller, form
from openai import OpenAI

from portico.sandbox.file_store import FILES
from portico.sandbox.roster import TUNED, Model
from portico.sandbox.state import World


def test_models_are_listed_and_found(client: OpenAI) -> None:
    names = [model.id for model in client.models.list()]
    assert "gpt-4o-mini" in names
    assert client.models.retrieve("gpt-4o-mini").owned_by == "system"


def test_unknown_model_is_not_found(client: OpenAI) -> None:
    with pytest.raises(openai.NotFoundError) as refused:
        client.models.retrieve("gpt-nothing")
    assert refused.value.code == "model_not_found"


def test_only_own_models_can_be_deleted(client: OpenAI, world: World) -> None:
    own = Model("ft:gpt-4o-mini:test::1", 1, "chat", "test")
    world.organization("test").default_project.shelf.of(TUNED).add(own.id, own)
    assert client.models.delete(own.id).deleted
    with pytest.raises(openai.NotFoundError):
        client.models.delete(own.id)
    with pytest.raises(openai.PermissionDeniedError):
        client.models.delete("gpt-4o-mini")


def test_file_comes_back_byte_for_byte(client: OpenAI) -> None:
    content = bytes(range(256)) * 20
    file = client.files.create(file=("every byte.bin", content), purpose="user_data")
    assert (file.filename, file.bytes, file.purpose) == ("every byte.bin", len(content), "user_data")
    assert client.files.retrieve(file.id) == file
    assert client.files.content(file.id).read() == content


def test_large_upload_goes_to_disk(client: OpenAI, world: World) -> None:
    content = b"0123456789abcdef" * 200_000
    file = client.files.create(file=("large.bin", io.BytesIO(content)), purpose="user_data")
    assert world.organization("test").default_project.shelf.of(FILES).get(file.id).blob.on_disk
    assert client.files.content(file.id).read() == content


def test_files_are_paged_and_filtered(client: OpenAI) -> None:
    made = [client.files.create(file=(f"{n}.txt", b"x"), purpose="user_data").id for n in range(5)]
    client.files.create(file=("other.txt", b"x"), purpose="assistants")
    page = client.files.list(limit=2, purpose="user_data")
    assert [file.id for file in page.data] == made[:2:-1]
    assert page.has_more
    assert [file.id for file in client.files.list(limit=2, purpose="user_data", order="asc")] == made


def test_list_carries_the_ends_of_its_page(client: OpenAI, call: Caller) -> None:
    first = client.files.create(file=("a.txt", b"x"), purpose="user_data").id
    last = client.files.create(file=("b.txt", b"x"), purpose="user_data").id
    page = call("GET", "/v1/files").json
    assert (page["object"], page["first_id"], page["last_id"], page["has_more"]) == ("list", last, first, False)


def test_cursor_outlives_its_file(client: OpenAI) -> None:
    made = [client.files.create(file=(f"{n}.txt", b"x"), purpose="user_data").id for n in range(4)]
    page = client.files.list(limit=2)
    for file in page.data:
        client.files.delete(file.id)
    assert [file.id for file in page.get_next_page().data] == [made[1], made[0]]


def test_deleted_file_is_gone(client: OpenAI) -> None:
    file = client.files.create(file=("a.txt", b"x"), purpose="user_data")
    assert client.files.delete(file.id).deleted
    for look in (client.files.retrieve, client.files.content, client.files.delete):
        with pytest.raises(openai.NotFoundError):
            look(file.id)


def test_file_expires_by_the_clock(client: OpenAI, world: World) -> None:
    policy = {"anchor": "created_at", "seconds": 3600}
    file = client.files.create(file=("a.txt", b"x"), purpose="user_data", expires_after=policy)  # pyright: ignore[reportArgumentType] -- the client narrows what the wire takes
    assert file.expires_at == file.created_at + 3600
    world.advance(3601)
    with pytest.raises(openai.NotFoundError):
        client.files.retrieve(file.id)


def test_batch_files_live_thirty_days(client: OpenAI) -> None:
    file = client.files.create(file=("a.jsonl", b"{}"), purpose="batch")
    assert file.expires_at == file.created_at + 30 * 24 * 3600


def test_files_of_another_project_look_missing(client: OpenAI, sandbox_url: str) -> None:
    file = client.files.create(file=("a.txt", b"x"), purpose="user_data")
    stranger = Caller(sandbox_url, "sk-proj-stranger")
    assert stranger("GET", f"/v1/files/{file.id}").status == 404
    assert stranger("GET", "/v1/files").json["data"] == []


@pytest.mark.parametrize(
    ("fields", "files", "param", "code"),
    [
        ({"purpose": "user_data"}, {}, "file", "missing_required_parameter"),
        ({}, {"file": ("a", b"x")}, "purpose", "missing_required_parameter"),
        ({"purpose": "fun"}, {"file": ("a", b"x")}, "purpose", "invalid_value"),
        ({"purpose": "user_data", "colour": "red"}, {"file": ("a", b"x")}, "colour", "unknown_parameter"),
        ({"purpose": "user_data"}, {"file": ("a", b"")}, "file", "empty_file"),
        (
            {"purpose": "user_data", "expires_after[anchor]": "created_at", "expires_after[seconds]": "5"},
            {"file": ("a", b"x")},
            "expires_after.seconds",
            "integer_below_min_value",
        ),
    ],
)
def test_bad_uploads_are_refused(
    call: Caller, fields: dict[str, str], files: dict[str, tuple[str, bytes]], param: str, code: str
) -> None:
    body, kind = form(fields, files)
    got = call("POST", "/v1/files", body, {"content-type": kind})
    assert got.status == 400
    assert (got.error["param"], got.error["code"]) == (param, code)


def test_broken_form_is_refused(call: Caller) -> None:
    body, kind = form({"purpose": "user_data"}, {"file": ("a", b"x")})
    got = call("POST", "/v1/files", body[:-30], {"content-type": kind})
    assert (got.status, got.error["type"]) == (400, "invalid_request_error")
