"""An MCP client that signs in: what it wants from the outside it says line by line, and waits for the answer.

`open URL`: a person has to go there. `tokens JSON`: what it holds. `did JSON`: what came of a command, which is read
from standard input as JSON: {"call": name, "arguments": {…}}, or {"forget": true}, after which the token looks expired.
"""

import asyncio
import json
import sys
import time
from urllib.parse import parse_qs, urlsplit

import httpx2
from mcp import Client
from mcp.client.auth import OAuthClientProvider, TokenStorage
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.auth import AuthorizationCodeResult, OAuthClientMetadata

URL, NAME, DOCUMENT = sys.argv[1], sys.argv[2], sys.argv[3] if len(sys.argv) > 3 else None


def say(word, value):
    sys.stdout.write(f"{word} {value if isinstance(value, str) else json.dumps(value)}\n")
    sys.stdout.flush()


class Memory(TokenStorage):
    tokens = client = None

    async def get_tokens(self):
        return self.tokens

    async def set_tokens(self, tokens):
        self.tokens = tokens
        say("tokens", json.loads(tokens.model_dump_json()))

    async def get_client_info(self):
        return self.client

    async def set_client_info(self, client_info):
        self.client = client_info


class Callback:
    """Where the person's browser comes back to."""

    async def start(self):
        self.arrived = asyncio.Queue()
        self.server = await asyncio.start_server(self._take, "127.0.0.1", 0)
        return f"http://127.0.0.1:{self.server.sockets[0].getsockname()[1]}/callback"

    async def _take(self, reader, writer):
        line = await reader.readline()
        query = {name: values[0] for name, values in parse_qs(urlsplit(line.split()[1].decode()).query).items()}
        writer.write(
            b"HTTP/1.1 200 OK\r\ncontent-type: text/html\r\nconnection: close\r\n\r\n<h1>You may go back.</h1>"
        )
        await writer.drain()
        writer.close()
        if query:
            self.arrived.put_nowait(query)

    async def wait(self):
        query = await self.arrived.get()
        if "code" not in query:
            say("refused", query)
            raise SystemExit(3)
        return AuthorizationCodeResult(code=query["code"], state=query.get("state"), iss=query.get("iss"))


async def main():
    callback, memory = Callback(), Memory()
    back = await callback.start()
    metadata = OAuthClientMetadata(client_name=NAME, redirect_uris=[back])

    async def go(url):
        say("open", url)

    provider = OAuthClientProvider(URL, metadata, memory, go, callback.wait, client_metadata_url=DOCUMENT)
    async with (
        httpx2.AsyncClient(auth=provider, timeout=60) as http,
        Client(streamable_http_client(URL, http_client=http)) as client,
    ):
        say("did", {"tools": [tool.name for tool in (await client.list_tools()).tools]})
        while line := await asyncio.to_thread(sys.stdin.readline):
            command = json.loads(line)
            if command.get("forget"):
                provider.context.token_expiry_time = time.time() - 1
                say("did", {})
                continue
            result = await client.call_tool(command["call"], command["arguments"])
            say("did", {"is_error": result.is_error, "text": "".join(block.text for block in result.content)})


asyncio.run(main())
