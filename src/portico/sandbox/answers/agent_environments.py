"""Environments that are prepared before a session needs them, their files, and the templates they are made from."""

from typing import Any

from portico.sandbox.agents import hosting
from portico.sandbox.agents.environments import (
    ENVIRONMENTS,
    TEMPLATES,
    Environment,
    provide,
    put,
)
from portico.sandbox.agents.owner import Owner
from portico.sandbox.agents.repeats import once
from portico.sandbox.agents.tools import variant
from portico.sandbox.agents.vaults import VAULTS
from portico.sandbox.agents.wish import VAULT_IDS
from portico.sandbox.checks import Check, fields, text
from portico.sandbox.pages import Cursor, Token
from portico.sandbox.refusals import conflict, invalid
from portico.sandbox.shapes import Json
from portico.sandbox.wire import Answer, Ask, Route, gone

LIST = Cursor(default=20, maximum=100, ends=False)
FILES = Token(field="next", object="list")
TEMPLATE: dict[str, Check | type] = {**hosting.checks(), "name": str}


def _prewarmed(value: Any, path: str) -> Json:
    optional = {**hosting.checks(), "environment_template_id": text(longest=64)}
    return fields(value, {"type": str}, optional, path=path)


PREWARMED = variant({"openai_hosted": _prewarmed})


async def create_environment(ask: Ask) -> Answer:
    return await once(ask, _create)


def list_environments(ask: Ask) -> Answer:
    ask.query.choice("type", ("openai_hosted",))
    rows = ask.held(ENVIRONMENTS).rows(lambda environment: environment.is_hosted)
    return LIST.answer(ask, rows, lambda environment: environment.info(ask.world.time()))


def get_environment(ask: Ask) -> Answer:
    return ask.held(ENVIRONMENTS).get(ask["environment_id"]).info(ask.world.time())


def list_files(ask: Ask) -> Answer:
    environment = _usable(ask)
    place = (ask.query.text("path") or "/workspace").rstrip("/")
    if place != "/workspace" and not place.startswith("/workspace/"):
        raise invalid("'path' must be an absolute directory inside /workspace.", "path", "invalid_path")
    is_rising = ask.query.choice("order", ("asc", "desc"), "desc") == "asc"
    paths = [path for path in environment.files if path.startswith(f"{place}/")]
    paths.sort(key=lambda path: path.split("/"), reverse=not is_rising)
    return FILES.answer(ask, paths, lambda path: _file(environment, path), 20, 100)


def create_file(ask: Ask) -> Answer:
    """Put a file into an environment, in place of one that is there already."""
    environment = _usable(ask)
    file = hosting.file(ask.body, "")
    if environment.turns_running:
        raise conflict("A turn is at work in this environment: wait for its end.", "environment_busy")
    put(Owner.of(ask), environment, file)
    environment.used_at = ask.world.time()
    return _file(environment, file["path"])


def create_template(ask: Ask) -> Answer:
    body = fields(ask.body, {}, TEMPLATE)
    template: Json = {
        "id": ask.new_id(TEMPLATES),
        "name": body.get("name"),
        "created_at": ask.now,
        "updated_at": ask.now,
        "spec": hosting.completed(body),
    }
    return _show(ask.held(TEMPLATES).add(template["id"], template))


def list_templates(ask: Ask) -> Answer:
    return LIST.answer(ask, ask.held(TEMPLATES).rows(), _show)


def get_template(ask: Ask) -> Answer:
    return _show(ask.held(TEMPLATES).get(ask["environment_template_id"]))


def update_template(ask: Ask) -> Answer:
    """Change what is given, each field as a whole; null brings back the default."""
    template = ask.held(TEMPLATES).get(ask["environment_template_id"])
    body = fields(ask.body, {}, TEMPLATE)
    given = {name: body.get(name, default) for name, default in hosting.DEFAULTS.items() if name in ask.body}
    template["spec"] = hosting.completed({**template["spec"], **given})
    if "name" in ask.body:
        template["name"] = body.get("name")
    template["updated_at"] = ask.now
    return _show(template)


def delete_template(ask: Ask) -> Answer:
    ask.held(TEMPLATES).remove(ask["environment_template_id"])
    return gone(ask["environment_template_id"], "agent.environment.template.deleted")


async def _create(ask: Ask) -> Answer:
    body = fields(ask.body, {"environment": PREWARMED}, {"vault_ids": VAULT_IDS})
    for vault_id in body.get("vault_ids", []):
        ask.held(VAULTS).get(vault_id)
    moment = ask.world.time()
    made = provide(Owner.of(ask), body["environment"], moment)
    return {} if made is None else made.info(moment)


def _usable(ask: Ask) -> Environment:
    environment = ask.held(ENVIRONMENTS).get(ask["environment_id"])
    status = environment.status(ask.world.time())
    if status not in ("ready", "connected"):
        raise conflict(f"This environment is {status}, so its files can't be reached.", "environment_not_connected")
    return environment


def _file(environment: Environment, path: str) -> Json:
    return {
        "object": "agent.environment.file",
        "environment_id": environment.id,
        "path": path,
        "size_bytes": environment.files[path].size,
    }


def _show(template: Json) -> Json:
    spec = template["spec"]
    return {
        "id": template["id"],
        "object": "agent.environment.template",
        "name": template["name"],
        "created_at": template["created_at"],
        "updated_at": template["updated_at"],
        "capability_directories": spec["capability_directories"],
        "desktop": spec["desktop"],
        "files": hosting.shown_files(spec["files"]),
        "network": hosting.shown_network(spec["network"]),
        "packages": spec["packages"],
        "plugins": hosting.shown_plugins(spec["plugins"]),
        "skills": hosting.shown_skills(spec["skills"]),
    }


BETA = "agents=v1"
HOME = "/agents/environments"
ONE_TEMPLATE = f"{HOME}/templates/{{environment_template_id}}"
ROUTES = (
    Route("GET", HOME, list_environments, beta=BETA),
    Route("POST", HOME, create_environment, beta=BETA),
    Route("GET", f"{HOME}/{{environment_id}}", get_environment, beta=BETA),
    Route("GET", f"{HOME}/{{environment_id}}/files", list_files, beta=BETA),
    Route("POST", f"{HOME}/{{environment_id}}/files", create_file, beta=BETA),
    Route("GET", f"{HOME}/templates", list_templates, beta=BETA),
    Route("POST", f"{HOME}/templates", create_template, beta=BETA),
    Route("GET", ONE_TEMPLATE, get_template, beta=BETA),
    Route("POST", ONE_TEMPLATE, update_template, beta=BETA),
    Route("DELETE", ONE_TEMPLATE, delete_template, beta=BETA),
)
