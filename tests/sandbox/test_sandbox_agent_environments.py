"""Environments of agents, their files and templates; their status over turned time."""

import base64
import io
import zipfile
from typing import Any

import openai
import pytest
from agent_calls import BETA, HOSTED, MODEL, hosted, message
from bare_http import Caller
from openai import OpenAI

from portico.sandbox.state import World
from portico.sandbox.webhooks import DELIVERIES, ENDPOINTS, Endpoint

DAY = 24 * 3600
NAMED: Any = {"type": "inline", "name": "a", "description": "b"}


def archive(files: dict[str, str]) -> Any:
    """The source of an inline skill or plugin."""
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w") as packed:
        for name, content in files.items():
            packed.writestr(name, content)
    data = base64.b64encode(written.getvalue()).decode()
    return {"type": "base64", "media_type": "application/zip", "data": data}


def inline(path: str, content: bytes = b"x") -> Any:
    return {"type": "inline", "path": path, "data": base64.b64encode(content).decode()}


def kinds(events: Any) -> list[str]:
    return [event.type.removeprefix("agent.session.") for event in events]


def test_prewarmed_environment_gets_ready_and_is_attached(client: OpenAI, world: World) -> None:
    environments = client.beta.agents.environments
    made = environments.create(environment=hosted(files=[inline("/workspace/a.txt", b"abc")]))
    assert (made.object, made.type, made.status) == ("agent.environment", "openai_hosted", "pending")
    assert [(file.path, file.size_bytes) for file in made.files] == [("/workspace/a.txt", 3)]
    world.advance(3)
    assert environments.retrieve(made.id).status == "ready"
    world.pace = 0
    chosen: Any = {**HOSTED, "environment_id": made.id}
    session = client.beta.agents.sessions.create(environment=chosen, agent=MODEL, input="Run `cat a.txt`")
    shown: Any = session.environment
    assert (shown.id, shown.container_size) == (made.id, "medium")
    assert environments.retrieve(made.id).status == "connected"
    ran: Any = [item for item in client.beta.agents.sessions.items.list(session.id) if item.type == "command_execution"]
    assert ran[0].output == "abc"


def test_environment_is_suspended_and_expires(client: OpenAI, world: World) -> None:
    world.pace = 0
    sessions, environments = client.beta.agents.sessions, client.beta.agents.environments
    session = sessions.create(environment=HOSTED, agent=MODEL, input="Run `echo x > a.txt`")
    place: Any = session.environment
    world.advance(16 * 60)
    assert environments.retrieve(place.id).status == "suspended"
    hello = message("Run `ls`")
    with sessions.events.stream(session.id) as stream:
        sessions.events.create(session.id, events=[hello])
        heard = kinds(stream)
    assert "environment.connected" in heard
    assert environments.retrieve(place.id).status == "connected"
    world.advance(8 * DAY)
    assert environments.retrieve(place.id).status == "expired"
    with sessions.events.stream(session.id) as stream:
        sessions.events.create(session.id, events=[hello])
        heard = kinds(stream)
    assert "environment.reset" in heard
    outputs: list[Any] = [item for item in sessions.items.list(session.id) if item.type == "command_execution"]
    assert [item.output for item in outputs] == ["", "a.txt\n", ""]


def test_stream_tells_of_the_environment(client: OpenAI, world: World) -> None:
    world.pace = 0.01
    stream = client.beta.agents.sessions.create(environment=HOSTED, agent=MODEL, input="hi", stream=True)
    events = kinds(stream)
    assert [kind for kind in events if kind.startswith("environment")] == [
        "environment.pending",
        "environment.ready",
        "environment.connected",
    ]
    assert events.index("environment.connected") < events.index("turn.in_progress")


def test_failing_setup_fails_the_session(client: OpenAI, call: Caller, world: World) -> None:
    broken: Any = {**HOSTED, "setup_commands": [{"command": "exit 1"}]}
    session = client.beta.agents.sessions.create(environment=broken, agent=MODEL, input="hi")
    world.advance(10)
    failed = client.beta.agents.sessions.retrieve(session.id)
    assert failed.status == "failed"
    assert failed.error
    turn = client.beta.agents.sessions.turns.list(session.id).data[0]
    assert turn.error is not None
    assert turn.error.code == "sandbox_error"
    place: Any = failed.environment
    assert client.beta.agents.environments.retrieve(place.id).status == "failed"
    assert call("POST", f"/v1/agents/sessions/{session.id}/events", {"events": [message("hi")]}, BETA).status == 409
    assert b"exit 1" not in call("GET", f"/v1/agents/sessions/{session.id}", headers=BETA).body


