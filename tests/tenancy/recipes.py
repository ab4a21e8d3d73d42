"""How each address is asked for what somebody owns. A new address needs a line here, and the tests say so.

An address finds its ids by itself: `{server_id}` is the tenant's server, `{id}` what the first segment is about. What
is written here is the body, where there is one, and what is asked of the faces that are no typed endpoints.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from tests.tenancy.village import DEAF

Json = dict[str, Any]
Ids = Mapping[str, str]

# What `{id}` means, by the address's first segment.
OF_SEGMENT = {
    "environment": "environment",
    "api-token": "token",
    "integration": "integration",
    "environment-integration": "installation",
    "integrated-account": "account",
    "webhook": "webhook",
    "file": "file",
    "log": "call",
    "quota": "quota",
    "user": "user",
    "approval": "approval",
    "stored-secret": "stored",
    "documentation": "documentation",
}

# One for every endpoint that takes a body; with the ids of whose things it is about.
BODIES: dict[str, Callable[[Ids], Json]] = {
    "createEnvironment": lambda ids: {"name": "another"},
    "updateEnvironment": lambda ids: {"name": "renamed"},
    "createApiToken": lambda ids: {"name": "made", "environment_id": ids["environment"]},
    "createIntegration": lambda ids: {"name": "another", "config": {}},
    "updateIntegration": lambda ids: {"version": 1, "category": "changed"},
    "createEnvironmentIntegration": lambda ids: {"integration_id": ids["integration"]},
    "updateEnvironmentIntegration": lambda ids: {"show_in_catalog": False},
    "importIntegratedAccount": lambda ids: {
        "tenant_id": "intruder",
        "environment_integration_id": ids["installation"],
        "context": {"api_key": "sk-proj-intruder"},
    },
    "runBatch": lambda ids: {
        "integrated_account_id": ids["account"],
        "resources": [{"resource": "projects", "method": "create", "body": {"name": "batched"}}],
    },
    "createDocumentation": lambda ids: {"entity_id": ids["installation"], "type": "readme", "content": "made"},
    "updateDocumentation": lambda ids: {"content": "changed"},
    "createLinkToken": lambda ids: {"integrated_account_id": ids["account"]},
    "updateLinkPage": lambda ids: {"allowed_origins": ["https://app.example"]},
    "updateOwnIntegratedAccount": lambda ids: {"context": {"note": "changed"}},
    "createIntegratedAccountToken": lambda ids: {"integrated_account_id": ids["account"]},
    "refreshCredentials": lambda ids: {"id": ids["account"]},
    "runPostInstallActions": lambda ids: {"id": ids["account"]},
    "bulkDeleteIntegratedAccounts": lambda ids: {"ids": [ids["spare"]]},
    "panicIntegratedAccount": lambda ids: {"keys": "keep"},
    "updateIntegratedAccount": lambda ids: {"tenant_id": "changed"},
    "updateCredentials": lambda ids: {"context": {"api_key": "sk-proj-intruder"}},
    "testUnifiedOverride": lambda ids: {"override": {}, "model": "user-directory", "resource": "users"},
    "restoreUnifiedOverride": lambda ids: {"version": 1},
    "restoreEnvironmentUnifiedOverride": lambda ids: {"version": 1},
    "createMcpServer": lambda ids: {"name": "made"},
    "previewMcpServer": lambda ids: {"name": "made"},
    "updateMcpServer": lambda ids: {"name": "changed"},
    "createWebhook": lambda ids: {"target_url": DEAF, "event_types": ["*"]},
    "testWebhook": lambda ids: {"id": ids["webhook"]},
    "updateWebhook": lambda ids: {"is_active": False},
    "rotateWebhookSecret": lambda ids: {"keep_old_hours": 0},
    "startWatch": lambda ids: {"id": ids["response"], "tool": "get_single_openai_response_by_id"},
    "registerVendorWebhook": lambda ids: {},
    "testVendorWebhook": lambda ids: {},
    "replayWebhookEvents": lambda ids: {"since": "2026-11-01T00:00:00Z"},
    "linkFile": lambda ids: {},
    "rotateKeys": lambda ids: {"what": "data"},
    "createQuota": lambda ids: {
        "applies_to": "integrated_account",
        "subject": ids["account"],
        "measure": "tokens",
        "period": "day",
        "maximum": 1_000_000,
    },
    "updateQuota": lambda ids: {"maximum": 2_000_000},
    "createUser": lambda ids: {"name": "another user", "environments": [ids["environment"]]},
    "updateUser": lambda ids: {"role": "viewer"},
    "setUserPassword": lambda ids: {},
    "linkUser": lambda ids: {"subject": f"subject of {ids['user']}"},
    "approveCall": lambda ids: {},
    "denyCall": lambda ids: {},
    "storeSecret": lambda ids: {"name": "made", "value": "sk-proj-intruder"},
    "linkStoredSecret": lambda ids: {},
}


class Hot(NamedTuple):
    """A request to a face that is no typed endpoint. `{…}` stands for ids and secrets."""

    verb: str
    address: str
    body: Json | None = None


_OWN = "integrated_account_id={account}"
_PROJECT = {"name": "changed"}
_DIRECTORY = "/unified/user-directory"
_THROUGH = "/passthrough/{account}/v1/organization/projects/{project}"
# Documented address → how it is asked with an API token.
HOT: dict[tuple[str, str], Hot] = {
    ("GET", "/proxy/{resource}"): Hot("GET", f"/proxy/projects?{_OWN}"),
    ("POST", "/proxy/{resource}"): Hot("POST", f"/proxy/projects?{_OWN}", _PROJECT),
    ("GET", "/proxy/{resource}/{id}"): Hot("GET", f"/proxy/projects/{{project}}?{_OWN}"),
    ("PATCH", "/proxy/{resource}/{id}"): Hot("PATCH", f"/proxy/projects/{{project}}?{_OWN}", _PROJECT),
    ("DELETE", "/proxy/{resource}/{id}"): Hot("DELETE", f"/proxy/responses/{{response}}?{_OWN}"),
    ("POST", "/proxy/{resource}/{id}"): Hot("POST", f"/proxy/projects/archive?{_OWN}&project_id={{project}}"),
    ("GET", "/custom/{path}"): Hot("GET", f"/custom/organization/projects/{{project}}?{_OWN}"),
    ("POST", "/custom/{path}"): Hot("POST", f"/custom/organization/projects/{{project}}?{_OWN}", _PROJECT),
    ("PATCH", "/custom/{path}"): Hot("PATCH", f"/custom/organization/projects/{{project}}?{_OWN}", _PROJECT),
    ("PUT", "/custom/{path}"): Hot("PUT", f"/custom/organization/projects/{{project}}?{_OWN}", _PROJECT),
    ("DELETE", "/custom/{path}"): Hot("DELETE", f"/custom/responses/{{response}}?{_OWN}"),
    **{
        (verb, "/passthrough/{integrated_account_id}/{path}"): Hot(verb, _THROUGH, body)
        for verb, body in {"GET": None, "POST": _PROJECT, "PATCH": _PROJECT, "PUT": _PROJECT, "DELETE": None}.items()
    },
    ("GET", "/unified/{model}/{resource}"): Hot("GET", f"{_DIRECTORY}/workspaces?{_OWN}"),
    ("POST", "/unified/{model}/{resource}"): Hot("POST", f"{_DIRECTORY}/workspaces?{_OWN}", _PROJECT),
    ("GET", "/unified/{model}/{resource}/{id}"): Hot("GET", f"{_DIRECTORY}/workspaces/{{project}}?{_OWN}"),
    ("PATCH", "/unified/{model}/{resource}/{id}"): Hot(
        "PATCH", f"{_DIRECTORY}/workspaces/{{project}}?{_OWN}", _PROJECT
    ),
    ("DELETE", "/unified/{model}/{resource}/{id}"): Hot("DELETE", f"{_DIRECTORY}/users/user-nobody?{_OWN}"),
    ("POST", "/unified/{model}/{resource}/{id}"): Hot(
        "POST", f"{_DIRECTORY}/users/assign_role?{_OWN}", {"id": "user-nobody", "role_id": "owner"}
    ),
    ("POST", "/unified/{model}/{resource}/{id}/{method}"): Hot(
        "POST", f"{_DIRECTORY}/users/user-nobody/assign_role?{_OWN}", {"role_id": "owner"}
    ),
    ("POST", "/integrated-account/{id}/tools/{name}"): Hot(
        "POST", "/integrated-account/{account}/tools/list_all_openai_projects", {}
    ),
}  # fmt: skip
# Documented addresses without an API token, and why there is nothing to get at.
OPEN = {
    "/mcp/{token}": "the address is the secret; tests/faces/mcp and test_a_server_that_wants_a_token below",
    "/file": "keeps a file for whoever sends it",
    "/file/{id}/content/{link}": "the link is the secret",
    "/integrated-account-webhook/{integrated_account_id}": "the vendor's signature is the proof",
    "/healthz": "tells nothing of anybody",
    "/readyz": "tells nothing of anybody",
    "/metrics": "tells nothing of anybody",
    "/openapi.json": "tells nothing of anybody",
    "/docs": "tells nothing of anybody",
}


def address(path: str, ids: Ids) -> str:
    """The path about that tenant's things. KeyError: the recipe does not know what a parameter means."""
    segment = path.split("/")[1]
    if segment == "unified":
        ids = {**ids, "model": "user-directory", "resource": "users", "integration": "openai", "method": "list"}

    def value(match: re.Match[str]) -> str:
        name = match[1]
        return ids[OF_SEGMENT[segment] if name in {"id", "name"} else name.removesuffix("_id")]

    return re.sub(r"\{([^}]+)\}", value, path)
