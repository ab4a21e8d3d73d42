"""An MCP client of a few lines, in both eras, over ASGI: it sends what it is told to and shows what came back."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import msgspec

from portico.app import Portico
from tests.gateways import Client, Got, exchange

HOST = "portico.test"
OLD, NEW = "2025-11-25", "2026-07-28"
Json = dict[str, Any]
NO_HEADERS: Mapping[str, str] = {}


def meta_of(version: str = NEW, **more: Any) -> Json:
    return {
        "io.modelcontextprotocol/protocolVersion": version,
        "io.modelcontextprotocol/clientCapabilities": {},
        **more,
    }


@dataclass(frozen=True)
class Speaker:
    """One address, spoken to in one version. `version` "" sends no version header at all."""

    gateway: Portico
    path: str
    version: str = OLD
    headers: Mapping[str, str] = field(default_factory=dict[str, str])

    def speaking(self, version: str) -> "Speaker":
        return replace(self, version=version)

    def sending(self, **headers: str) -> "Speaker":
        return replace(
            self, headers={**self.headers, **{name.replace("_", "-"): text for name, text in headers.items()}}
        )

    async def send(self, content: bytes, *, verb: str = "POST", headers: Mapping[str, str] = NO_HEADERS) -> Got:
        """These bytes, with the headers that the version asks for unless others are given."""
        sent = {
            "host": HOST,
            "content-type": "application/json",
            "accept": "application/json, text/event-stream",
            "content-length": str(len(content)),
        }
        if self.version:
            sent["mcp-protocol-version"] = self.version
        return await exchange(self.gateway, verb, self.path, "", {**sent, **self.headers, **headers}, content)

    async def ask(self, method: str, params: Json | None = None, *, number: Any = 1) -> Got:
        message, headers = self.message(method, params, number=number)
        return await self.send(msgspec.json.encode(message), headers=headers)

    def message(self, method: str, params: Json | None = None, *, number: Any = 1) -> tuple[Json, dict[str, str]]:
        given = dict(params or {})
        headers: dict[str, str] = {}
        if self.version == NEW:
            given["_meta"] = {**meta_of(), **given.get("_meta", {})}
            headers = {"mcp-method": method} | ({"mcp-name": given["name"]} if "name" in given else {})
        message: Json = {"jsonrpc": "2.0", "id": number, "method": method}
        return (message | {"params": given} if given else message), headers

    async def result(self, method: str, params: Json | None = None) -> Json:
        got = await self.ask(method, params)
        assert got.status == 200, got.content
        # On a busy machine an answer may take so long that it comes as a stream.
        is_stream = got.headers.get("content-type", "").startswith("text/event-stream")
        answer = events(got.content)[-1] if is_stream else got.json
        assert "result" in answer, answer
        return answer["result"]

    async def tools(self) -> dict[str, Json]:
        return {each["name"]: each for each in (await self.result("tools/list"))["tools"]}

    async def call(self, name: str, arguments: Json | None = None) -> Json:
        """The call's result; its text and its structured content are the same value, always."""
        result = await self.result("tools/call", {"name": name, "arguments": arguments or {}})
        text = result["content"][0]["text"]
        structured = result["structuredContent"]
        assert text == structured.get("text") or msgspec.json.decode(text) == structured
        return result

    async def value(self, name: str, arguments: Json | None = None) -> Json:
        """What a call that goes well gives."""
        result = await self.call(name, arguments)
        assert not result["isError"], result
        return result["structuredContent"]

    async def refusal(self, name: str, arguments: Json | None = None) -> Json:
        """What a call that is refused says."""
        result = await self.call(name, arguments)
        assert result["isError"], result
        return result["structuredContent"]

    async def fault(self, method: str, params: Json | None = None) -> tuple[int, Json]:
        """(HTTP status, error) of a message that is wrong."""
        got = await self.ask(method, params)
        return got.status, got.json["error"]


def path_of(made: Json) -> str:
    return "/" + made["url"].partition("//")[2].partition("/")[2]


def failures(got: Got) -> dict[str, str]:
    """Path → problem, and what is allowed, of a 400."""
    assert got.status == 400, got.content
    listed: list[Json] = got.json["details"]["failures"]
    return {each["path"]: f"{each['problem']} {each.get('allowed', '')}" for each in listed}


@dataclass(frozen=True)
class Maker:
    """Makes MCP servers of one account."""

    client: Client
    account_id: str

    @property
    def address(self) -> str:
        return f"/integrated-account/{self.account_id}/mcp"

    async def made(self, *, expires_at: str | None = None, **config: Any) -> Json:
        body: Json = {"name": "tests", "config": config} | ({"expires_at": expires_at} if expires_at else {})
        got = await self.client.post(self.address, body)
        assert got.status == 201, got.content
        return got.json

    async def server(self, *, expires_at: str | None = None, **config: Any) -> Speaker:
        """A server whose tools are listed as they are, unless it is told otherwise."""
        made = await self.made(expires_at=expires_at, **{"tool_exposure": "all", **config})
        return Speaker(self.client.gateway, path_of(made))

    async def refused(self, **config: Any) -> dict[str, str]:
        """Path → problem (and what is allowed) of a server that cannot be made so."""
        got = await self.client.post(self.address, {"name": "tests", "config": config})
        return failures(got)


class Line:
    """A request whose answer is watched as it comes, and whose client can hang up."""

    def __init__(self, speaker: Speaker, content: bytes, headers: Mapping[str, str]) -> None:
        self.sent: list[Json] = []
        self._arrived, self._left = asyncio.Event(), asyncio.Event()
        given = {"host": HOST, "accept": "application/json, text/event-stream", **headers}
        if speaker.version:
            given["mcp-protocol-version"] = speaker.version
        scope: Json = {
            "type": "http", "method": "POST", "path": speaker.path, "raw_path": speaker.path.encode(),
            "query_string": b"", "headers": [(name.encode(), text.encode()) for name, text in given.items()],
            "client": ("127.0.0.1", 1),
        }  # fmt: skip
        self._body: list[Json] = [{"type": "http.request", "body": content, "more_body": False}]
        self.task = asyncio.create_task(speaker.gateway(scope, self._receive, self._send))

    async def _receive(self) -> Json:
        if self._body:
            return self._body.pop(0)
        await self._left.wait()
        return {"type": "http.disconnect"}

    async def _send(self, message: Json) -> None:
        self.sent.append(message)
        self._arrived.set()

    def hang_up(self) -> None:
        self._left.set()

    async def until(self, count: int) -> None:
        """Until so many pieces of the answer are here, its head included."""
        async with asyncio.timeout(5):
            while len(self.sent) < count:
                self._arrived.clear()
                await self._arrived.wait()

    @property
    def content(self) -> bytes:
        return b"".join(each.get("body", b"") for each in self.sent)


def events(content: bytes) -> list[Json]:
    """The messages of a stream of events; comments are left out."""
    blocks = [block for block in content.decode().split("\n\n") if block and not block.startswith(":")]
    return [msgspec.json.decode(block.partition("data: ")[2]) for block in blocks]