def test_self_hosted_environment_has_to_connect(client: OpenAI, world: World) -> None:
    own: Any = {"type": "self_hosted", "workspace_directory": "/srv/work"}
    session = client.beta.agents.sessions.create(environment=own, agent=MODEL)
    assert (session.status, session.required_actions) == ("idle", [])
    place: Any = session.environment
    assert (place.workspace_directory, place.remote_url[:6]) == ("/srv/work", "wss://")
    assert client.beta.agents.environments.retrieve(place.id).status == "pending"
    client.beta.agents.sessions.events.create(session.id, events=[message("Say done")])
    world.advance(1)
    waiting = client.beta.agents.sessions.retrieve(session.id)
    assert [action.type for action in waiting.required_actions] == ["environment_connection"]
    world.advance(30)
    assert client.beta.agents.sessions.retrieve(session.id).status == "idle"
    assert client.beta.agents.environments.retrieve(place.id).status == "connected"
    world.advance(3600)
    assert client.beta.agents.environments.retrieve(place.id).status == "disconnected"
    assert client.beta.agents.environments.list().data == []


def test_files_are_put_and_listed_by_path(client: OpenAI, call: Caller, world: World) -> None:
    world.pace = 0
    files, uploaded = (
        client.beta.agents.environments.files,
        client.files.create(file=("f", b"12345"), purpose="user_data"),
    )
    place = client.beta.agents.environments.create(environment=HOSTED).id
    put = files.create(place, type="file_id", file_id=uploaded.id, path="/workspace/b/one.txt")
    assert (put.size_bytes, put.environment_id, put.object) == (5, place, "agent.environment.file")
    for path in ("/workspace/a.txt", "/workspace/b/two.txt", "/workspace/b.txt"):
        files.create(place, type="inline", data="eA==", path=path)
    files.create(place, type="inline", data="eHg=", path="/workspace/a.txt")
    rising = ["/workspace/a.txt", "/workspace/b/one.txt", "/workspace/b/two.txt", "/workspace/b.txt"]
    assert [file.path for file in files.list(place, order="asc", limit=3)] == rising
    assert [file.path for file in files.list(place, limit=1)] == rising[::-1]
    assert [file.path for file in files.list(place, path="/workspace/b")] == rising[2:0:-1]
    assert files.list(place, order="asc").data[0].size_bytes == 2
    page = call("GET", f"/v1/agents/environments/{place}/files?limit=2", headers=BETA).json
    assert sorted(page) == ["data", "has_more", "next", "object"]
    assert page["has_more"]
    staged = files.upload(place, file=("c.txt", b"abc"), path="/workspace/c.txt")
    assert staged.file.size_bytes == 3


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"type": "inline", "data": "eA=="}, "missing_required_parameter"),
        ({"type": "inline", "data": "no base64", "path": "/workspace/a"}, "invalid_base64"),
        ({"type": "inline", "data": "eA==", "path": "/etc/a"}, "invalid_path"),
        ({"type": "inline", "data": "eA==", "path": "/workspace/../etc"}, "invalid_path"),
        ({"type": "inline", "data": "eA==", "path": "/workspace/.codex/a"}, "reserved_path"),
        ({"type": "inline", "data": "eA==", "path": "/workspace/outputs"}, "reserved_path"),
        ({"type": "remote", "data": "eA==", "path": "/workspace/a"}, "missing_required_parameter"),
        ({"type": "file_id", "path": "/workspace/a", "file_id": "file-nothing"}, "not_found"),
    ],
)
def test_bad_files_are_refused(call: Caller, world: World, body: Any, code: str) -> None:
    world.pace = 0
    place = call("POST", "/v1/agents/environments", {"environment": HOSTED}, BETA).json["id"]
    got = call("POST", f"/v1/agents/environments/{place}/files", body, BETA)
    assert got.error["code"] == code


