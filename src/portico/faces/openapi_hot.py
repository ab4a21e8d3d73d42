"""The hot faces in OpenAPI: addresses whose shape the catalog gives, described once for all vendors."""

from typing import Any

Json = dict[str, Any]


def hot_paths() -> Json:
    return {
        "/proxy/{resource}": {
            "get": _proxy("proxyList", "List a resource's items", [_RESOURCE], body=False, schema=_PAGE),
            "post": _proxy("proxyCreate", "Create an item", [_RESOURCE], body=True),
        },
        "/proxy/{resource}/{id}": {
            "get": _proxy("proxyGet", "Get an item", [_RESOURCE, _ID], body=False),
            "patch": _proxy("proxyUpdate", "Change an item", [_RESOURCE, _ID], body=True),
            "delete": _proxy("proxyDelete", "Delete an item", [_RESOURCE, _ID], body=False),
            "post": _proxy(
                "proxyCustom", "Call a custom method: its name stands in the id's place", [_RESOURCE, _ID], body=True
            ),
        },
        "/custom/{path}": {
            verb: _raw(f"custom{verb.title()}", [_PATH, _ACCOUNT]) for verb in ("get", "post", "patch", "put", "delete")
        },
        "/passthrough/{integrated_account_id}/{path}": {
            verb: _raw(f"passthrough{verb.title()}", [_ACCOUNT_IN_PATH, _PATH])
            for verb in ("get", "post", "patch", "put", "delete")
        },
        "/healthz": {"get": _open("health", "Whether this process is alive")},
        "/readyz": {"get": _open("ready", "Whether this process can take requests")},
    }


def _parameter(name: str, place: str, words: str, schema: Json | None = None, *, required: bool = False) -> Json:
    return {
        "name": name,
        "in": place,
        "required": required,
        "description": words,
        "schema": schema or {"type": "string"},
    }


_RESOURCE = _parameter(
    "resource", "path", "A resource of the account's integration; /capabilities lists them.", required=True
)
_ID = _parameter("id", "path", "The item's id, or by POST the method's name.", required=True)
_PATH = _parameter("path", "path", "The vendor's own path.", required=True)
_ACCOUNT = _parameter("integrated_account_id", "query", "The account; not needed with an account token.")
_ACCOUNT_IN_PATH = _parameter("integrated_account_id", "path", "The account.", required=True)
_OPTIONS = [
    _ACCOUNT,
    _parameter(
        "truto_response_format",
        "query",
        "How the answer looks.",
        {"enum": ["unified", "normalized", "raw", "stream", "debug"]},
    ),
    _parameter(
        "truto_exclude_fields[]",
        "query",
        "Fields to leave out, dotted.",
        {"type": "array", "items": {"type": "string"}},
    ),
    _parameter(
        "portico_retry", "query", "Seconds to wait out a 429 of a reading call.", {"type": "number", "maximum": 300}
    ),
]
_PAGE: Json = {
    "type": "object",
    "properties": {
        "result": {"type": "array", "items": {}},
        "next_cursor": {"type": ["string", "null"]},
        "prev_cursor": {"type": ["string", "null"]},
        "result_count": {"type": "integer"},
    },
}


def _proxy(name: str, summary: str, parameters: list[Json], *, body: bool, schema: Json | None = None) -> Json:
    paging = [
        _parameter("limit", "query", "Most items per page.", {"type": "integer", "minimum": 1}),
        _parameter("next_cursor", "query", "The cursor of the page before, exactly as it came."),
    ]
    described: Json = {
        "operationId": name,
        "summary": summary,
        "tags": ["Proxy API"],
        "parameters": [*parameters, *_OPTIONS, *(paging if schema else [])],
        "responses": _answers({"application/json": {"schema": schema or {}}}),
    }
    if body:
        described["requestBody"] = {
            "content": {"application/json": {"schema": {}}, "multipart/form-data": {"schema": {}}}
        }
    return described


def _raw(name: str, parameters: list[Json]) -> Json:
    return {
        "operationId": name,
        "summary": "The vendor's own API with the account's key on it",
        "tags": ["Custom and passthrough"],
        "parameters": parameters,
        "responses": _answers({"*/*": {"schema": {}}}),
    }


def _open(name: str, summary: str) -> Json:
    return {
        "operationId": name,
        "summary": summary,
        "tags": ["Health"],
        "security": [],
        "responses": {"200": {"description": "Yes."}, "503": {"description": "Not now."}},
    }


def _answers(content: Json) -> Json:
    return {
        "default": {"description": "The vendor's answer, or one of our refusals in the form `Failed`."},
        "200": {"description": "The vendor's answer.", "content": content},
    }
