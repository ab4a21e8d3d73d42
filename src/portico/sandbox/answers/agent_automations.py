"""Automations: work for agents that begins by the clock, or when somebody says so."""

from typing import Any

from portico.sandbox.agents import delivery, hosting, settings
from portico.sandbox.agents.automation import AUTOMATIONS, INVOCATIONS, Automation
from portico.sandbox.agents.cron import Cron, NotCron
from portico.sandbox.agents.opening import check_vaults
from portico.sandbox.agents.owner import Owner
from portico.sandbox.agents.session import AGENTS, SESSIONS
from portico.sandbox.agents.tools import variant
from portico.sandbox.agents.wish import VAULT_IDS, Wish, spoken
from portico.sandbox.checks import Check, fields, integer, metadata, one_of, record, text
from portico.sandbox.pages import Cursor
from portico.sandbox.refusals import conflict, invalid, missing, no_such
from portico.sandbox.shapes import Json
from portico.sandbox.wire import Answer, Ask, Route, gone

LIST = Cursor(default=20, maximum=100, ends=False)
NAME = text(shortest=1, longest=256)
TARGET = variant(
    {
        "new_session": record(
            {"type": str, "environment": hosting.ENVIRONMENT, "input": spoken},
            {"agent": dict, "agent_id": text(longest=64), "metadata": metadata, "vault_ids": VAULT_IDS},
        ),
        "existing_session": record({"type": str, "session_id": str, "instructions": text(shortest=1)}),
    }
)
TIMING: dict[str, dict[str, Check | type]] = {
    "periodic": {"expression": str, "timezone": str},
    "once": {"run_at": integer(0)},
}


def create_automation(ask: Ask) -> Answer:
    kind = fields(ask.body, {"type": one_of(*TIMING)}, is_open=True)["type"]
    needed: dict[str, Check | type] = {"type": str, "name": NAME, "target": TARGET, **TIMING[kind]}
    body = fields(ask.body, needed, {"metadata": metadata})
    target, wish = _target(ask, body["target"], "target")
    timing = _timing(ask, {name: body[name] for name in ("type", *TIMING[kind])})
    owner = Owner.of(ask)
    made = Automation(
        ask.new_id(AUTOMATIONS),
        owner,
        body["name"],
        ask.world.time(),
        target,
        timing,
        {"type": "developer"},
        body.get("metadata", {}),
        wish,
    )
    made.plan(ask.world.time())
    delivery.attend(owner)
    return ask.held(AUTOMATIONS).add(made.id, made).show()


def list_automations(ask: Ask) -> Answer:
    session_id = ask.query.text("session_id")
    rows = ask.held(AUTOMATIONS).rows(lambda one: session_id in (None, one.target.get("session_id")))
    return LIST.answer(ask, rows, lambda one: one.show())


def get_automation(ask: Ask) -> Answer:
    return ask.held(AUTOMATIONS).get(ask["automation_id"]).show()


def update_automation(ask: Ask) -> Answer:
    """Change what is given; the kind of timing and the kind of target stay."""
    automation = ask.held(AUTOMATIONS).get(ask["automation_id"])
    kind = automation.timing["type"]
    body = fields(ask.body, {}, {"name": NAME, "target": TARGET, "metadata": metadata, **TIMING[kind]})
    given = {name: body[name] for name in TIMING[kind] if name in body}
    if given:
        _change_timing(ask, automation, given)
    if "target" in body:
        if body["target"]["type"] != automation.target["type"]:
            raise invalid(f"The target must stay {automation.target['type']}.", "target.type", "target_type_changed")
        automation.target, automation.wish = _target(ask, body["target"], "target")
    automation.name = body.get("name", automation.name)
    automation.metadata = body.get("metadata", automation.metadata)
    return automation.show()


def delete_automation(ask: Ask) -> Answer:
    automation = ask.held(AUTOMATIONS).remove(ask["automation_id"])
    delivery.forget(automation)
    return gone(automation.id, "agent.automation.deleted")


def pause_automation(ask: Ask) -> Answer:
    automation = ask.held(AUTOMATIONS).get(ask["automation_id"])
    if automation.status == "completed":
        raise conflict("This automation has done what it was for.", "automation_completed")
    delivery.pause(automation, automation.pause_reason)
    return automation.show()


def resume_automation(ask: Ask) -> Answer:
    automation = ask.held(AUTOMATIONS).get(ask["automation_id"])
    if automation.status == "active":
        return automation.show()
    automation.plan(ask.world.time())
    if automation.next_at is None:
        raise conflict("The time of this automation is over: give it a later 'run_at'.", "run_at_passed", "run_at")
    automation.status, automation.pause_reason = "active", None
    return automation.show()


def create_invocation(ask: Ask) -> Answer:
    automation = ask.held(AUTOMATIONS).get(ask["automation_id"])
    made = delivery.invoke(automation, ask.world.time())
    ask.project.settle(ask.world.time())
    return made.show()


