"""Federation rules of a workload identity provider: which of its tokens may act as which service account."""

from typing import Any

from portico.sandbox.audit import audit
from portico.sandbox.checks import Check, array, boolean, by_type, fields, one_of, record, text, wrong_type
from portico.sandbox.federation import PROVIDERS, RULES, Provider, Rule, rules
from portico.sandbox.pages import Cursor
from portico.sandbox.people import accounts, projects
from portico.sandbox.refusals import invalid, no_such
from portico.sandbox.shapes import Json
from portico.sandbox.state import Project
from portico.sandbox.wire import Answer, Ask, Route, gone

LIST = Cursor(ends=False)
PATH = "/organization/workload_identity_providers/{workload_identity_provider_id}/federation_rules"
PARAMETER = "workload_identity_federation_rule_id"
TYPE = "workload_identity_provider_mapping"
PERMISSIONS: Check = by_type(
    {
        "service_account_default": record({"type": one_of("service_account_default")}),
        "restricted": record({"type": one_of("restricted"), "scopes": array(text(shortest=1), shortest=1)}),
    }
)


def _matchers(value: Any, path: str) -> Json:
    """Attributes of a token and what each must be: a text, a number, true or false."""
    told: Json = record()(value, path)
    if not told:
        raise invalid(f"'{path}' must name one attribute at least.", path)
    for name, wanted in told.items():
        if not isinstance(wanted, str | bool | int | float):
            raise wrong_type(f"{path}.{name}", "a string, a number or a boolean", wanted)
    return told


WORDS: dict[str, Check] = {
    "name": text(longest=256),
    "description": text(longest=1024),
    "enabled": boolean,
    "permissions": PERMISSIONS,
}


def list_rules(ask: Ask) -> Answer:
    provider, account_id = _provider(ask), ask.query.text("service_account_id")
    rows = rules(ask.organization).rows(
        lambda rule: rule.provider_id == provider.id and account_id in (None, "", rule.facts["service_account_id"])
    )
    return LIST.answer(ask, rows, Rule.show)


def create_rule(ask: Ask) -> Answer:
    provider = _provider(ask)
    required = {"attribute_matchers": _matchers, "project_id": text(), "service_account_id": text()}
    body = fields(ask.body, required, WORDS)
    project = projects(ask.organization).get(body["project_id"])
    accounts(project).get(body["service_account_id"])
    usual = {"name": None, "description": None, "enabled": True, "permissions": {"type": "service_account_default"}}
    rule = Rule(ask.new_id(RULES), provider.id, {**usual, **body}, ask.now, ask.now)
    audit(ask, f"{TYPE}.created", project, id=rule.id, identity_provider_id=provider.id, data=rule.facts)
    return rules(ask.organization).add(rule.id, rule).show()


def get_rule(ask: Ask) -> Answer:
    return _rule(ask).show()


def update_rule(ask: Ask) -> Answer:
    rule = _rule(ask)
    body = fields(ask.body, optional={"attribute_matchers": _matchers, **WORDS})
    # Null takes a name or a description away.
    body |= {name: None for name in ("name", "description") if name in ask.body and name not in body}
    rule.facts, rule.updated_at = {**rule.facts, **body}, ask.now
    told = {"identity_provider_id": rule.provider_id, "changes_requested": body}
    audit(ask, f"{TYPE}.updated", _project(ask, rule), id=rule.id, **told)
    return rule.show()


def delete_rule(ask: Ask) -> Answer:
    rule = _rule(ask)
    rules(ask.organization).remove(rule.id)
    told = {name: rule.facts[name] for name in ("project_id", "service_account_id")}
    project = _project(ask, rule)
    audit(ask, f"{TYPE}.deleted", project, id=rule.id, identity_provider_id=rule.provider_id, **told)
    return gone(rule.id, "organization.workload_identity_federation_rule.deleted")


def _provider(ask: Ask) -> Provider:
    return ask.held(PROVIDERS).get(ask["workload_identity_provider_id"])


def _rule(ask: Ask) -> Rule:
    provider, rule = _provider(ask), rules(ask.organization).get(ask[PARAMETER])
    if rule.provider_id != provider.id:
        raise no_such("federation rule", rule.id)
    return rule


def _project(ask: Ask, rule: Rule) -> Project:
    return ask.organization.projects[rule.facts["project_id"]]


ROUTES = (
    Route("GET", PATH, list_rules),
    Route("POST", PATH, create_rule),
    Route("GET", f"{PATH}/{{{PARAMETER}}}", get_rule),
    Route("POST", f"{PATH}/{{{PARAMETER}}}", update_rule),
    Route("DELETE", f"{PATH}/{{{PARAMETER}}}", delete_rule),
)
