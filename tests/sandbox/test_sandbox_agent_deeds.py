"""What agents do when a message asks for it: commands, files, searches, servers, pages, subagents."""

import base64
import io
import zipfile
from typing import Any

import openai
import pytest
from agent_calls import BETA, HOSTED, NONE, agent, hosted, items, message
from bare_http import Caller
from openai import OpenAI

from portico.sandbox.state import World

SERVER: Any = {
    "type": "mcp",
    "server_label": "shop",
    "transport": {"type": "http", "server_url": "https://shop.example/mcp"},
    "allowed_tools": ["list_orders", "cancel_order"],
}


def run(client: OpenAI, asked: str, *tools: Any, environment: Any = HOSTED, **settings: Any) -> Any:
    """A session with an agent that was asked that."""
    chosen = agent(*tools, **settings)
    return client.beta.agents.sessions.create(environment=environment, agent=chosen, input=asked)


@pytest.fixture(autouse=True)
def immediate(world: World) -> None:
    world.pace = 0


@pytest.mark.parametrize(
    ("line", "output", "code"),
    [
        ("echo hello world", "hello world\n", 0),
        ("echo one > a.txt && echo two >> a.txt && cat a.txt && wc -l a.txt", "one\ntwo\n2 a.txt\n", 0),
        ("cp notes.md b.md; rm notes.md; ls", "b.md\n", 0),
        ("head -n 1 notes.md", "# Notes\n", 0),
        ("pwd", "/workspace\n", 0),
        ("cat nothing.txt && echo never", "cat: /workspace/nothing.txt: No such file or directory\n", 1),
        ("false; echo still", "still\n", 0),
        ("exit 3", "", 3),
        ("compile all", "compile: command not found\n", 127),
        ("echo x > /etc/passwd", "echo: /etc/passwd: Permission denied\n", 1),
        ('echo "open', "sh: No closing quotation\n", 2),
    ],
)
def test_command_is_run_over_the_files(client: OpenAI, line: str, output: str, code: int) -> None:
    notes = {"type": "inline", "path": "/workspace/notes.md", "data": base64.b64encode(b"# Notes\nDahlias").decode()}
    session = run(client, f"Please run `{line}`", environment=hosted(files=[notes]))
    ran = items(client, session.id, "command_execution")[0]
    assert (ran.command, ran.output, ran.exit_code) == (line, output, code)
    assert (ran.status, ran.cwd) == ("failed" if code else "completed", "/workspace")


def test_command_takes_its_time(client: OpenAI, world: World) -> None:
    world.pace = 1
    session = run(client, "Run `sleep 100`", environment=HOSTED)
    world.advance(50)
    assert items(client, session.id, "command_execution")[0].status == "in_progress"
    world.advance(100)
    assert items(client, session.id, "command_execution")[0].duration_ms >= 100_000


@pytest.mark.parametrize("name", ["plan.txt", "plan.md", "plan.csv", "plan.json", "plan.html", "plan.zip", "plan.png"])
def test_file_is_published_and_is_what_it_says(client: OpenAI, name: str) -> None:
    session = run(client, f"Write {name} about dahlias & tulips")
    artifacts = client.beta.agents.sessions.artifacts
    artifact = artifacts.list(session.id).data[0]
    assert (artifact.path, artifact.session_id) == (f"/workspace/outputs/{name}", session.id)
    content = artifacts.content(artifact.id, session_id=session.id).read()
    assert len(content) == artifact.size_bytes
    if name.endswith("zip"):
        content = zipfile.ZipFile(io.BytesIO(content)).read("README.md")
    assert (b"ahlias" in content) or content.startswith(b"\x89PNG")


