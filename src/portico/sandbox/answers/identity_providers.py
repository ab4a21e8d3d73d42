"""Workload identity providers: issuers whose tokens stand in for keys. No token is exchanged here."""

from typing import Any

from portico.sandbox.audit import audit
from portico.sandbox.checks import Check, array, boolean, by_type, fields, one_of, record, text
from portico.sandbox.federation import PROVIDERS, Provider, rules
from portico.sandbox.pages import Cursor
from portico.sandbox.refusals import invalid, missing
from portico.sandbox.shapes import Json
from portico.sandbox.wire import Answer, Ask, Route, gone

LIST = Cursor(ends=False)
PATH = "/organization/workload_identity_providers"
PARAMETER = "workload_identity_provider_id"
NAME: Check = text(shortest=1, longest=256)


def _issuer(value: Any, path: str) -> str:
    issuer: str = text(longest=2048)(value, path)
    if not issuer.startswith("https://"):
        raise invalid(f"'{path}' must be an address that begins with https://.", path)
    return issuer


def _key_set(value: Any, path: str) -> Json:
    held: Json = record()(value, path)
    if not isinstance(held.get("keys"), list):
        raise missing(f"{path}.keys")
    return held


VERIFICATION: Check = by_type(
    {
        "discovery": record({"type": one_of("discovery")}, {"discovery_url": _issuer}),
        "uploaded_jwks": record({"type": one_of("uploaded_jwks"), "jwks": _key_set}),
    }
)
REQUIRED: dict[str, Check] = {"name": NAME, "issuer": _issuer, "audience": text(shortest=1, longest=2048)}
OPTIONAL: dict[str, Check] = {
    "attribute_transformations": array(record({"attribute": NAME, "expression": text(shortest=1, longest=4096)})),
    "description": text(longest=1024),
    "enabled": boolean,
    "verification": VERIFICATION,
}


def list_providers(ask: Ask) -> Answer:
    return LIST.answer(ask, ask.held(PROVIDERS).rows(), Provider.show)


def create_provider(ask: Ask) -> Answer:
    body = fields(ask.body, {"type": one_of("oidc"), **REQUIRED}, OPTIONAL)
    facts: Json = {"attribute_transformations": [], "description": None, "enabled": True, **body}
    facts["verification"] = _verification(facts)
    provider = Provider(ask.new_id(PROVIDERS), facts, ask.now, ask.now)
    audit(ask, "workload_identity_provider.created", id=provider.id, data=facts)
    return ask.held(PROVIDERS).add(provider.id, provider).show()


def get_provider(ask: Ask) -> Answer:
    return _provider(ask).show()


def update_provider(ask: Ask) -> Answer:
    provider = _provider(ask)
    body = fields(ask.body, optional={**REQUIRED, **OPTIONAL})
    if "description" in ask.body:
        # Null takes the description away.
        body.setdefault("description", None)
    provider.facts = {**provider.facts, **body}
    provider.facts["verification"] = _verification(provider.facts)
    provider.updated_at = ask.now
    audit(ask, "workload_identity_provider.updated", id=provider.id, changes_requested=body)
    return provider.show()


def delete_provider(ask: Ask) -> Answer:
    """Delete a provider; its rules go with it."""
    provider = ask.held(PROVIDERS).remove(ask[PARAMETER])
    held = rules(ask.organization)
    for rule in held:
        if rule.provider_id == provider.id:
            held.remove(rule.id)
    audit(ask, "workload_identity_provider.deleted", id=provider.id, name=provider.facts["name"])
    return gone(provider.id, "organization.workload_identity_provider.deleted")


def _provider(ask: Ask) -> Provider:
    return ask.held(PROVIDERS).get(ask[PARAMETER])


def _verification(facts: Json) -> Json:
    """How tokens are verified; unless told otherwise, with the keys that the issuer publishes."""
    told: Json = facts.get("verification") or {"type": "discovery"}
    return told if told["type"] == "uploaded_jwks" else {"discovery_url": None, **told}


ROUTES = (
    Route("GET", PATH, list_providers),
    Route("POST", PATH, create_provider),
    Route("GET", f"{PATH}/{{{PARAMETER}}}", get_provider),
    Route("POST", f"{PATH}/{{{PARAMETER}}}", update_provider),
    Route("DELETE", f"{PATH}/{{{PARAMETER}}}", delete_provider),
)