def list_invocations(ask: Ask) -> Answer:
    automation = ask.held(AUTOMATIONS).get(ask["automation_id"])
    rows = ask.held(INVOCATIONS).rows(lambda one: one.automation_id == automation.id)
    return LIST.answer(ask, rows, lambda one: one.show())


def get_invocation(ask: Ask) -> Answer:
    automation = ask.held(AUTOMATIONS).get(ask["automation_id"])
    invocation = ask.held(INVOCATIONS).get(ask["invocation_id"])
    if invocation.automation_id != automation.id:
        raise no_such(INVOCATIONS.noun, invocation.id)
    return invocation.show()


def _timing(ask: Ask, timing: Json) -> Json:
    if timing["type"] == "once":
        if timing["run_at"] <= ask.now:
            raise invalid("'run_at' must lie in the future.", "run_at", "run_at_passed")
        return timing
    try:
        first = Cron.read(timing["expression"], timing["timezone"]).after(ask.world.time())
    except NotCron as trouble:
        name = "timezone" if "time zone" in str(trouble) else "expression"
        raise invalid(f"'{name}' can't be used: {trouble}.", name) from None
    if first is None:
        raise invalid("'expression' names a time that never comes.", "expression")
    return timing


def _change_timing(ask: Ask, automation: Automation, given: Json) -> None:
    if automation.timing["type"] == "once":
        scheduled = [one for one in ask.held(INVOCATIONS) if one.automation_id == automation.id and one.scheduled_at]
        if scheduled:
            raise conflict("This automation was invoked on schedule already.", "already_scheduled", "run_at")
    automation.timing = _timing(ask, {**automation.timing, **given})
    if automation.status == "active":
        automation.plan(ask.world.time())


def _target(ask: Ask, given: Json, path: str) -> tuple[Json, Wish | None]:
    """A checked target as it is shown, and what a new session of it begins with."""
    if given["type"] == "existing_session":
        ask.held(SESSIONS).get(given["session_id"])
        return given, None
    if ("agent" in given) == ("agent_id" in given):
        if "agent" in given:
            raise invalid(f"'{path}' takes one of agent and agent_id.", f"{path}.agent_id", "mutually_exclusive")
        raise missing(f"{path}.agent")
    agent = settings.inline(ask, given["agent"], f"{path}.agent") if "agent" in given else None
    tools: list[Json] = ask.held(AGENTS).get(given["agent_id"])["tools"] if agent is None else agent["tools"]
    vault_ids: list[str] = given.get("vault_ids", [])
    check_vaults(Owner.of(ask), vault_ids, tools)
    wish = Wish(agent, given.get("agent_id"), given["environment"], given["input"])
    wish.metadata, wish.vault_ids = given.get("metadata", {}), vault_ids
    shown: Json = {
        "type": "new_session",
        "agent": None if agent is None else settings.shown(agent),
        "agent_id": given.get("agent_id"),
        "environment": _environment(given["environment"]),
        "input": [{"type": "message", "role": "user", "content": content} for content in given["input"]],
        "metadata": wish.metadata,
        "vault_ids": vault_ids,
    }
    return shown, wish


SHOWN: dict[str, Any] = {
    "files": hosting.shown_files,
    "network": hosting.shown_network,
    "plugins": hosting.shown_plugins,
    "skills": hosting.shown_skills,
}
INHERITED = ("capability_directories", "container_size", "desktop", "environment_id", "environment_template_id")


def _environment(given: Json) -> Json:
    """A description of an environment without its secrets; null is what is not said."""
    if given["type"] == "none":
        return given
    if given["type"] == "self_hosted":
        return {**given, "environment_id": None}
    shown: Json = {"type": "openai_hosted", **{name: given.get(name) for name in INHERITED}}
    packages: Json | None = None
    if "packages" in given:
        packages = {**hosting.DEFAULTS["packages"], **given["packages"]}
    return {**shown, "packages": packages, **{name: _shown(given, name) for name in SHOWN}}


def _shown(given: Json, name: str) -> Any:
    return SHOWN[name](given[name]) if name in given else None


BETA = "agents=v1"
HOME = "/agents/automations"
ONE = f"{HOME}/{{automation_id}}"
ROUTES = (
    Route("GET", HOME, list_automations, beta=BETA),
    Route("POST", HOME, create_automation, beta=BETA),
    Route("GET", ONE, get_automation, beta=BETA),
    Route("POST", ONE, update_automation, beta=BETA),
    Route("DELETE", ONE, delete_automation, beta=BETA),
    Route("POST", f"{ONE}/pause", pause_automation, beta=BETA),
    Route("POST", f"{ONE}/resume", resume_automation, beta=BETA),
    Route("GET", f"{ONE}/invocations", list_invocations, beta=BETA),
    Route("POST", f"{ONE}/invocations", create_invocation, beta=BETA),
    Route("GET", f"{ONE}/invocations/{{invocation_id}}", get_invocation, beta=BETA),
)