def test_files_of_an_unready_environment_can_not_be_reached(call: Caller, world: World) -> None:
    place = call("POST", "/v1/agents/environments", {"environment": HOSTED}, BETA).json["id"]
    path = f"/v1/agents/environments/{place}/files"
    assert call("GET", path, headers=BETA).status == 409
    world.advance(10)
    assert call("GET", path, headers=BETA).status == 200
    world.advance(3600)
    assert call("POST", path, inline("/workspace/a"), BETA).error["code"] == "environment_not_connected"


def test_same_idempotency_key_makes_one_environment(client: OpenAI, call: Caller) -> None:
    environments = client.beta.agents.environments
    made = [environments.create(environment=HOSTED, idempotency_key="one").id for _ in range(2)]
    assert made[0] == made[1]
    assert len(environments.list(type="openai_hosted").data) == 1
    other: Any = {"environment": HOSTED, "vault_ids": []}
    assert call("POST", "/v1/agents/environments", other, {**BETA, "idempotency-key": "one"}).status == 409
    assert call("GET", "/v1/agents/environments?type=self_hosted", headers=BETA).status == 400


def test_template_is_kept_without_its_secrets(client: OpenAI, call: Caller, world: World) -> None:
    templates = client.beta.agents.environments.templates
    skill: Any = {"type": "inline", "name": "prune", "description": "Prune roses"}
    plugin: Any = {"type": "inline", "name": "tools", "description": "Tools"}
    reference: Any = {"type": "skill_reference", "skill_id": "skill_1", "version": "latest"}
    copied: Any = {"type": "file_id", "path": "/workspace/b", "file_id": "file-1"}
    skills: Any = [{**skill, "source": archive({"prune/SKILL.md": "top-secret"})}, reference]
    plugins: Any = [{**plugin, "source": archive({".codex-plugin/plugin.json": '{"name": "tools"}'})}]
    made = templates.create(
        name="Garden",
        env={"TOKEN": "top-secret"},
        setup_commands=[{"command": "install top-secret", "cwd": "/workspace"}],
        files=[inline("/workspace/a.txt", b"top-secret"), copied],
        network={"access": "restricted", "allowed_domains": ["a.example"]},
        packages={"python": ["attrs"]},
        skills=skills,
        plugins=plugins,
    )
    assert (made.name, made.packages.python, made.packages.npm) == ("Garden", ["attrs"], [])
    assert [file.to_dict() for file in made.files] == [
        {"type": "inline", "path": "/workspace/a.txt", "size_bytes": 10},
        copied,
    ]
    assert [one.to_dict() for one in made.skills] == [skill, reference]
    assert [one.to_dict() for one in made.plugins] == [plugin]
    assert b"top-secret" not in call("GET", f"/v1/agents/environments/templates/{made.id}", headers=BETA).body
    world.advance(2)
    changed = templates.update(made.id, name=None, network=None, desktop={"enabled": True})
    assert (changed.name, changed.network.access, changed.packages.python) == (None, "enabled", ["attrs"])
    assert changed.desktop is not None
    assert changed.updated_at >= made.updated_at + 2
    assert [template.id for template in templates.list()] == [made.id]
    assert templates.retrieve(made.id) == changed
    assert templates.delete(made.id).object == "agent.environment.template.deleted"
    with pytest.raises(openai.NotFoundError):
        templates.retrieve(made.id)


def test_session_inherits_from_its_template(client: OpenAI, call: Caller, world: World) -> None:
    world.pace = 0
    network: Any = {"access": "restricted", "allowed_domains": ["a.example", "b.example"]}
    template = client.beta.agents.environments.templates.create(
        network=network, files=[inline("/workspace/a.txt", b"abc")], packages={"npm": ["left"]}
    )
    chosen: Any = {**HOSTED, "environment_template_id": template.id, "packages": {"python": ["attrs"]}}
    session = client.beta.agents.sessions.create(environment=chosen, agent=MODEL, input="Run `ls`")
    shown: Any = session.environment
    assert (shown.network.allowed_domains, shown.packages.npm, shown.packages.python) == (
        ["a.example", "b.example"],
        [],
        ["attrs"],
    )
    assert [file.path for file in shown.files] == ["/workspace/a.txt"]
    for wider in ({"access": "enabled"}, {"access": "restricted", "allowed_domains": ["c.example"]}):
        body = {"environment": {**chosen, "network": wider}, "agent": MODEL, "input": "hi"}
        assert call("POST", "/v1/agents/sessions", body, BETA).error["code"] == "network_too_broad"
    narrower = {"access": "restricted", "allowed_domains": ["a.example"]}
    body = {"environment": {**chosen, "network": narrower}, "agent": MODEL, "input": "hi"}
    assert call("POST", "/v1/agents/sessions", body, BETA).status == 200


