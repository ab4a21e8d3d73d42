"""What the keys of a project may use: models, hosted tools and service tiers."""

from typing import Any

from portico.sandbox import roster
from portico.sandbox.audit import audit
from portico.sandbox.checks import Check, array, boolean, fields, one_of, record, text
from portico.sandbox.people import active_project_of, project_of
from portico.sandbox.refusals import invalid, not_found
from portico.sandbox.settings import ALL_TIERS, OPTIONAL_TIERS, TIER_WORDS, TOOLS, ModelPolicy, Settings, settings
from portico.sandbox.shapes import Json
from portico.sandbox.state import Project
from portico.sandbox.wire import Answer, Ask, Route


def get_models(ask: Ask) -> Answer:
    return _show_models(project_of(ask))


def set_models(ask: Ask) -> Answer:
    project = active_project_of(ask)
    body = fields(ask.body, {"mode": one_of("allow_list", "deny_list"), "model_ids": array(text(shortest=1))})
    known = {*roster.PUBLISHED, *(model.id for model in project.shelf.of(roster.TUNED))}
    for place, name in enumerate(body["model_ids"]):
        if name not in known:
            raise invalid(f"There is no model '{name}'.", f"model_ids[{place}]", "model_not_found")
    settings(project.shelf).models = ModelPolicy(body["mode"], tuple(dict.fromkeys(body["model_ids"])))
    _tell(ask, project, {"model_permissions": body})
    return _show_models(project)


def delete_models(ask: Ask) -> Answer:
    project = active_project_of(ask)
    # Where there are none, there is nothing to do, and nothing to tell.
    if settings(project.shelf).models is not None:
        settings(project.shelf).models = None
        _tell(ask, project, {"model_permissions": None})
    return {"object": "project.model_permissions.deleted", "deleted": True}


def get_tools(ask: Ask) -> Answer:
    return _show_tools(settings(project_of(ask).shelf))


def set_tools(ask: Ask) -> Answer:
    project = active_project_of(ask)
    # What is not named, or null, stays as it is.
    body = fields(ask.body, optional=dict.fromkeys(TOOLS, record({"enabled": boolean})))
    held = settings(project.shelf)
    for name, wish in body.items():
        held.tools_off = held.tools_off - {name} if wish["enabled"] else held.tools_off | {name}
    _tell(ask, project, {"hosted_tool_permissions": body})
    return _show_tools(held)


def get_tiers(ask: Ask) -> Answer:
    return _show_tiers(settings(project_of(ask).shelf))


def set_tiers(ask: Ask) -> Answer:
    project = active_project_of(ask)
    body = fields(ask.body, optional={"default": one_of(*TIER_WORDS), "enabled_tiers": _tiers})
    held = settings(project.shelf)
    usual, enabled = body.get("default", held.usual_tier), body.get("enabled_tiers", held.enabled_tiers)
    if usual in OPTIONAL_TIERS and enabled != ALL_TIERS and usual not in enabled:
        raise invalid(f"The default tier '{usual}' must be one of the enabled tiers.", "default", "tier_not_enabled")
    held.usual_tier, held.enabled_tiers = usual, enabled
    _tell(ask, project, {"service_tier_settings": body})
    return _show_tiers(held)


def _tiers(value: Any, path: str) -> str | tuple[str, ...]:
    if value == ALL_TIERS:
        return ALL_TIERS
    listed: Check = array(one_of(*OPTIONAL_TIERS))
    return tuple(dict.fromkeys(listed(value, path)))


def _policy(project: Project) -> ModelPolicy:
    policy = settings(project.shelf).models
    if policy is None:
        raise not_found(f"The project '{project.id}' has no model permissions: it may use every model.")
    return policy


def _show_models(project: Project) -> Json:
    policy = _policy(project)
    return {"object": "project.model_permissions", "mode": policy.mode, "model_ids": list(policy.model_ids)}


def _show_tools(held: Settings) -> Json:
    return {name: {"enabled": name not in held.tools_off} for name in TOOLS}


def _show_tiers(held: Settings) -> Json:
    enabled = held.enabled_tiers
    return {
        "object": "project.service_tier_settings",
        "default": held.usual_tier,
        "enabled_tiers": enabled if isinstance(enabled, str) else list(enabled),
    }


def _tell(ask: Ask, project: Project, changes: Json) -> None:
    audit(ask, "project.updated", project, id=project.id, changes_requested=changes)


ROUTES = tuple(
    Route(verb, f"/organization/projects/{{project_id}}/{name}", handler)
    for name, verb, handler in (
        ("model_permissions", "GET", get_models),
        ("model_permissions", "POST", set_models),
        ("model_permissions", "DELETE", delete_models),
        ("hosted_tool_permissions", "GET", get_tools),
        ("hosted_tool_permissions", "POST", set_tools),
        ("service_tier_settings", "GET", get_tiers),
        ("service_tier_settings", "POST", set_tiers),
    )
)
