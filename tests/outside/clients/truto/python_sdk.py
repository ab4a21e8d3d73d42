"""The reference's SDK for Python: accounts, a token, a link, the Proxy, Unified and Custom APIs, and MCP."""

import asyncio
import json
import sys

from aiohttp import ClientResponseError
from truto_python_sdk import TrutoApi

JOB = json.loads(sys.argv[1])


async def over_mcp(truto):
    begun = await truto.mcp.initialize(JOB["mcp_token"], "python", "1")
    listed = await truto.mcp.list_tools(JOB["mcp_token"])
    called = await truto.mcp.call_tool(JOB["mcp_token"], "list_all_openai_models", {"limit": 1})
    return [
        begun["result"]["protocolVersion"],
        len(listed["result"]["tools"]),
        called["result"]["structuredContent"]["result_count"],
    ]


async def main():
    truto = TrutoApi(JOB["token"], JOB["url"])
    account_id = JOB["account_id"]
    asked = {"integrated_account_id": account_id}
    token = await truto.integrated_accounts.create_integrated_account_token(account_id)
    customers = TrutoApi(token["integrated_account_token"], JOB["url"])
    stores = truto.proxy_api
    made = await stores.create("vector_stores", {"name": "made by python"}, asked)
    changed = await stores.update("vector_stores", made["id"], {"name": "changed by python"}, asked)
    found = {
        "accounts": [each["id"] for each in await truto.integrated_accounts.list(limit=1).to_array()],
        "account": (await truto.integrated_accounts.get(account_id))["id"],
        "refreshed": await truto.integrated_accounts.refresh_credentials(account_id),
        "link": (await truto.link_tokens.create({"tenant_id": "newcomer"}))["link_token"],
        "projects": [each["id"] for each in await stores.list("projects", {**asked, "limit": 2}).to_array()],
        "of_customer": [each["id"] for each in await customers.proxy_api.list("projects", {"limit": 2}).to_array()],
        "stored": [(await stores.get("vector_stores", made["id"], asked))["name"], changed["name"]],
        "deleted": (await stores.delete("vector_stores", made["id"], asked))["deleted"],
        "users": len(await truto.unified_api.list("user-directory", "users", dict(asked)).to_array()),
        "models": len((await truto.custom_api.get("models", **asked))["data"]),
        "mcp": await over_mcp(truto),
    }
    try:
        await stores.get("files", "file-none", asked)
    except ClientResponseError as problem:
        found["refused"] = problem.status
    sys.stdout.write(json.dumps(found))


asyncio.run(main())
