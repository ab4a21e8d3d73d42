"""What the demo has to show when it opens: MCP servers on its account, a log with good calls and failed ones, and an
agent that waits for a yes. All of it comes of real calls, made while the demo already serves."""

import contextlib
import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from types import MappingProxyType
from typing import Any
from urllib.request import Request, urlopen

from portico.cli.api import Api
from portico.cli.say import Unhappy

EVERYTHING = "Everything"
BILLING = "Billing, asks before it changes anything"
BILLING_CONFIG = {"tags": ["billing", "usage"], "confirm": "writes", "confirm_wait_seconds": 0}
BILLING_DAYS = 30
# What the agent at the second server wants to do, and must not without a yes.
WANTED = ("update_a_openai_spend_limit", {"threshold_amount": 2_500_000})
_PATIENCE_SECONDS = 15


def open_servers(api: Api, account_id: str, holding: Mapping[str, str] = MappingProxyType({})) -> tuple[str, str]:
    """The addresses of the demo's two servers, the wider one's first. Where none of an earlier run is known to hold (by
    its server's id), a further server is made: one that nobody knows here may stand in somebody's client."""
    ends = (datetime.now(UTC) + timedelta(days=BILLING_DAYS)).replace(microsecond=0).isoformat()
    path = f"/integrated-account/{account_id}/mcp"
    known = {each["name"]: holding[each["id"]] for each in api.pages(path) if each["id"] in holding}

    def address(wanted: dict[str, Any]) -> str:
        secret = known.get(wanted["name"])
        return f"{api.url}/mcp/{secret}" if secret else api.post(path, wanted)["url"]

    return (
        address({"name": EVERYTHING}),
        address({"name": BILLING, "config": BILLING_CONFIG, "expires_at": ends}),
    )


def tell(api: Api, account_id: str, billing_url: str) -> None:
    """Some calls as people and agents make them: most work, some name what is not there or ask for too much."""
    proxied = {"integrated_account_id": account_id}
    tools = f"/integrated-account/{account_id}/tools"
    for path, query in (
        ("/proxy/projects", {}),
        ("/proxy/users", {"limit": 5}),
        ("/proxy/models/gpt-unheard-of", {}),
        ("/proxy/files", {"limit": 3}),
    ):
        _quietly(api, "GET", path, query=proxied | query)
    for name, arguments in (
        ("list_all_openai_batches", {"limit": 3}),
        ("get_single_openai_file_by_id", {"id": "file-that-was-deleted"}),
        ("list_all_openai_vector_stores", {"limit": 500}),
        ("list_all_openai_costs", {"start_time": "7 days ago", "group_by": ["project_id"]}),
    ):
        _quietly(api, "POST", f"{tools}/{name}", body=arguments)
    _speak(billing_url, "list_all_openai_costs", {"start_time": "last month", "limit": 3})
    with contextlib.suppress(Unhappy):
        if not api.get("/approval", state="pending", limit=1)["result"]:
            _speak(billing_url, *WANTED)


def _quietly(api: Api, verb: str, path: str, *, body: Any = None, query: Any = None) -> None:
    with contextlib.suppress(Unhappy):
        api.send(verb, path, body=body, query=query)


def _speak(url: str, name: str, arguments: dict[str, Any]) -> None:
    """One tool call as an MCP client makes it, whatever comes of it."""
    call = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": name, "arguments": arguments}}
    headers = {
        "content-type": "application/json",
        "accept": "application/json, text/event-stream",
        "mcp-protocol-version": "2025-11-25",
        "user-agent": "billing-agent/1.0",
    }
    with (
        contextlib.suppress(OSError),
        urlopen(  # noqa: S310 -- the demo's own address
            Request(url, json.dumps(call).encode(), headers),  # noqa: S310 -- the demo's own address
            timeout=_PATIENCE_SECONDS,
        ) as answer,
    ):
        answer.read()