def test_pdf_has_its_parts_where_its_table_says(client: OpenAI) -> None:
    session = run(client, "Create dahlias.pdf please")
    artifact = client.beta.agents.sessions.artifacts.list(session.id).data[0]
    content = client.beta.agents.sessions.artifacts.content(artifact.id, session_id=session.id).read()
    table = int(content.split(b"startxref\n")[1].split(b"\n")[0])
    assert content[table:].startswith(b"xref")
    places = [int(line.split()[0]) for line in content[table:].splitlines()[3:8]]
    assert all(content[place:].startswith(b"%d 0 obj" % number) for number, place in enumerate(places, 1))


def test_artifacts_are_kept_by_turn_and_deleted(client: OpenAI, call: Caller) -> None:
    sessions = client.beta.agents.sessions
    session = run(client, "Write a.txt")
    sessions.events.create(session.id, events=[message("Now create b.txt and run `echo no > elsewhere.txt`")])
    sessions.events.create(session.id, events=[message("Just talk")])
    listed = list(sessions.artifacts.list(session.id, limit=1))
    assert [one.path.rpartition("/")[2] for one in listed] == ["b.txt", "a.txt"]
    assert len({one.turn_id for one in listed}) == 2
    assert sessions.artifacts.list(session.id, environment_id="env_other").data == []
    environment: Any = session.environment
    assert len(sessions.artifacts.list(session.id, environment_id=environment.id).data) == 2
    path = f"/v1/agents/sessions/{session.id}/artifacts/{listed[0].id}"
    got = call("GET", f"{path}/content", headers=BETA)
    assert got.header("content-type") == "application/octet-stream"
    assert got.header("content-disposition") == 'attachment; filename="b.txt"'
    assert sessions.artifacts.retrieve(listed[0].id, session_id=session.id) == listed[0]
    assert sessions.artifacts.delete(listed[0].id, session_id=session.id).object == "agent.session.artifact.deleted"
    with pytest.raises(openai.NotFoundError):
        sessions.artifacts.content(listed[0].id, session_id=session.id)
    # The cursor outlives what it points at.
    assert [one.id for one in sessions.artifacts.list(session.id, after=listed[0].id)] == [listed[1].id]


def test_nothing_is_written_without_an_environment(client: OpenAI) -> None:
    session = run(client, "Write a.txt and run `ls`", environment=NONE)
    assert items(client, session.id, "command_execution") == []
    assert client.beta.agents.sessions.artifacts.list(session.id).data == []


def test_web_search_says_what_it_looked_for(client: OpenAI) -> None:
    session = run(client, "Search the web for blue dahlias. Then rest.", {"type": "web_search"}, environment=NONE)
    action = items(client, session.id, "web_search_call")[0].action
    assert (action.type, action.query) == ("search", "blue dahlias")
    off = run(client, "Search for dahlias", {"type": "web_search", "mode": "disabled"}, environment=NONE)
    assert items(client, off.id, "web_search_call") == []


def test_server_tool_is_called(client: OpenAI) -> None:
    session = run(client, "Use list_orders of the shop for March", SERVER, environment=NONE)
    called = items(client, session.id, "mcp_call")[0]
    assert (called.server_label, called.name, called.status) == ("shop", "list_orders", "completed")
    assert called.arguments == {"query": "Use list_orders of the shop for March"}
    assert "list_orders" in called.output["content"][0]["text"]


@pytest.mark.parametrize(("decision", "status"), [("approve", "completed"), ("deny", "failed"), ("cancel", "failed")])
def test_change_through_a_server_needs_approval(client: OpenAI, decision: Any, status: str) -> None:
    session = run(client, "Call cancel_order for 17", SERVER, environment=NONE)
    action = session.required_actions[0]
    assert (session.status, action.type) == ("requires_action", "mcp_approval_request")
    assert action.request.name == "cancel_order"
    answer: Any = {
        "type": "agent.session.input.mcp_approval_request_result",
        "request_id": action.request_id,
        "response": {"type": "mcp_tool_call", "decision": decision},
    }
    client.beta.agents.sessions.events.create(session.id, events=[answer])
    assert items(client, session.id, "mcp_call")[0].status == status
    assert client.beta.agents.sessions.retrieve(session.id).required_actions == []
    with pytest.raises(openai.BadRequestError):
        client.beta.agents.sessions.events.create(session.id, events=[answer])


