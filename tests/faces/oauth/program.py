"""An MCP client as OAuth sees it: it registers, sends a person to the door, trades codes and refreshes tokens."""

import base64
import hashlib
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import urlencode

import msgspec

from portico.app import Portico
from portico.gateway.people import NewPerson, add_person
from portico.model.account import EnvironmentId
from portico.model.person import Person, Role
from tests.faces.mcp.speaker import Json, Maker, Speaker, path_of
from tests.faces.oauth.browser import HOST, ORIGIN, Browser, answer_of
from tests.gateways import Got, exchange

BACK = "https://program.example/callback"
VERIFIER = "correct-horse-battery-staple-correct-horse-battery"
PASSWORD = "a password for tests"


def challenge_of(verifier: str = VERIFIER) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()


@dataclass(frozen=True)
class Program:
    """A public client without any secret."""

    gateway: Portico
    client_id: str = ""
    back: str = BACK
    headers: dict[str, str] = field(default_factory=dict[str, str])

    async def registered(self, **document: Any) -> "Program":
        given = {"client_name": "Test program", "redirect_uris": [self.back], **document}
        got = await self.register(given)
        assert got.status == 201, got.content
        return replace(self, client_id=got.json["client_id"])

    async def register(self, document: Any) -> Got:
        return await self.send("/oauth/register", msgspec.json.encode(document), "application/json")

    def door(self, resource: str, /, **changes: str | None) -> str:
        """The path that a person is sent to; None leaves a parameter out."""
        given: dict[str, str | None] = {
            "response_type": "code",
            "client_id": self.client_id,
            "redirect_uri": self.back,
            "scope": "mcp:read",
            "state": "a state",
            "code_challenge": challenge_of(),
            "code_challenge_method": "S256",
            "resource": resource,
        }
        chosen = {name: text for name, text in (given | changes).items() if text is not None}
        return f"/oauth/authorize?{urlencode(chosen)}"

    async def trade(self, code: str, /, **changes: str | None) -> Got:
        given: dict[str, str | None] = {
            "grant_type": "authorization_code",
            "code": code,
            "client_id": self.client_id,
            "redirect_uri": self.back,
            "code_verifier": VERIFIER,
        }
        return await self.post("/oauth/token", **(given | changes))

    async def refresh(self, token: str, /, **changes: str | None) -> Got:
        given: dict[str, str | None] = {
            "grant_type": "refresh_token",
            "refresh_token": token,
            "client_id": self.client_id,
        }
        return await self.post("/oauth/token", **(given | changes))

    async def revoke(self, token: str, /, **changes: str | None) -> Got:
        return await self.post("/oauth/revoke", **({"token": token, "client_id": self.client_id} | changes))

    async def post(self, path: str, **fields: str | None) -> Got:
        given = {name: text for name, text in fields.items() if text is not None}
        return await self.send(path, urlencode(given).encode(), "application/x-www-form-urlencoded")

    async def send(self, path: str, content: bytes, kind: str) -> Got:
        headers = {"host": HOST, "content-type": kind, "content-length": str(len(content)), **self.headers}
        return await exchange(self.gateway, "POST", path, "", headers, content)


@dataclass(frozen=True)
class Scene:
    """A person who is signed in, a server that asks for a token, and a program that wants one."""

    maker: Maker
    server: Speaker
    server_id: str
    person: Person
    browser: Browser
    program: Program

    @property
    def gateway(self) -> Portico:
        return self.program.gateway

    @property
    def resource(self) -> str:
        return f"{ORIGIN}{self.server.path}"

    @property
    def grants(self) -> str:
        """Where the API lists who has access."""
        return f"{self.maker.address}/{self.server_id}/grants"

    async def code(self, *, write: bool = False, program: Program | None = None, **changes: str | None) -> str:
        """Through the consent page to a code."""
        program = program or self.program
        await self.browser.open(program.door(self.resource, **changes))
        assert self.browser.page.status == 200, self.browser.page.content
        got = await self.browser.submit("/oauth/authorize", decision="allow", write="1" if write else None)
        return answer_of(got)[1]["code"]

    async def tokens(self, *, write: bool = False) -> Json:
        got = await self.program.trade(await self.code(write=write))
        assert got.status == 200, got.content
        return got.json

    def holding(self, token: str) -> Speaker:
        return self.server.sending(authorization=f"Bearer {token}")

    async def status(self, token: str, *, server: Speaker | None = None) -> int:
        """What the server answers to whoever holds this token."""
        return (await (server or self.server).sending(authorization=f"Bearer {token}").ask("tools/list")).status


async def person(gateway: Portico, name: str = "ada", role: Role = "owner", *environments: str) -> Person:
    seen = frozenset(EnvironmentId(each) for each in environments)
    return await add_person(gateway.parts, NewPerson(name=name, password=PASSWORD, role=role, environments=seen))


async def signed_in(gateway: Portico, name: str = "ada") -> Browser:
    browser = Browser(gateway)
    got = await browser.sign_in(name, PASSWORD)
    assert got.status == 303, browser.text
    return browser


async def closed_server(maker: Maker, **config: Any) -> tuple[Speaker, str]:
    """A server that asks for a token, and its id."""
    wanted: Json = {"tool_exposure": "all", "require_api_token_auth": True, **config}
    made = await maker.made(**wanted)
    return Speaker(maker.client.gateway, path_of(made)), made["id"]
