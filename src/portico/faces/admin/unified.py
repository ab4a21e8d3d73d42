"""/unified/meta and /unified/…/meta/…: what unified models are, and how they are mapped for whom."""

import re
from typing import Any, Literal

from portico.catalog.find import View
from portico.errors import Failure, InvalidArguments
from portico.faces.endpoint import Asked, Endpoint, NoQuery
from portico.gateway.admit import admit_account
from portico.gateway.lookup import Connected
from portico.model.account import AccountId
from portico.model.call import Answer
from portico.shapes import Json
from portico.unified import meta, models
from portico.unified.page import KINDS, page_of
from portico.unified.plan import Layers, levels_of_environment, plan_of, refuse_misshapen

TAG = "Unified models"
# A page that is opened by itself loads nothing and runs nothing.
_ALONE = [("content-security-policy", "default-src 'none'; sandbox"), ("x-content-type-options", "nosniff")]
# The addresses here, which lie among those of the Unified API.
ADDRESSES = re.compile(r"/unified/(meta(/[^/]+){0,2}|[^/]+/[^/]+(/[^/]+)?/meta/[^/]+)/?")


class Pages(NoQuery, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`format`: JSON, or a page for people as Markdown or HTML."""

    format: Literal["", "json", "md", "html"] = ""


class OfModel(NoQuery, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`format` is of the reference; there is JSON."""

    format: Literal["", "json"] = ""


class OfAccount(OfModel, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Absent: an account token's own account, or none."""

    integrated_account_id: str = ""


async def list_models(asked: Asked) -> Any:
    return {
        "result": [
            {"model": each.model, "label": each.label, "description": each.says, "resources": list(each.resources)}
            for each in models.shipped().values()
        ]
    }


async def get_model(asked: Asked) -> Any:
    model = models.find(asked.path["model"])
    connected = await _connected(asked)
    return meta.model_shown(model, _layers(asked, connected, model.model) if connected else None)


async def get_model_of_integration(asked: Asked) -> Any:
    model = models.find(asked.path["model"])
    view = await asked.parts.views.base(asked.environment_id, asked.path["integration"])
    shown = meta.model_shown(model, (await layers_of_integration(asked, view))[model.model])
    query: Pages = asked.query
    if query.format not in KINDS:
        return shown
    text = page_of(shown, view.integration.label, query.format)
    headers = [("content-type", KINDS[query.format]), *_ALONE]
    return Answer(status=200, headers=headers, content=text.encode())


async def get_method(asked: Asked) -> Any:
    connected = await _connected(asked)
    if connected is None:
        allowed = "the id of an account; /unified/{model}/{resource}/{integration}/meta/{method} is of an integration"
        raise InvalidArguments([Failure("integrated_account_id", "is required", allowed)])
    shipped = asked.parts.mappings.shipped
    plan = plan_of(connected, asked.path["model"], asked.path["resource"], asked.path["method"], shipped)
    return meta.method_shown(plan, connected.view)


async def get_method_of_integration(asked: Asked) -> Any:
    model, resource = models.find(asked.path["model"]), asked.path["resource"]
    model.resource(resource)
    view = await asked.parts.views.base(asked.environment_id, asked.path["integration"])
    layers = (await layers_of_integration(asked, view))[model.model]
    plan = layers.plan(model.model, resource, asked.path["method"], asked.environment_id)
    refuse_misshapen(plan, view)
    return meta.method_shown(plan, view)


async def layers_of_integration(asked: Asked, view: View) -> dict[str, Layers]:
    """Mappings as they are for every account of the environment: model → what comes with Portico, and its changes."""
    name = view.integration.name
    installation = await asked.parts.installations.of(asked.environment_id, name)
    changes = installation.unified_override if installation else {}
    levels = levels_of_environment(name, changes, asked.parts.mappings.shipped)
    return {model: Layers.stacked(levels, model) for model in models.shipped()}


def layers_of_account(asked: Asked, connected: Connected) -> dict[str, Layers]:
    return {name: _layers(asked, connected, name) for name in models.shipped()}


def _layers(asked: Asked, connected: Connected, model: str) -> Layers:
    return Layers.of(connected, model, asked.parts.mappings.shipped)


async def _connected(asked: Asked) -> Connected | None:
    query: OfAccount = asked.query
    account_id = query.integrated_account_id or asked.caller.account_id
    if not account_id:
        return None
    admit_account(asked.caller, AccountId(account_id))
    return await asked.parts.lookup.connected(asked.environment_id, AccountId(account_id))


def _endpoint(
    path: str, name: str, summary: str, handler: Any, description: str = "", *, query: type[NoQuery] = OfModel
) -> Endpoint:
    return Endpoint(
        verb="GET", path=path, name=name, tag=TAG, summary=summary, handler=handler, description=description,
        query=query, also=tuple(KINDS.values()) if query is Pages else (), returns=Json, scope=None,
        account_token=True, tagged=True,
    )  # fmt: skip


ENDPOINTS = (
    _endpoint("/unified/meta", "listUnifiedModels", "What unified models there are", list_models),
    _endpoint(
        "/unified/meta/{model}", "getUnifiedModel", "A unified model's records, filters and bodies", get_model,
        "With an account, what that account has of it.", query=OfAccount,
    ),
    _endpoint(
        "/unified/meta/{model}/{integration}", "getUnifiedModelOfIntegration",
        "What an integration has of a unified model", get_model_of_integration,
        "As JSON, or with `format=md` or `format=html` as a page for people.", query=Pages,
    ),
    _endpoint(
        "/unified/{model}/{resource}/meta/{method}", "getUnifiedMethod",
        "A unified method's schemas and its mapping as it counts for an account", get_method, query=OfAccount,
    ),
    _endpoint(
        "/unified/{model}/{resource}/{integration}/meta/{method}", "getUnifiedMethodOfIntegration",
        "A unified method's schemas and its mapping for an integration", get_method_of_integration,
    ),
)  # fmt: skip