def test_automatic_review_asks_nobody_and_denies(client: OpenAI) -> None:
    session = client.beta.agents.sessions.create(
        environment=NONE, agent=agent(SERVER), input="Call cancel_order for 17", review="auto_review"
    )
    assert (session.status, session.review) == ("idle", "auto_review")
    assert items(client, session.id, "mcp_call")[0].status == "failed"


def test_page_needs_access_once_and_is_pictured(client: OpenAI) -> None:
    tool = {"type": "computer_use", "include_screenshots": True}
    session = run(client, "Open https://shop.example/orders", tool)
    action = session.required_actions[0]
    assert (action.request.type, action.request.origin) == ("browser_origin_access", "https://shop.example")
    kind = "agent.session.input.computer_use_approval_request_result"
    response: Any = {"type": "browser_origin_access", "decision": "approve"}
    sessions = client.beta.agents.sessions
    sessions.events.create(session.id, events=[{"type": kind, "request_id": action.request_id, "response": response}])
    sessions.events.create(session.id, events=[message("Open https://shop.example/returns too")])
    calls = items(client, session.id, "computer_use_call")
    assert [one.title for one in calls] == [
        "Look at https://shop.example/orders",
        "Look at https://shop.example/returns",
    ]
    picture = base64.b64decode(calls[0].output.image_url.removeprefix("data:image/jpeg;base64,"))
    assert (picture[:2], picture[-2:]) == (b"\xff\xd8", b"\xff\xd9")


def test_signing_in_keeps_no_value(client: OpenAI, call: Caller) -> None:
    session = run(client, "Log in at https://shop.example", {"type": "computer_use"})
    sessions, kind = client.beta.agents.sessions, "agent.session.input.computer_use_approval_request_result"
    access: Any = {"type": "browser_origin_access", "decision": "approve"}
    first = session.required_actions[0].request_id
    sessions.events.create(session.id, events=[{"type": kind, "request_id": first, "response": access}])
    action: Any = sessions.retrieve(session.id).required_actions[0]
    assert [field.id for field in action.request.fields] == ["email", "password"]
    path = f"/v1/agents/sessions/{session.id}/events"
    submit = {"type": "browser_authentication", "action": "submit", "fields": [{"field_id": "email", "value": "me@x"}]}
    event = {"type": kind, "request_id": action.request_id, "response": submit}
    assert call("POST", path, {"events": [event]}, BETA).error["code"] == "missing_required_parameter"
    event["response"] = {**submit, "fields": [*submit["fields"], {"field_id": "password", "value": "top-secret"}]}
    assert call("POST", path, {"events": [event]}, BETA).status == 202
    result = items(client, session.id, "computer_use_approval_request_result")[0]
    assert (result.response.action, result.request_id) == ("submit", action.request_id)
    assert b"top-secret" not in call("GET", f"/v1/agents/sessions/{session.id}/items", headers=BETA).body


