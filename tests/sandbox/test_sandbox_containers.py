"""Containers and their files, through the official SDK and bare."""

import base64
from typing import Any

import openai
import pytest
from bare_http import Caller, form
from openai import OpenAI
from test_sandbox_skills import manifest, zipped

from portico.sandbox.state import World

BYTES = bytes(range(256))


def test_container_lives_from_creation_to_deletion(client: OpenAI) -> None:
    made = client.containers.create(
        name="work",
        memory_limit="4g",
        network_policy={
            "type": "allowlist",
            "allowed_domains": ["example.com"],
            "domain_secrets": [{"domain": "example.com", "name": "TOKEN", "value": "hush"}],
        },
    )
    assert (made.object, made.status, made.name, made.memory_limit) == ("container", "running", "work", "4g")
    assert made.expires_after is not None
    assert (made.expires_after.anchor, made.expires_after.minutes) == ("last_active_at", 20)
    assert "hush" not in made.model_dump_json()
    found = client.containers.retrieve(made.id)
    assert (found.last_active_at or 0) >= (made.last_active_at or 0)  # a second may have begun since
    assert found.model_dump(exclude={"last_active_at"}) == made.model_dump(exclude={"last_active_at"})
    client.containers.delete(made.id)
    with pytest.raises(openai.NotFoundError):
        client.containers.retrieve(made.id)


def test_containers_are_paged_and_found_by_name(client: OpenAI, call: Caller) -> None:
    made = [client.containers.create(name=f"c{n % 2}").id for n in range(5)]
    assert [held.id for held in client.containers.list(limit=2)] == made[::-1]
    assert [held.id for held in client.containers.list(name="c1", order="asc")] == made[1::2]
    page = call("GET", "/v1/containers?limit=2").json
    assert (page["first_id"], page["last_id"], page["has_more"]) == (made[4], made[3], True)


def test_uploaded_file_comes_back_byte_for_byte(client: OpenAI) -> None:
    container = client.containers.create(name="work")
    file = client.containers.files.create(container.id, file=("every.bin", BYTES))
    assert (file.path, file.bytes, file.source, file.container_id) == (
        "/mnt/data/every.bin",
        256,
        "user",
        container.id,
    )
    assert client.containers.files.retrieve(file.id, container_id=container.id).model_dump() == file.model_dump()
    got = client.containers.files.content.retrieve(file.id, container_id=container.id)
    assert got.read() == BYTES
    client.containers.files.delete(file.id, container_id=container.id)
    for look in (client.containers.files.retrieve, client.containers.files.content.retrieve):
        with pytest.raises(openai.NotFoundError):
            look(file.id, container_id=container.id)


def test_files_of_the_project_are_copied_in(client: OpenAI) -> None:
    first = client.files.create(file=("a.txt", b"one"), purpose="user_data")
    second = client.files.create(file=("b.txt", b"two"), purpose="user_data")
    container = client.containers.create(name="work", file_ids=[first.id])
    copied = client.containers.files.create(container.id, file_id=second.id)
    client.files.delete(second.id)
    assert client.containers.files.content.retrieve(copied.id, container_id=container.id).read() == b"two"
    paths = [file.path for file in client.containers.files.list(container.id, limit=1, order="asc")]
    assert paths == ["/mnt/data/a.txt", "/mnt/data/b.txt"]


def test_file_at_the_same_path_is_overwritten(client: OpenAI) -> None:
    container = client.containers.create(name="work")
    client.containers.files.create(container.id, file=("a.txt", b"old"))
    newer = client.containers.files.create(container.id, file=("a.txt", b"new"))
    assert [file.id for file in client.containers.files.list(container.id)] == [newer.id]


