"""What an integration can do, resource by resource: the answer that clients discover it by. Pure."""

from collections.abc import Sequence
from typing import Any

from portico.catalog.answers import has_answer_schema
from portico.catalog.find import View
from portico.model.operation import Operation

Json = dict[str, Any]


def capabilities(
    view: View, operations: Sequence[Operation], unified: Sequence[Json], *, has_description: bool
) -> Json:
    """`unified` are the rows of the unified models that the integration or the account has."""
    shown = [each for each in operations if each.says or not has_description]
    resources: dict[str, list[Json]] = {}
    for each in shown:
        resources.setdefault(each.resource, []).append(_method(each))
    described = sum(1 for each in view.operations if each.says)
    total = len(view.operations)
    return {
        "proxy": [{"resource": name, "methods": methods} for name, methods in resources.items()],
        "unified": list(unified),
        "auth": {
            "formats": ["api_key"],
            "fields": [_field(each.name, each.label, each.secret, each.optional) for each in view.integration.context],
            "documentation_link": view.integration.documentation or None,
        },
        "ai_readiness": {
            "proxy_methods": total,
            "proxy_methods_with_descriptions": described,
            "ai_ready_score": round(described / total, 3) if total else 0.0,
        },
    }


def _method(operation: Operation) -> Json:
    places = {each.place for each in operation.parameters}
    return {
        "method": operation.method,
        "name": operation.tool.name,
        "description": operation.says or None,
        "has_description": bool(operation.says),
        "has_query_schema": bool(places & {"path", "query"}),
        "has_body_schema": bool(places & {"body", "upload"}),
        "has_response_schema": has_answer_schema(operation),
        "effect": operation.effect,
        "key": operation.credential,
        "lifecycle": operation.lifecycle.state,
        "tags": list(operation.tags),
        "api_documentation_url": None,
    }


def _field(name: str, label: str, secret: bool, optional: bool) -> Json:
    return {"name": name, "label": label, "type": "password" if secret else "text", "required": not optional}
