"""FastMCP's server from an OpenAPI document of the same operations: `python fastmcp_openapi.py FACTS PORT`."""

import json
import sys
from pathlib import Path

import uvicorn
import uvloop
from fastmcp import FastMCP

try:
    import httpx2 as httpx
except ImportError:
    import httpx

FACTS = json.loads(Path(sys.argv[1]).read_text())


async def main() -> None:
    client = httpx.AsyncClient(base_url=FACTS["vendor"], headers={"Authorization": f"Bearer {FACTS['key']}"})
    server = FastMCP.from_openapi(openapi_spec=FACTS["openapi"], client=client, name="bench")
    application = server.http_app(path="/mcp", stateless_http=True, json_response=True)
    await uvicorn.Server(uvicorn.Config(application, port=int(sys.argv[2]), log_level="warning")).serve()


uvloop.run(main())
