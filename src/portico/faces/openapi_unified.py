"""The Unified API in OpenAPI: its addresses, described once for every model and vendor."""

from typing import Any

Json = dict[str, Any]


def unified_paths() -> Json:
    return {
        "/unified/{model}/{resource}": {
            "get": _operation("unifiedList", "List the records of a model, whoever the vendor is", _LIST, _PAGE),
            "post": _operation("unifiedCreate", "Create a record", _ONE, body=True),
        },
        "/unified/{model}/{resource}/{id}": {
            "get": _operation("unifiedGet", "Get a record", [_ID, *_ONE]),
            "patch": _operation("unifiedUpdate", "Change a record", [_ID, *_ONE], body=True),
            "delete": _operation("unifiedDelete", "Delete a record", [_ID, *_ONE]),
            "post": _operation(
                "unifiedMethod", "Call another method: its name stands in the id's place", [_ID, *_ONE], body=True
            ),
        },
        "/unified/{model}/{resource}/{id}/{method}": {
            "post": _operation("unifiedMethodOf", "Call another method of one record", [_ID, _METHOD, *_ONE], body=True)
        },
    }


def _parameter(name: str, place: str, words: str, schema: Json | None = None) -> Json:
    return {
        "name": name, "in": place, "required": place == "path", "description": words,
        "schema": schema or {"type": "string"},
    }  # fmt: skip


_FLAG: Json = {"type": "boolean"}
_ID = _parameter("id", "path", "The record's id, or by POST the method's name.")
_METHOD = _parameter("method", "path", "The method, such as assign_role.")
_ONE = [
    _parameter("model", "path", "A unified model, such as user-directory."),
    _parameter("resource", "path", "A resource of the model, such as users."),
    _parameter("integrated_account_id", "query", "The account; not needed with an account token."),
    _parameter("truto_ignore_remote_data", "query", "Leave the vendor's own record out.", _FLAG),
    _parameter("truto_exclude_fields[]", "query", "Fields to leave out, dotted.", {"type": "array", "items": {}}),
    _parameter("truto_response_format", "query", "Form.", {"enum": ["unified", "normalized", "debug"]}),
    _parameter("portico_retry", "query", "Seconds to wait out a 429 of a reading call.", {"type": "number"}),
    _parameter("portico_dry_run", "query", "Show the request that a write would be.", _FLAG),
]
_LIST = [
    *_ONE,
    _parameter("limit", "query", "Records of a page.", {"type": "integer", "minimum": 1, "maximum": 500}),
    _parameter("next_cursor", "query", "Where to go on, exactly as it was received."),
    _parameter("prev_cursor", "query", "The page before, exactly as it was received."),
    _parameter("sort_by", "query", "A field, with - for descending."),
    _parameter("truto_key_by", "query", "Answer an object of records by this field instead of a list."),
    _parameter("portico_complete", "query", "Complete records that the vendor lists only in part.", _FLAG),
]
_PAGE: Json = {
    "type": "object",
    "required": ["result", "next_cursor", "prev_cursor", "result_count", "is_partial_response"],
    "properties": {
        "result": {"type": ["array", "object"], "items": {}},
        "next_cursor": {"type": ["string", "null"]},
        "prev_cursor": {"type": ["string", "null"]},
        "result_count": {"type": "integer"},
        "is_partial_response": {"type": "boolean"},
    },
}


def _operation(
    name: str, summary: str, parameters: list[Json], schema: Json | None = None, *, body: bool = False
) -> Json:
    failed: Json = {"application/json": {"schema": {"$ref": "#/components/schemas/Failed"}}}
    told: Json = {
        "operationId": name,
        "summary": summary,
        "tags": ["Unified API"],
        "parameters": parameters,
        "responses": {
            "200": {
                "description": "The answer.", "content": {"application/json": {"schema": schema or {"type": "object"}}},
            },
            "default": {"description": "A refusal: ours, or the vendor's with its own status.", "content": failed},
        },
    }  # fmt: skip
    if body:
        told["requestBody"] = {"content": {"application/json": {"schema": {"type": "object"}}}}
    return told
