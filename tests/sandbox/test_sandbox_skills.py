"""Skills and their versions, through the official SDK and bare."""

import base64
import io
import zipfile
from typing import Any

import openai
import pytest
from bare_http import Caller, form
from openai import OpenAI
from openai.types import Skill


def manifest(name: str = "tea", description: str = "Makes tea.") -> bytes:
    return f"---\nname: {name}\ndescription: {description}\n---\n# How\n".encode()


def zipped(files: dict[str, bytes]) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for path, content in files.items():
            archive.writestr(path, content)
    return packed.getvalue()


def unzipped(content: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        assert archive.testzip() is None
        return {name: archive.read(name) for name in archive.namelist()}


def make(client: OpenAI, name: str = "tea") -> Skill:
    return client.skills.create(files=("skill.zip", zipped({"SKILL.md": manifest(name)})))


def test_zip_comes_back_as_it_was_sent(client: OpenAI) -> None:
    content = zipped({"tea/SKILL.md": manifest(), "tea/run.py": b"print('tea')", "tea/deep/SKILL.md": b"not this one"})
    skill = client.skills.create(files=("any.zip", content))
    assert (skill.name, skill.description) == ("tea", "Makes tea.")
    assert (skill.default_version, skill.latest_version) == ("1", "1")
    assert client.skills.retrieve(skill.id) == skill
    got = client.skills.content.retrieve(skill.id)
    assert got.read() == content
    assert got.response.headers["content-type"] == "application/zip"


def test_folder_becomes_a_zip(client: OpenAI) -> None:
    files = {"tea/SKILL.md": manifest(), "tea/scripts/run.py": b"print('tea')"}
    skill = client.skills.create(files=list(files.items()))
    assert unzipped(client.skills.content.retrieve(skill.id).read()) == files


def test_json_carries_a_zip_in_base64(call: Caller) -> None:
    text = base64.b64encode(zipped({"SKILL.md": manifest()})).decode()
    for files in (text, [text]):
        got = call("POST", "/v1/skills", {"files": files})
        assert (got.status, got.json["name"]) == (200, "tea")


@pytest.mark.parametrize(
    ("head", "description"),
    [
        ("---\nname: tea\ndescription: 'Quoted: yes'\n---\n", "Quoted: yes"),
        ("---\nname: tea\ndescription: >\n  Two\n  lines.\nlicense: free\n---\n", "Two lines."),
        ("\ufeff---\r\nname: tea\r\ndescription: Windows.\r\n---\r\n", "Windows."),
    ],
)
def test_manifests_are_read_as_people_write_them(client: OpenAI, head: str, description: str) -> None:
    assert client.skills.create(files=[("skill.md", head.encode())]).description == description


def test_versions_are_counted_and_one_is_the_default(client: OpenAI) -> None:
    skill = make(client)
    second = client.skills.versions.create(skill.id, files=[("SKILL.md", manifest("coffee"))])
    assert (second.version, second.name, second.skill_id) == ("2", "coffee", skill.id)
    shown = client.skills.retrieve(skill.id)
    assert (shown.name, shown.default_version, shown.latest_version) == ("tea", "1", "2")
    assert client.skills.update(skill.id, default_version="2").name == "coffee"
    third = client.skills.versions.create(skill.id, files=[("SKILL.md", manifest("milk"))], default=True)
    assert client.skills.retrieve(skill.id).default_version == third.version == "3"
    assert client.skills.versions.retrieve("2", skill_id=skill.id) == second
    found = unzipped(client.skills.versions.content.retrieve("2", skill_id=skill.id).read())
    assert found == {"SKILL.md": manifest("coffee")}
    assert [held.version for held in client.skills.versions.list(skill.id, limit=2)] == ["3", "2", "1"]
    assert [held.version for held in client.skills.versions.list(skill.id, order="asc")] == ["1", "2", "3"]


def test_default_version_can_not_be_deleted(client: OpenAI) -> None:
    skill = make(client)
    client.skills.versions.create(skill.id, files=[("SKILL.md", manifest("coffee"))])
    with pytest.raises(openai.BadRequestError) as refused:
        client.skills.versions.delete("1", skill_id=skill.id)
    assert refused.value.code == "default_version"
    deleted = client.skills.versions.delete("2", skill_id=skill.id)
    assert (deleted.version, deleted.deleted, deleted.object) == ("2", True, "skill.version.deleted")
    assert client.skills.retrieve(skill.id).latest_version == "1"
    # A number is never given twice.
    assert client.skills.versions.create(skill.id, files=[("SKILL.md", manifest())]).version == "3"
    for look in (client.skills.versions.retrieve, client.skills.versions.content.retrieve):
        with pytest.raises(openai.NotFoundError):
            look("2", skill_id=skill.id)
    with pytest.raises(openai.NotFoundError):
        client.skills.update(skill.id, default_version="2")


def test_deleted_skill_is_gone(client: OpenAI) -> None:
    skill = make(client)
    assert client.skills.delete(skill.id).object == "skill.deleted"
    for look in (client.skills.retrieve, client.skills.content.retrieve, client.skills.delete):
        with pytest.raises(openai.NotFoundError):
            look(skill.id)


def test_skills_are_paged(client: OpenAI, call: Caller) -> None:
    made = [make(client, f"tea-{n}").id for n in range(4)]
    assert [skill.id for skill in client.skills.list(limit=3)] == made[::-1]
    page = call("GET", "/v1/skills?limit=2&order=asc").json
    assert (page["first_id"], page["last_id"], page["has_more"]) == (made[0], made[1], True)


@pytest.mark.parametrize(
    "files",
    [
        {"README.md": b"no manifest"},
        {"a/SKILL.md": manifest(), "b/SKILL.md": manifest()},
        {"SKILL.md": manifest(), "skill.md": manifest()},
        {"SKILL.md": b"# no front matter"},
        {"SKILL.md": b"---\nname: tea\n"},
        {"SKILL.md": manifest("Not A Name")},
        {"SKILL.md": manifest(description="")},
        {"SKILL.md": manifest(description="x" * 1025)},
        {"SKILL.md": b"---\nname: \xff\n---\n"},
        {"SKILL.md": manifest(), "../outside": b"x"},
        {"SKILL.md": manifest(), "/etc/passwd": b"x"},
        {"SKILL.md": manifest(), **{f"{n}": b"" for n in range(500)}},
        {},
    ],
)
def test_bad_bundles_are_refused(client: OpenAI, files: dict[str, bytes]) -> None:
    with pytest.raises(openai.BadRequestError) as refused:
        client.skills.create(files=("skill.zip", zipped(files)))
    assert (refused.value.param, refused.value.code) == ("files", "invalid_skill")


def test_damaged_zip_is_refused(client: OpenAI) -> None:
    good = zipped({"SKILL.md": manifest(), "data": b"0123456789" * 10})
    for bad in (good[:-30], good.replace(b"0123456789", b"9876543210", 1), b"PK\x03\x04 nothing", b"plain"):
        with pytest.raises(openai.BadRequestError) as refused:
            client.skills.create(files=("skill.zip", bad))
        assert refused.value.code == "invalid_skill"


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({}, "files"),
        ({"files": []}, "files"),
        ({"files": "not base64!"}, "files"),
        ({"files": ["a", "b"]}, "files"),
        ({"files": 3}, "files"),
    ],
)
def test_bad_json_bundles_are_refused(call: Caller, body: dict[str, Any], param: str) -> None:
    got = call("POST", "/v1/skills", body)
    assert (got.status, got.error["param"]) == (400, param)


def test_form_without_files_is_refused(client: OpenAI, call: Caller) -> None:
    body, kind = form({"default": "true"}, {})
    got = call("POST", f"/v1/skills/{make(client).id}/versions", body, {"content-type": kind})
    assert (got.status, got.error["param"]) == (400, "files")


def test_skills_of_another_project_look_missing(client: OpenAI, sandbox_url: str) -> None:
    stranger = Caller(sandbox_url, "sk-proj-stranger")
    assert stranger("GET", f"/v1/skills/{make(client).id}").status == 404
