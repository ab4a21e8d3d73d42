"""Automations of agents: they act by the clock, once each time, and say what they did."""

from datetime import datetime
from typing import Any

import openai
import pytest
from agent_calls import BETA, MODEL, NONE, agent, spoken
from bare_http import Caller
from openai import OpenAI

from portico.sandbox.agents.cron import Cron, NotCron
from portico.sandbox.state import World

HOUR, DAY = 3600, 24 * 3600


def fresh(**more: Any) -> Any:
    """A target that is a new session each time."""
    return {"type": "new_session", "environment": NONE, "agent": MODEL, "input": spoken("Say good morning"), **more}


def at(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()


@pytest.mark.parametrize(
    ("expression", "zone", "moment", "expected"),
    [
        ("0 9 * * *", "UTC", "2026-03-01T08:59:59+00:00", "2026-03-01T09:00:00+00:00"),
        ("0 9 * * *", "UTC", "2026-03-01T09:00:00+00:00", "2026-03-02T09:00:00+00:00"),
        ("*/15 * * * *", "UTC", "2026-03-01T09:16:00+00:00", "2026-03-01T09:30:00+00:00"),
        ("30 8-10/2 * * mon-fri", "UTC", "2026-03-06T10:31:00+00:00", "2026-03-09T08:30:00+00:00"),
        ("0 0 1 jan,jul *", "UTC", "2026-03-01T00:00:00+00:00", "2026-07-01T00:00:00+00:00"),
        ("0 0 29 2 *", "UTC", "2026-03-01T00:00:00+00:00", "2028-02-29T00:00:00+00:00"),
        ("0 0 13 * 5", "UTC", "2026-03-01T00:00:00+00:00", "2026-03-06T00:00:00+00:00"),
        ("0 0 * * 7", "UTC", "2026-03-02T00:00:00+00:00", "2026-03-08T00:00:00+00:00"),
        ("0 9 * * *", "America/New_York", "2026-03-07T20:00:00+00:00", "2026-03-08T09:00:00-04:00"),
        ("0 9 * * *", "Europe/Paris", "2026-03-01T08:00:01+00:00", "2026-03-02T08:00:00+00:00"),
    ],
)
def test_cron_finds_the_next_time(expression: str, zone: str, moment: str, expected: str) -> None:
    assert Cron.read(expression, zone).after(at(moment)) == at(expected)


@pytest.mark.parametrize(
    "expression", ["", "* * * *", "60 * * * *", "* 24 * * *", "* * 0 * *", "a * * * *", "*/0 * * * *", "5-1 * * * *"]
)
def test_what_is_no_cron_is_refused(expression: str) -> None:
    with pytest.raises(NotCron):
        Cron.read(expression, "UTC")


def test_a_day_that_never_comes_has_no_next_time() -> None:
    assert Cron.read("0 0 30 2 *", "UTC").after(at("2026-03-01T00:00:00+00:00")) is None


def test_periodic_automation_begins_a_session_each_time(client: OpenAI, world: World) -> None:
    world.turn_to(at("2026-11-20T08:30:00+00:00"))
    automations, sessions = client.beta.agents.automations, client.beta.agents.sessions
    made = automations.create(
        type="periodic",
        name="Morning",
        expression="0 9 * * *",
        timezone="UTC",
        target=fresh(metadata={"from": "morning"}),
        metadata={"team": "a"},
    )
    assert made.type == "periodic"
    assert (made.status, made.created_by.type, made.pause_reason) == ("active", "developer", None)
    assert automations.invocations.list(made.id).data == []
    world.advance(HOUR)
    done = automations.invocations.list(made.id).data
    assert len(done) == 1
    assert (done[0].status, done[0].scheduled_at) == ("completed", int(at("2026-11-20T09:00:00+00:00")))
    source: Any = done[0].source
    assert (source.type, source.automation.id) == ("automation", made.id)
    session = sessions.retrieve(done[0].session_id or "")
    assert (session.status, session.metadata) == ("idle", {"from": "morning"})
    assert session.created_at == int(at("2026-11-20T09:00:01+00:00"))
    world.advance(2 * DAY)
    assert [one.status for one in automations.invocations.list(made.id, limit=1)] == ["completed"] * 3
    assert len(sessions.list(metadata={"from": "morning"}).data) == 3
    assert automations.invocations.retrieve(done[0].id, automation_id=made.id) == done[0]


def test_one_time_automation_is_completed(client: OpenAI, world: World) -> None:
    automations = client.beta.agents.automations
    made = automations.create(type="once", name="Later", run_at=world.now() + HOUR, target=fresh())
    world.advance(HOUR + 10)
    done = automations.retrieve(made.id)
    assert done.type == "once"
    assert done.status == "completed"
    assert len(automations.invocations.list(made.id).data) == 1
    with pytest.raises(openai.ConflictError):
        automations.pause(made.id)
    with pytest.raises(openai.ConflictError):
        automations.update(made.id, run_at=world.now() + HOUR)


def test_manual_invocation_leaves_the_plan_alone(client: OpenAI, world: World) -> None:
    automations = client.beta.agents.automations
    made = automations.create(type="once", name="Later", run_at=world.now() + DAY, target=fresh())
    queued = automations.invocations.create(made.id)
    assert (queued.status, queued.source.type, queued.scheduled_at) == ("queued", "manual", None)
    world.advance(10)
    assert automations.invocations.retrieve(queued.id, automation_id=made.id).status == "completed"
    assert automations.retrieve(made.id).status == "active"


def test_instructions_reach_an_existing_session(client: OpenAI, world: World) -> None:
    world.pace = 0
    sessions, automations = client.beta.agents.sessions, client.beta.agents.automations
    session = sessions.create(environment=NONE, agent=MODEL, input="hi")
    target: Any = {"type": "existing_session", "session_id": session.id, "instructions": "Say tick"}
    made = automations.create(type="periodic", name="Tick", expression="* * * * *", timezone="UTC", target=target)
    world.advance(61)
    assert len(sessions.turns.list(session.id).data) >= 2
    last: Any = sessions.items.list(session.id).data[0]
    assert last.output_text == "tick"
    assert [one.id for one in automations.list(session_id=session.id)] == [made.id]
    assert automations.list(session_id="sess_other").data == []


def test_busy_session_gets_one_delivery_later(client: OpenAI, world: World) -> None:
    world.pace = 0
    tool: Any = {"type": "function", "name": "ask_boss", "description": "Ask", "parameters": {"type": "object"}}
    sessions, automations = client.beta.agents.sessions, client.beta.agents.automations
    session = sessions.create(environment=NONE, agent=agent(tool), input="Use ask_boss")
    target: Any = {"type": "existing_session", "session_id": session.id, "instructions": "Say tick"}
    made = automations.create(type="periodic", name="Tick", expression="* * * * *", timezone="UTC", target=target)
    world.advance(185)
    listed = list(automations.invocations.list(made.id, order="asc"))
    assert [one.status for one in listed][:3] == ["queued", "skipped", "skipped"]
    assert listed[1].skip_reason == "pending_delivery"
    sessions.events.create(session.id, events=[{"type": "agent.session.input.cancel"}])
    world.advance(61)
    assert automations.invocations.retrieve(listed[0].id, automation_id=made.id).status == "completed"


def test_gone_session_pauses_its_automation(client: OpenAI, world: World) -> None:
    world.pace = 0
    sessions, automations = client.beta.agents.sessions, client.beta.agents.automations
    session = sessions.create(environment=NONE, agent=MODEL, input="hi")
    target: Any = {"type": "existing_session", "session_id": session.id, "instructions": "Say tick"}
    made = automations.create(type="periodic", name="Tick", expression="* * * * *", timezone="UTC", target=target)
    sessions.delete(session.id)
    world.advance(200)
    paused = automations.retrieve(made.id)
    assert (paused.status, paused.pause_reason) == ("paused", "target_session_failed")
    failed = automations.invocations.list(made.id).data[0]
    assert failed.error is not None
    assert (failed.status, failed.error.code) == ("failed", "session_not_found")


def test_gone_agent_fails_the_invocation(client: OpenAI, world: World) -> None:
    world.pace = 0
    agents = client.beta.agents
    saved = agents.create(model="gpt-6-astra")
    target = {name: value for name, value in fresh(agent_id=saved.id).items() if name != "agent"}
    made = agents.automations.create(type="once", name="Later", run_at=world.now() + DAY, target=target)  # pyright: ignore[reportArgumentType] -- a plain dictionary
    agents.delete(saved.id)
    failed = agents.automations.invocations.create(made.id)
    assert failed.error is not None
    assert (failed.status, failed.error.code) == ("failed", "not_found")


def test_paused_automation_rests(client: OpenAI, world: World) -> None:
    automations = client.beta.agents.automations
    made = automations.create(
        type="periodic", name="Hourly", expression="0 * * * *", timezone="UTC", target=fresh(), metadata={"a": "b"}
    )
    assert automations.pause(made.id).status == "paused"
    world.advance(3 * HOUR)
    assert automations.invocations.list(made.id).data == []
    assert automations.resume(made.id).status == "active"
    world.advance(HOUR)
    assert len(automations.invocations.list(made.id).data) == 1
    changed: Any = automations.update(made.id, name="Daily", expression="0 0 * * *", timezone="Asia/Tokyo", metadata={})
    assert (changed.name, changed.metadata) == ("Daily", {})
    assert (changed.expression, changed.timezone) == ("0 0 * * *", "Asia/Tokyo")


def test_passed_time_needs_a_later_one_to_resume(client: OpenAI, world: World) -> None:
    automations = client.beta.agents.automations
    made = automations.create(type="once", name="Later", run_at=world.now() + HOUR, target=fresh())
    automations.pause(made.id)
    world.advance(2 * HOUR)
    with pytest.raises(openai.ConflictError):
        automations.resume(made.id)
    automations.update(made.id, run_at=world.now() + HOUR)
    assert automations.resume(made.id).status == "active"


def test_long_absence_is_not_made_up_for_whole(client: OpenAI, world: World) -> None:
    automations = client.beta.agents.automations
    made = automations.create(type="periodic", name="Often", expression="* * * * *", timezone="UTC", target=fresh())
    world.advance(30 * DAY)
    assert len(list(automations.invocations.list(made.id, limit=100))) == 100


def test_target_is_shown_without_secrets(client: OpenAI, call: Caller, world: World) -> None:
    environment = {
        "type": "openai_hosted",
        "env": {"TOKEN": "top-secret"},
        "setup_commands": [{"command": "top-secret"}],
        "files": [{"type": "inline", "path": "/workspace/a", "data": "eHl6"}],
        "packages": {"npm": ["left"]},
    }
    target = fresh(environment=environment)
    made = client.beta.agents.automations.create(type="once", name="Later", run_at=world.now() + DAY, target=target)
    shown: Any = made.target
    assert shown.agent.model == "gpt-6-astra"
    assert shown.agent_id is None
    assert [file.to_dict() for file in shown.environment.files] == [
        {"type": "inline", "path": "/workspace/a", "size_bytes": 3}
    ]
    assert shown.environment.packages.npm == ["left"]
    assert (shown.environment.network, shown.environment.skills) == (None, None)
    assert shown.input[0].to_dict()["content"] == [{"type": "input_text", "text": "Say good morning"}]
    assert b"top-secret" not in call("GET", f"/v1/agents/automations/{made.id}", headers=BETA).body
    own: Any = {"type": "self_hosted", "workspace_directory": "/srv"}
    changed: Any = client.beta.agents.automations.update(made.id, target=fresh(environment=own)).target
    assert (changed.environment.type, changed.environment.environment_id) == ("self_hosted", None)


def test_agent_plans_for_itself(client: OpenAI, world: World) -> None:
    world.pace = 0
    sessions = client.beta.agents.sessions
    planner = agent({"type": "automations"})
    session = sessions.create(environment=NONE, agent=planner, input="Every day at 10 am in Europe/Paris, say tick")
    made: Any = client.beta.agents.automations.list(session_id=session.id).data[0]
    assert (made.expression, made.timezone, made.created_by.type) == ("0 10 * * *", "Europe/Paris", "agent")
    assert (made.created_by.session_id, made.target.session_id) == (session.id, session.id)
    world.advance(DAY)
    assert len(sessions.turns.list(session.id).data) == 2
    assert len(client.beta.agents.automations.list().data) == 1
    nowhere = sessions.create(environment=NONE, agent=planner, input="Every hour in Mars/Base, say tick")
    lost: Any = client.beta.agents.automations.list(session_id=nowhere.id).data[0]
    assert (lost.expression, lost.timezone) == ("0 * * * *", "UTC")
    once = sessions.create(environment=NONE, agent=planner, input="Remind me in 10 minutes to say tock")
    world.advance(11 * 60)
    said: Any = sessions.items.list(once.id).data[0]
    assert said.output_text == "tock"


def test_automations_are_paged_and_deleted(client: OpenAI, call: Caller, world: World) -> None:
    automations = client.beta.agents.automations
    made = [
        automations.create(type="once", name=str(number), run_at=world.now() + DAY, target=fresh()).id
        for number in range(3)
    ]
    assert [one.id for one in automations.list(limit=2)] == made[::-1]
    assert sorted(call("GET", "/v1/agents/automations", headers=BETA).json) == ["data", "has_more", "object"]
    invocation = automations.invocations.create(made[0])
    with pytest.raises(openai.NotFoundError):
        automations.invocations.retrieve(invocation.id, automation_id=made[1])
    assert automations.delete(made[0]).object == "agent.automation.deleted"
    world.advance(2 * DAY)
    for look in (automations.retrieve, automations.invocations.list, automations.invocations.create):
        with pytest.raises(openai.NotFoundError):
            look(made[0])


@pytest.mark.parametrize(
    ("change", "param"),
    [
        ({"type": "sometimes"}, "type"),
        ({"name": ""}, "name"),
        ({"expression": "often"}, "expression"),
        ({"expression": "0 0 30 2 *"}, "expression"),
        ({"timezone": "Mars/Base"}, "timezone"),
        ({"run_at": 5}, "run_at"),
        ({"type": "once"}, "run_at"),
        ({"target": {"type": "nobody"}}, "target.type"),
        ({"target": {**fresh(), "agent_id": "agent_1"}}, "target.agent_id"),
        ({"target": {**fresh(), "agent": None}}, "target.agent"),
        ({"target": {**fresh(), "input": []}}, "target.input"),
        ({"target": {**fresh(), "input": "hi"}}, "target.input"),
        ({"target": {**fresh(), "agent": {}}}, "target.agent.model"),
    ],
)
def test_bad_automations_are_refused(call: Caller, change: Any, param: str) -> None:
    good = {"type": "periodic", "name": "A", "expression": "0 9 * * *", "timezone": "UTC", "target": fresh()}
    got = call("POST", "/v1/agents/automations", {**good, **change}, BETA)
    assert (got.status, got.error["param"]) == (400, param)


def test_kinds_stay_what_they_are(call: Caller, world: World) -> None:
    good = {"type": "once", "name": "A", "run_at": world.now() + DAY, "target": fresh()}
    made = call("POST", "/v1/agents/automations", good, BETA).json["id"]
    path = f"/v1/agents/automations/{made}"
    assert call("POST", path, {"expression": "0 9 * * *"}, BETA).error["code"] == "unknown_parameter"
    session = {"environment": NONE, "agent": MODEL, "input": "hi"}
    known_as = call("POST", "/v1/agents/sessions", session, BETA).json["id"]
    target = {"type": "existing_session", "session_id": known_as, "instructions": "x"}
    assert call("POST", path, {"target": target}, BETA).error["code"] == "target_type_changed"
    assert call("POST", path, {"run_at": 5}, BETA).error["code"] == "run_at_passed"
    missing = {**target, "session_id": "sess_nothing"}
    assert call("POST", "/v1/agents/automations", {**good, "target": missing}, BETA).status == 404
