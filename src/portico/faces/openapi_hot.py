"""The hot faces in OpenAPI: addresses whose shape the catalog gives, described once for all vendors."""

from typing import Any

from portico.faces.openapi_unified import unified_paths

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
        **unified_paths(),
        "/custom/{path}": {
            verb: _raw(f"custom{verb.title()}", [_PATH, _ACCOUNT]) for verb in ("get", "post", "patch", "put", "delete")
        },
        "/passthrough/{integrated_account_id}/{path}": {
            verb: _raw(f"passthrough{verb.title()}", [_ACCOUNT_IN_PATH, _PATH])
            for verb in ("get", "post", "patch", "put", "delete")
        },
        "/integrated-account/{id}/tools/{name}": {"post": _run_tool()},
        "/mcp/{token}": {"post": _mcp()},
        "/file": {"post": _keep_file()},
        "/file/{id}/content/{link}": {"get": _fetch_file()},
        "/integrated-account-webhook/{integrated_account_id}": {"post": _inbound()},
        "/healthz": {"get": _open("health", "Whether this process is alive")},
        "/readyz": {"get": _open("ready", "Whether this process can take requests")},
        "/metrics": {"get": _open("metrics", "Counters in Prometheus' text format")},
        "/openapi.json": {"get": _open("openapi", "This document")},
        "/docs": {"get": _open("docs", "This document as a page")},
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


def _run_tool() -> Json:
    account = _parameter("id", "path", "The account.", required=True)
    name = _parameter("name", "path", "The tool's name.", required=True)
    words = "How keys that the vendor shows once are handed over; link if absent."
    secrets = _parameter("secrets", "query", words, {"enum": ["reveal", "link", "store"]})
    result: Json = {
        "type": "object",
        "required": ["content", "structured", "is_error", "meta"],
        "properties": {
            "content": {"type": "array", "items": {"type": "object"}},
            "structured": {},
            "is_error": {"type": "boolean"},
            "meta": {"type": "object"},
        },
    }
    return {
        "operationId": "runTool",
        "summary": "Run a tool with the body as its arguments",
        "description": "What the vendor refuses is a result with `is_error`. Needs the scope of the tool's operation.",
        "tags": ["Tools"],
        "parameters": [account, name, secrets],
        "requestBody": {"content": {"application/json": {"schema": {"type": "object"}}}},
        "responses": _told("200", "What the tool says.", result),
    }


def _mcp() -> Json:
    token = _parameter("token", "path", "The secret part of an MCP server's address.", required=True)
    return {
        "operationId": "mcp",
        "summary": "An MCP server: JSON-RPC, one message in a request",
        "tags": ["MCP"],
        "security": [],
        "parameters": [token],
        "requestBody": {"required": True, "content": {"application/json": {"schema": {"type": "object"}}}},
        "responses": {
            "200": {
                "description": "The answer.",
                "content": {"application/json": {"schema": {"type": "object"}}, "text/event-stream": {"schema": {}}},
            },
            "202": {"description": "A notification was taken."},
            "default": {"description": "A refusal, of ours or of the protocol."},
        },
    }


def _keep_file() -> Json:
    upload: Json = {
        "type": "object",
        "required": ["file"],
        "properties": {"file": {"type": "string", "contentMediaType": "application/octet-stream"}},
    }
    return {
        "operationId": "keepFile",
        "summary": "Keep a file for a day",
        "description": (
            "As a form, or as the body itself with its content type. Needs the scope `call`. Tools take the file as "
            "`{file: id}`."
        ),
        "tags": ["Files"],
        "parameters": [
            _parameter("filename", "query", "Its name, where the form does not give it."),
            _parameter("integrated_account_id", "query", "Only tools of this account may use it."),
        ],
        "requestBody": {
            "required": True,
            "content": {"multipart/form-data": {"schema": upload}, "*/*": {"schema": {}}},
        },
        "responses": _told("201", "The file, and a link to it.", {"$ref": "#/components/schemas/FileLinked"}),
    }


def _fetch_file() -> Json:
    return {
        "operationId": "fetchFile",
        "summary": "Fetch a kept file by its link",
        "tags": ["Files"],
        "security": [],
        "parameters": [
            _parameter("id", "path", "The file.", required=True),
            _parameter("link", "path", "The secret part of the link.", required=True),
        ],
        "responses": {
            "200": {"description": "The file.", "content": {"*/*": {"schema": {}}}},
            "default": {"description": "One of our refusals in the form `Failed`."},
        },
    }


def _told(status: str, words: str, schema: Json) -> Json:
    failed: Json = {"application/json": {"schema": {"$ref": "#/components/schemas/Failed"}}}
    return {
        status: {"description": words, "content": {"application/json": {"schema": schema}}},
        "default": {"description": "One of our refusals.", "content": failed},
    }


def _open(name: str, summary: str) -> Json:
    return {
        "operationId": name,
        "summary": summary,
        "tags": ["Health"],
        "security": [],
        "responses": {"200": {"description": "Yes."}, "503": {"description": "Not now."}},
    }


def _inbound() -> Json:
    return {
        "operationId": "receiveVendorWebhook",
        "summary": "Where a vendor sends an account's events, signed",
        "tags": ["Vendor webhooks"],
        "security": [],
        "parameters": [
            _ACCOUNT_IN_PATH,
            *(
                _parameter(name, "header", "Standard Webhooks.", required=True)
                for name in ("webhook-id", "webhook-timestamp", "webhook-signature")
            ),
        ],
        "requestBody": {"required": True, "content": {"application/json": {"schema": {"type": "object"}}}},
        "responses": {
            "204": {"description": "Taken, now or the first time it came."},
            "404": {"description": "Unknown, unsigned, or signed too long ago: one answer for all of them."},
        },
    }


def _answers(content: Json) -> Json:
    return {
        "default": {"description": "The vendor's answer, or one of our refusals in the form `Failed`."},
        "200": {"description": "The vendor's answer.", "content": content},
    }