def test_skills_are_unpacked_into_the_container(client: OpenAI) -> None:
    skill = client.skills.create(files=[("tea/SKILL.md", manifest()), ("tea/run.py", b"1")])
    client.skills.versions.create(skill.id, files=[("SKILL.md", manifest("coffee"))])
    inline: Any = base64.b64encode(zipped({"SKILL.md": manifest("milk")})).decode()
    container = client.containers.create(
        name="work",
        skills=[
            {"type": "skill_reference", "skill_id": skill.id},
            {"type": "skill_reference", "skill_id": skill.id, "version": "latest"},
            {
                "type": "inline",
                "name": "milk",
                "description": "Adds milk.",
                "source": {"type": "base64", "media_type": "application/zip", "data": inline},
            },
        ],
    )
    assert [file.path for file in client.containers.files.list(container.id, order="asc")] == [
        "/mnt/data/skills/tea/SKILL.md",
        "/mnt/data/skills/tea/run.py",
        "/mnt/data/skills/coffee/SKILL.md",
        "/mnt/data/skills/milk/SKILL.md",
    ]


def test_container_expires_when_nobody_uses_it(client: OpenAI, world: World) -> None:
    container = client.containers.create(name="work", expires_after={"anchor": "last_active_at", "minutes": 5})
    file = client.containers.files.create(container.id, file=("a.txt", b"x"))
    for _ in range(3):
        world.advance(200)
        client.containers.files.list(container.id)
        world.advance(200)
        assert client.containers.retrieve(container.id).status == "running"
    world.advance(300)
    assert client.containers.retrieve(container.id).status == "expired"
    assert client.containers.list().data[0].status == "expired"
    for look in (client.containers.files.retrieve, client.containers.files.content.retrieve):
        with pytest.raises(openai.BadRequestError) as refused:
            look(file.id, container_id=container.id)
        assert refused.value.code == "container_expired"
    with pytest.raises(openai.BadRequestError):
        client.containers.files.create(container.id, file=("b.txt", b"x"))
    client.containers.delete(container.id)


@pytest.mark.parametrize(
    ("change", "status", "param"),
    [
        ({"name": None}, 400, "name"),
        ({"memory_limit": "2g"}, 400, "memory_limit"),
        ({"expires_after": {"anchor": "created_at", "minutes": 5}}, 400, "expires_after.anchor"),
        ({"expires_after": {"anchor": "last_active_at", "minutes": 0}}, 400, "expires_after.minutes"),
        ({"file_ids": ["file-none"]}, 404, "id"),
        ({"network_policy": {"type": "open"}}, 400, "network_policy.type"),
        ({"network_policy": {"type": "allowlist"}}, 400, "network_policy.allowed_domains"),
        ({"skills": [{"type": "skill_reference", "skill_id": "skill_none"}]}, 404, "id"),
        ({"skills": [{"type": "wisdom"}]}, 400, "skills[0].type"),
        ({"colour": "red"}, 400, "colour"),
    ],
)
def test_bad_containers_are_refused(call: Caller, change: dict[str, Any], status: int, param: str) -> None:
    got = call("POST", "/v1/containers", {"name": "work", **change})
    assert (got.status, got.error["param"]) == (status, param)
    assert call("GET", "/v1/containers").json["data"] == []


def test_bad_files_are_refused(client: OpenAI, call: Caller) -> None:
    path = f"/v1/containers/{client.containers.create(name='work').id}/files"
    assert call("POST", path, {}).error["param"] == "file"
    assert call("POST", path, {"file_id": "file-none"}).status == 404
    body, kind = form({"file_id": "file-x"}, {"file": ("a.txt", b"x")})
    got = call("POST", path, body, {"content-type": kind})
    assert (got.status, got.error["param"]) == (400, "file_id")


def test_deletions_are_confirmed(client: OpenAI, call: Caller) -> None:
    container = client.containers.create(name="work")
    file = client.containers.files.create(container.id, file=("a.txt", b"x"))
    got = call("DELETE", f"/v1/containers/{container.id}/files/{file.id}")
    assert got.json == {"id": file.id, "object": "container.file.deleted", "deleted": True}
    got = call("DELETE", f"/v1/containers/{container.id}")
    assert got.json == {"id": container.id, "object": "container.deleted", "deleted": True}


def test_containers_of_another_project_look_missing(client: OpenAI, sandbox_url: str) -> None:
    container = client.containers.create(name="work")
    assert Caller(sandbox_url, "sk-proj-stranger")("GET", f"/v1/containers/{container.id}").status == 404
