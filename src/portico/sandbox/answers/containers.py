"""Containers and their files: made, filled by upload or from files of the project, expired after inactivity."""

from portico.sandbox.blobs import Blob
from portico.sandbox.checks import Checks, anything, array, by_type, fields, integer, one_of, record, text
from portico.sandbox.container_store import (
    CONTAINERS,
    EXPIRES_MINUTES,
    Container,
    ContainerFile,
    put_file,
    require_running,
)
from portico.sandbox.file_store import StoredFile, require_file
from portico.sandbox.pages import Cursor
from portico.sandbox.refusals import invalid, missing
from portico.sandbox.shapes import Json, records
from portico.sandbox.skill_bundle import Bundle, from_text
from portico.sandbox.skill_store import require_skill
from portico.sandbox.wire import Answer, Ask, Reply, Route

LIST = Cursor()
LONGEST_SECRET = 10_485_760
LONGEST_ZIP_TEXT = 70_254_592
SECRET = record(
    {"domain": text(shortest=1), "name": text(shortest=1), "value": text(shortest=1, longest=LONGEST_SECRET)}
)
NETWORK = by_type(
    {
        "disabled": record({"type": str}),
        "allowlist": record(
            {"type": str, "allowed_domains": array(str, shortest=1)}, {"domain_secrets": array(SECRET, shortest=1)}
        ),
    }
)
ZIP = record(
    {
        "type": one_of("base64"),
        "media_type": one_of("application/zip"),
        "data": text(shortest=1, longest=LONGEST_ZIP_TEXT),
    }
)
SKILL = by_type(
    {
        "skill_reference": record({"type": str, "skill_id": text(shortest=1, longest=64)}, {"version": str}),
        "inline": record({"type": str, "name": str, "description": str, "source": ZIP}),
    }
)
OPTIONS: Checks = {
    "expires_after": record({"anchor": one_of("last_active_at"), "minutes": integer(1)}),
    "file_ids": array(str),
    "memory_limit": one_of("1g", "4g", "16g", "64g"),
    "network_policy": NETWORK,
    "skills": array(SKILL),
}


def create_container(ask: Ask) -> Answer:
    body = fields(ask.body, {"name": str}, OPTIONS)
    files = [require_file(ask, file_id) for file_id in body.get("file_ids", [])]
    bundles = [_bundle(ask, skill) for skill in records(body.get("skills"))]
    container = Container(ask.new_id(CONTAINERS), body["name"], ask.now, ask.now)
    container.minutes = body.get("expires_after", {}).get("minutes", EXPIRES_MINUTES)
    container.memory_limit = body.get("memory_limit", "1g")
    policy: Json = body.get("network_policy", {"type": "disabled"})
    # The secrets of the allowed domains are never shown again.
    container.network_policy = {name: value for name, value in policy.items() if name != "domain_secrets"}
    for file in files:
        _copy(ask, container, file)
    for bundle in bundles:
        for path, content in bundle.files():
            put_file(ask, container, f"skills/{bundle.name}/{path}", Blob(content))
    ask.held(CONTAINERS).add(container.id, container)
    ask.meter("code_interpreter_sessions", "", num_sessions=1)
    return container.show(ask.now)


def list_containers(ask: Ask) -> Answer:
    name = ask.query.text("name")
    rows = ask.held(CONTAINERS).rows(lambda container: name in (None, container.name))
    return LIST.answer(ask, rows, lambda container: container.show(ask.now))


def get_container(ask: Ask) -> Answer:
    """Looking at a container keeps it alive; an expired one can still be looked at."""
    container = ask.held(CONTAINERS).get(ask["container_id"])
    if not container.has_expired(ask.now):
        container.last_active_at = ask.now
    return container.show(ask.now)


def delete_container(ask: Ask) -> Answer:
    container = ask.held(CONTAINERS).remove(ask["container_id"])
    return {"id": container.id, "object": "container.deleted", "deleted": True}


def create_file(ask: Ask) -> Answer:
    container = require_running(ask, ask["container_id"])
    body, uploads = fields(ask.body, optional={"file_id": str, "file": anything}), ask.uploads("file")
    if uploads and "file_id" in body:
        raise invalid("Send either 'file' or 'file_id'.", "file_id", "mutually_exclusive_parameters")
    if uploads:
        return put_file(ask, container, uploads[0].filename.rsplit("/", 1)[-1], uploads[0].blob).show()
    if "file_id" not in body:
        raise missing("file")
    return _copy(ask, container, require_file(ask, body["file_id"])).show()


def list_files(ask: Ask) -> Answer:
    return LIST.answer(ask, require_running(ask, ask["container_id"]).files.rows(), ContainerFile.show)


def get_file(ask: Ask) -> Answer:
    return _file(ask).show()


def delete_file(ask: Ask) -> Answer:
    file = require_running(ask, ask["container_id"]).files.remove(ask["file_id"])
    return {"id": file.id, "object": "container.file.deleted", "deleted": True}


def get_content(ask: Ask) -> Answer:
    return Reply(_file(ask).blob, content_type="application/octet-stream")


def _file(ask: Ask) -> ContainerFile:
    return require_running(ask, ask["container_id"]).files.get(ask["file_id"])


def _copy(ask: Ask, container: Container, file: StoredFile) -> ContainerFile:
    return put_file(ask, container, file.filename.rsplit("/", 1)[-1], file.blob)


def _bundle(ask: Ask, skill: Json) -> Bundle:
    if skill["type"] == "inline":
        return from_text(skill["source"]["data"], "skills")
    return require_skill(ask, skill["skill_id"], skill.get("version")).bundle


ROUTES = (
    Route("GET", "/containers", list_containers),
    Route("POST", "/containers", create_container),
    Route("GET", "/containers/{container_id}", get_container),
    Route("DELETE", "/containers/{container_id}", delete_container),
    Route("GET", "/containers/{container_id}/files", list_files),
    Route("POST", "/containers/{container_id}/files", create_file),
    Route("GET", "/containers/{container_id}/files/{file_id}", get_file),
    Route("DELETE", "/containers/{container_id}/files/{file_id}", delete_file),
    Route("GET", "/containers/{container_id}/files/{file_id}/content", get_content),
)