def test_subagents_work_side_by_side(client: OpenAI, world: World) -> None:
    world.pace = 1
    session = run(client, "Use two subagents: say red; say blue", environment=NONE, multi_agent={"enabled": True})
    sessions = client.beta.agents.sessions
    world.advance(1.9)
    working = list(sessions.subagents.list(session.id, order="asc"))
    assert [one.status for one in working] == ["active", "active"]
    assert [[part.text for part in one.instructions or [] if part.type == "output_text"] for one in working] == [
        ["say red"],
        ["say blue"],
    ]
    turns = [sessions.subagents.turns.list(one.id, session_id=session.id).data[0] for one in working]
    assert {turn.status for turn in turns} == {"in_progress"}
    world.advance(60)
    assert [one.status for one in sessions.subagents.list(session.id)] == ["closed", "closed"]
    told = [part.text for item in items(client, session.id, "agent_message") for part in item.content]
    assert told == ["red", "blue"]
    for one, turn in zip(working, turns, strict=True):
        assert sessions.subagents.retrieve(one.id, session_id=session.id).closed_at is not None
        ended = sessions.subagents.turns.retrieve(turn.id, session_id=session.id, subagent_id=one.id)
        assert (ended.status, ended.subagent_id, ended.agent_id) == ("completed", one.id, one.id)
        own = [item.type for item in sessions.subagents.items.list(one.id, session_id=session.id, order="asc")]
        assert own == ["message", "reasoning", "message"]
        listed = sessions.subagents.turns.items.list(turn.id, session_id=session.id, subagent_id=one.id)
        assert len(listed.data) == 3
        with pytest.raises(openai.NotFoundError):
            sessions.turns.retrieve(turn.id, session_id=session.id)


def test_subagent_is_resumed_and_interrupted(client: OpenAI, world: World) -> None:
    session = run(client, "Use a subagent to say red", environment=NONE, multi_agent={"enabled": True})
    sessions = client.beta.agents.sessions
    sessions.events.create(session.id, events=[message("Resume the subagent and keep it")])
    one = sessions.subagents.list(session.id).data[0]
    assert (one.status, one.closed_at) == ("active", None)
    assert len(sessions.subagents.turns.list(one.id, session_id=session.id).data) == 2
    assert items(client, session.id, "send_subagent_input_call")[0].recipient_agent_id == one.id
    world.pace = 1
    sessions.events.create(session.id, events=[message("Start one subagent and interrupt it")])
    world.advance(60)
    last = sessions.subagents.list(session.id).data[0]
    assert sessions.subagents.turns.list(last.id, session_id=session.id).data[0].status == "cancelled"
    assert items(client, session.id, "interrupt_subagent_call")[0].status == "completed"


def test_cancel_stops_subagents_too(client: OpenAI, world: World) -> None:
    world.pace = 1
    session = run(client, "Use two subagents: say red; say blue", environment=NONE, multi_agent={"enabled": True})
    world.advance(2.2)
    sessions = client.beta.agents.sessions
    sessions.events.create(session.id, events=[{"type": "agent.session.input.cancel"}])
    for one in sessions.subagents.list(session.id):
        assert sessions.subagents.turns.list(one.id, session_id=session.id).data[0].status == "cancelled"


def test_no_more_subagents_than_allowed(client: OpenAI) -> None:
    limits: Any = {"enabled": True, "max_concurrent_subagents": 2}
    session = run(client, "Start 5 subagents", environment=NONE, multi_agent=limits)
    assert len(client.beta.agents.sessions.subagents.list(session.id).data) == 2
    without = run(client, "Start 5 subagents", environment=NONE)
    assert client.beta.agents.sessions.subagents.list(without.id).data == []


def test_trace_has_a_span_for_every_step(client: OpenAI) -> None:
    session = run(client, "Run `false`")
    traces = client.beta.agents.sessions.traces.list(session.id).data
    spans: Any = traces[0].otlp["resourceSpans"]
    spans = spans[0]["scopeSpans"][0]["spans"]
    assert traces[0].id == client.beta.agents.sessions.turns.list(session.id).data[0].id
    assert [span["name"] for span in spans] == [
        "invoke_agent",
        "chat reasoning",
        "execute_tool command_execution",
        "chat message",
    ]
    assert {span["parentSpanId"] for span in spans[1:]} == {spans[0]["spanId"]}
    assert [span["status"]["code"] for span in spans] == [1, 1, 2, 1]


def test_open_turn_has_no_trace(client: OpenAI, world: World) -> None:
    world.pace = 1
    session = run(client, "hi", environment=NONE)
    assert client.beta.agents.sessions.traces.list(session.id).data == []
