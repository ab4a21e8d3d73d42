"""Lumen, a vendor of lamps that does not exist: its definition uses every word of the grammar that tests need."""

from datetime import UTC, datetime
from typing import Any

from portico.catalog.compile import compile_definition
from portico.catalog.find import View
from portico.gateway.lookup import Connected
from portico.model.account import Account, AccountId, EnvironmentId
from portico.model.caller import Caller, Scope
from portico.model.operation import Operation

BASE_URL = "https://api.lumen.example/v2"
Json = dict[str, Any]

DEFINITION: Json = {
    "name": "lumen",
    "label": "Lumen",
    "category": "lights",
    "base_url": f"{BASE_URL}/",
    "base_urls": ["https://eu.lumen.example/v2/"],
    "tool_prefixes": ["lu_men"],
    "trace": "x-trace",
    "context": {
        "api_key": {"label": "Key", "secret": True, "aliases": ["key"]},
        "admin_key": {"label": "Admin key", "secret": True},
        "region": {"label": "Region"},
    },
    "credentials": {
        "user": {
            "label": "user key",
            "field": "api_key",
            "prefixes": ["lk-"],
            "proof": "lamps.list",
            "headers": {"Authorization": "Bearer {api_key}", "X-Region": "{region}"},
            "hint": "it starts with lk-",
        },
        "admin": {
            "label": "admin key",
            "field": "admin_key",
            "prefixes": ["lk-admin-"],
            "headers": {"Authorization": "Bearer {admin_key}"},
        },
    },
    "rules": {
        "credential": [{"path": "/admin/**", "use": "admin"}, {"path": "/**", "use": "user"}],
        "pages": {
            "by_id": {
                "send": "after", "next": "last_id", "more": "has_more", "before": "before", "first": "first_id",
            },
            "by_last": {"send": "after", "next": "data[-1].id", "more": "has_more"},
            "by_token": {"send": "page", "next": "next_page", "more": "has_more"},
            "whole": {},
        },
        "tags": [{"path": "/admin/**", "tags": ["admin"]}, {"path": "/lamps/**", "tags": ["lamps"]}],
        "headers": [{"path": "/scenes/**", "headers": {"Lumen-Beta": "scenes=v1"}}],
        "lifecycle": [{"path": "/bulbs/**", "state": "removed", "date": "2026-01-31", "replacement": "lamps"}],
    },
    "failure": {"message": "error.message", "code": "error.code", "kind": "error.type"},
    "rate_limits": {"limit": "x-limit", "remaining": "x-left", "reset": "x-reset"},
    "tags": {"admin": "Runs the house.", "lamps": "Lamps.", "shows": "Shows.", "destructive": "Cannot be undone."},
    "resources": {
        "lamps": {
            "list": {
                "call": "GET /lamps",
                "pages": "by_id",
                "says": "List lamps.",
                "query": {
                    "limit": {"type": "integer", "max": 100},
                    "after": {"type": "string"},
                    "before": {"type": "string"},
                    "rooms": {"type": "array", "wire": "rooms[]", "items": {"type": "string"}},
                    "lit": {"type": "boolean"},
                },
            },
            "get": {"call": "GET /lamps/{lamp_id}", "says": "Look at a lamp."},
            "create": {
                "call": "POST /lamps",
                "says": "Add a lamp.",
                "body": {
                    "name": {"type": "string", "required": True, "max": 40, "help": "What it is called"},
                    "watts": {"type": "integer", "min": 1, "max": 500},
                    "colour": {"type": "string", "enum": ["warm", "cold"]},
                    "tags": {"type": "array", "items": {"type": "string"}},
                },
            },
            "update": {
                "call": "POST /lamps/{lamp_id}",
                "body": {"name": {"type": "string"}, "lit": {"type": "boolean"}},
            },
            "delete": {"call": "DELETE /lamps/{lamp_id}", "asks": "Throw lamp {lamp_id} away?"},
            "blink": {
                "call": "POST /lamps/{lamp_id}/blink",
                "tool": "lumen_blink",
                "aliases": ["lumen_flash", "lights.flash"],
                "body": {
                    "times": {"type": "integer"},
                    "pace": {"type": "number", "wire": "rhythm.pace", "with": {"rhythm.kind": "even"}},
                },
            },
        },
        "scenes": {
            "list": {"call": "GET /scenes", "pages": "by_last"},
            "search": {
                "call": "POST /rooms/{room_id}/scenes/search",
                "effect": "read",
                "body": {"query": {"type": "string", "required": True}, "filters": {"type": "object"}},
            },
        },
        "scene_search": {
            "list": {
                "call": "POST /rooms/{room_id}/search",
                "pages": "whole",
                "body": {
                    "query": {"type": "string", "required": True},
                    "most": {"type": "integer"},
                    "exact": {"type": "boolean"},
                    "words": {"type": "array", "items": {"type": "string"}},
                    "filters": {"type": "object"},
                },
            },
        },
        "shows": {
            "tags": ["shows"],
            "create": {
                "call": "POST /shows",
                "uploads": ["film"],
                "body": {"film": {"type": "file", "required": True}, "title": {"type": "string"}},
            },
            "film": {"call": "GET /shows/{show_id}/film", "returns": "binary"},
        },
        "meters": {
            "list": {
                "call": "GET /admin/meters",
                "pages": "by_token",
                "query": {"since": {"type": "integer", "required": True}},
            },
        },
        "house": {"get": {"call": "GET /admin/house"}, "update": {"call": "POST /admin/house"}},
        "room_locks": {
            "singular": "room_lock",
            "get": {"call": "GET /rooms/{room_id}/locks/{lock_id}"},
        },
        "batches": {
            "create": {
                "call": "POST /batches",
                "root_array": True,
                "body": {"body": {"type": "array", "required": True}},
            },
        },
        "bulbs": {"list": {"call": "GET /bulbs"}},
    },
}  # fmt: skip


def view() -> View:
    return compile_definition(DEFINITION)


def operation(key: str) -> Operation:
    resource, _, method = key.partition(".")
    return view().find(resource, method)


def connected(base_url: str = BASE_URL, **changes: Any) -> Connected:
    """An account of Lumen's with both keys, unless `changes` says otherwise."""
    moment = datetime(2026, 11, 2, tzinfo=UTC)
    facts: Json = {"status": "active", "held": {"api_key": "…1234", "admin_key": "…5678"}} | changes
    account = Account(
        id=AccountId("acc-1"),
        environment_id=EnvironmentId("env-1"),
        installation_id="ins-1",
        integration="lumen",
        tenant_id="acme",
        created_at=moment,
        updated_at=moment,
        **facts,
    )
    return Connected(account=account, view=view(), base_url=base_url, is_trusted=False)


def caller(*scopes: Scope, account: str = "") -> Caller:
    return Caller(
        environment_id=EnvironmentId("env-1"),
        token_id="tok-1",
        name="a token",
        scopes=frozenset(scopes),
        account_id=AccountId(account) if account else None,
    )