def test_skill_is_installed_in_the_version_meant(client: OpenAI, call: Caller) -> None:
    def bundle(description: str) -> list[Any]:
        return [("prune/SKILL.md", f"---\nname: prune\ndescription: {description}\n---\n".encode())]

    skill = client.skills.create(files=bundle("First"))
    client.skills.versions.create(skill.id, files=bundle("Second"))
    wanted: Any = [
        {"type": "skill_reference", "skill_id": skill.id},
        {"type": "skill_reference", "skill_id": skill.id, "version": "latest"},
    ]
    made = client.beta.agents.environments.create(environment=hosted(skills=wanted))
    installed: list[Any] = list(made.skills)
    assert [(one.version, one.description) for one in installed] == [("1", "First"), ("2", "Second")]
    missing = {"environment": {**HOSTED, "skills": [{"type": "skill_reference", "skill_id": "skill_nothing"}]}}
    assert call("POST", "/v1/agents/environments", missing, BETA).status == 404


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"network": {"access": "enabled", "allowed_domains": ["a.example"]}}, "invalid_value"),
        (
            {"network": {"access": "restricted", "allowed_domains": ["a.x"], "blocked_domains": ["b.x"]}},
            "invalid_value",
        ),
        ({"network": {"access": "restricted", "allowed_domains": ["*.example"]}}, "invalid_value"),
        ({"files": [inline("/workspace/a"), inline("/workspace/a")]}, "duplicate_path"),
        ({"files": [inline("/workspace/a"), inline("/workspace/a/b")]}, "duplicate_path"),
        ({"setup_commands": [{"command": "ls", "cwd": "here"}]}, "invalid_path"),
        ({"env": {"A": 1}}, "invalid_type"),
        ({"skills": [{**NAMED, "source": archive({"readme": "x"})}]}, "invalid_skill"),
        ({"plugins": [{**NAMED, "source": archive({"readme": "x"})}]}, "invalid_plugin"),
        ({"skills": [{**NAMED, "source": {**archive({}), "data": "eA=="}}]}, "invalid_archive"),
    ],
)
def test_bad_environments_are_refused(call: Caller, change: Any, code: str) -> None:
    got = call("POST", "/v1/agents/environments", {"environment": {**HOSTED, **change}}, BETA)
    assert (got.status, got.error["code"]) == (400, code)


def test_existing_environment_takes_no_other_wishes(call: Caller) -> None:
    place = call("POST", "/v1/agents/environments", {"environment": HOSTED}, BETA).json["id"]
    both: Any = {**HOSTED, "environment_id": place, "packages": {"npm": []}}
    got = call("POST", "/v1/agents/sessions", {"environment": both, "agent": MODEL, "input": "hi"}, BETA)
    assert got.error["param"] == "environment.packages"


def test_webhooks_tell_of_sessions_and_environments(client: OpenAI, call: Caller, world: World) -> None:
    heard = ["agent.environment.ready", "agent.session.created", "agent.session.in_progress", "agent.session.idle"]
    shelf = world.organization("test").default_project.shelf
    shelf.of(ENDPOINTS).add("we_1", Endpoint("we_1", "all", "https://hear.example", heard, 1, 1, "whsec_eA=="))
    made = client.beta.agents.environments.create(environment=HOSTED)
    world.advance(5)
    client.beta.agents.environments.retrieve(made.id)
    session = client.beta.agents.sessions.create(environment=HOSTED, agent=MODEL, input="hi")
    world.advance(60)
    client.beta.agents.sessions.retrieve(session.id)
    told = [delivery.event for delivery in shelf.of(DELIVERIES)]
    assert [event["type"] for event in told] == heard
    place: Any = session.environment
    assert told[1]["data"] == {"id": session.id, "environment_type": "openai_hosted", "environment_id": place.id}
