"""What the demo has to show when it opens: MCP servers on its account, and a log with good calls and failed ones."""

import contextlib
from datetime import UTC, datetime, timedelta
from typing import Any

from portico.cli.api import Api
from portico.cli.say import Unhappy

EVERYTHING = "Everything"
BILLING = "Billing, read-only"
BILLING_CONFIG = {"methods": ["read"], "tags": ["billing", "usage"]}
BILLING_DAYS = 30


def open_servers(api: Api, account_id: str) -> str:
    """Make the demo's two servers, or give those of an earlier run new addresses. Answers that of the wider one."""
    ends = (datetime.now(UTC) + timedelta(days=BILLING_DAYS)).replace(microsecond=0).isoformat()
    known = {each["name"]: each["id"] for each in api.pages(f"/integrated-account/{account_id}/mcp")}
    made = _server(api, account_id, known, {"name": EVERYTHING})
    _server(api, account_id, known, {"name": BILLING, "config": BILLING_CONFIG, "expires_at": ends})
    return made["url"]


def _server(api: Api, account_id: str, known: dict[str, str], wanted: dict[str, Any]) -> Any:
    path = f"/integrated-account/{account_id}/mcp"
    if wanted["name"] in known:
        return api.post(f"{path}/{known[wanted['name']]}/rotate")
    return api.post(path, wanted)


def fill_log(api: Api, account_id: str) -> None:
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


def _quietly(api: Api, verb: str, path: str, *, body: Any = None, query: Any = None) -> None:
    with contextlib.suppress(Unhappy):
        api.send(verb, path, body=body, query=query)
