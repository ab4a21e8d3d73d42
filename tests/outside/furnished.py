"""One of everything that people see on pages, put there by those who may write it: tenants, admins, programs, vendors.

What it is called comes from `words`, so that the same furniture may be a company's or an attacker's.
"""

import hashlib
import json
from base64 import urlsafe_b64encode
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any
from urllib.error import HTTPError
from urllib.parse import quote, urlencode
from urllib.request import Request

from portico.cli.api import Api
from portico.cli.story import open_servers, tell
from tests.outside.asking import answer_to
from tests.outside.mcp_house import House
from tests.outside.visitor import Visitor

Json = dict[str, Any]
# What each thing is called, by what it is.
Words = Callable[[str], str]
DEAF = "http://127.0.0.1:9"
BACK = "http://127.0.0.1:9/callback"
WRITE = "create_a_openai_vector_store"
PLAIN = {
    "environment": "Staging",
    "tenant": "Northwind Traders",
    "server": "Vector stores, with a sign-in",
    "token": "Nightly import",
    "user": "mira@northwind.example",
    "client": "Desk assistant",
    "webhook": "/hooks/portico",
    "event": "vendor:response.completed",
    "project": "Catalogue search",
    "file": "guides.txt",
    "store": "Garden guides",
    "agent": "import/2.1 (nightly)",
    "path": "models-of-yesteryear",
    "argument": "file-of-last-year",
    "model": "gpt-4o-mini",
    "mcp client": "desk-assistant",
    "secret": "front-desk",
    "integration": "Papers",
    "reason": "agreed with finance",
    "redirect": "/settings",
}


def plainly(what: str) -> str:
    return PLAIN[what]


@dataclass
class Furnished:
    """What there is, and how often each kind of word was taken or refused."""

    house: House
    words: Words
    environment: str
    person: Visitor | None = None
    account_id: str = ""
    # The address of a server that asks first.
    server: str = ""
    taken: set[str] = field(default_factory=set[str])
    refused: dict[str, str] = field(default_factory=dict[str, str])
    # Addresses of pages that no link leads to.
    starts: list[str] = field(default_factory=list[str])

    def put(self, what: str, path: str, body: Any, verb: str = "POST") -> Any:
        """What the admin API answers; an empty object where it refuses these words."""
        return self.refusable(what, lambda: self.house.ask(verb, path, body)) or {}

    def called(self, what: str, verb: str, path: str, body: Any = None, **headers: str) -> Any:
        """A call of a face that may be refused: what counts is that it stands in the log."""
        sent = {"Authorization": f"Bearer {self.house.token}", "Content-Type": "application/json"} | headers
        content = None if body is None else json.dumps(body).encode()
        with (
            suppress(HTTPError),
            answer_to(Request(self.house.url + path, content, sent, method=verb), 20) as got,
        ):
            found = json.load(got)
            self.taken.add(what)
            return found
        self.taken.add(what)
        return {}

    def refusable(self, what: str, doing: Callable[[], Any]) -> Any:
        try:
            found = doing()
        except HTTPError as problem:
            self.refused[what] = f"{problem.code} {problem.read().decode()[:300]}"
            return None
        self.taken.add(what)
        return found


def furnish(house: House, words: Words = plainly, person: Visitor | None = None) -> Furnished:
    """`person`: somebody who is signed in already."""
    environments = house.ask("GET", "/environment?limit=1000")["result"]
    made = Furnished(house, words, min(each["id"] for each in environments), person)
    _names(made)
    _places(made)
    made.account_id = _account(made)
    _calls(made)
    _servers(made)
    _links(made)
    return made


def name_again(made: Furnished, words: Words) -> Furnished:
    """Under other words, what has a name and little else."""
    again = Furnished(made.house, words, made.environment, made.person, made.account_id, made.server)
    _names(again)
    again.put("server", f"/integrated-account/{again.account_id}/mcp", {"name": words("server")})
    return again


def call_again(made: Furnished, words: Words) -> Furnished:
    """Under other words, the calls that stand in the log."""
    again = Furnished(made.house, words, made.environment, made.person, made.account_id, made.server)
    _calls(again)
    _introduce(again)
    return again


def tell_story(house: House) -> None:
    """What the demo opens with."""
    api = Api(house.url, house.token)
    _, billing = open_servers(api, house.account_id)
    tell(api, house.account_id, billing)


def _names(made: Furnished) -> None:
    words = made.words
    made.put("environment", "/environment", {"name": words("environment")})
    made.put("token", "/api-token", {"name": words("token"), "environment_id": made.environment})
    made.put("user", "/user", {"name": words("user"), "role": "viewer", "environments": [made.environment]})


def _places(made: Furnished) -> None:
    words = made.words
    hook = made.put("webhook", "/webhook", {"target_url": DEAF + words("webhook"), "event_types": ["*"]})
    made.put("event", "/webhook", {"target_url": DEAF, "event_types": ["integrated_account:*", words("event")]})
    if hook:
        made.put("webhook test", "/webhook/test", {"id": hook["id"]})
    definition = {
        "label": words("integration"),
        "base_url": f"{DEAF}/v1",
        "context": {"api_key": {"label": words("integration"), "secret": True, "hint": words("integration")}},
        "credentials": {"key": {"label": words("integration"), "field": "api_key", "headers": {"X-Key": "{api_key}"}}},
        "rules": {"credential": [{"path": "/**", "use": "key"}]},
        "resources": {
            "papers": {"list": {"call": "GET /papers", "says": words("integration"), "title": words("integration")}}
        },
    }  # fmt: skip
    name = f"papers_{hashlib.sha256(words('integration').encode()).hexdigest()[:8]}"
    made.put("integration", "/integration", {"name": name, "config": definition})
    made.put("secret", "/stored-secret", {"name": words("secret"), "value": "sk-proj-" + "s" * 40, "replace": True})


def _account(made: Furnished) -> str:
    """The tenant's own, over the vendor that calls its projects, files and stores what it likes."""
    context = {"api_key": "sk-proj-demo", "admin_key": "sk-admin-demo"}
    body = {"tenant_id": made.words("tenant"), "integration": "openai", "context": context}
    account_id = made.put("tenant", "/integrated-account", body).get("id") or made.house.account_id
    made.put("", f"/integrated-account/{account_id}", {"log_bodies": True}, "PATCH")
    made.put(
        "broken",
        "/integrated-account",
        body | {"tenant_id": made.words("tenant") + " again", "context": {"api_key": made.words("argument")}},
    )
    quota = {"applies_to": "integrated_account", "subject": account_id, "measure": "spend", "period": "month"}
    made.put("", "/quota", quota | {"maximum": 250})
    return account_id


def _calls(made: Furnished) -> None:
    words, account_id = made.words, made.account_id
    own = f"integrated_account_id={account_id}"
    made.called("project", "POST", f"/proxy/projects?{own}", {"name": words("project")})
    made.called("store", "POST", f"/proxy/vector_stores?{own}", {"name": words("store")})
    name = words("file").replace('"', "%22")
    content = (
        f'--b\r\nContent-Disposition: form-data; name="purpose"\r\n\r\nuser_data\r\n--b\r\nContent-Disposition: '
        f'form-data; name="file"; filename="{name}"\r\n\r\nwater\r\n--b--'
    )
    made.called("agent", "GET", f"/proxy/models?{own}", **{"User-Agent": as_header(words("agent"))})
    made.called("path", "GET", f"/proxy/models/{quote(words('path'), safe='')}?{own}")
    made.called("path", "GET", f"/passthrough/{account_id}/{quote(words('path'), safe='')}")
    made.called("path", "GET", f"/proxy/{quote(words('path'), safe='')}?{own}")
    chat = {"model": words("model"), "messages": [{"role": "user", "content": words("argument")}]}
    made.called("model", "POST", f"/proxy/chat_completions?{own}", chat)
    made.called("argument", "POST", f"/integrated-account/{account_id}/tools/get_single_openai_file_by_id",
                {"id": words("argument")})  # fmt: skip
    _send(made.house, f"/proxy/files?{own}", content)


def _send(house: House, path: str, content: str) -> None:
    headers = {"Authorization": f"Bearer {house.token}", "Content-Type": "multipart/form-data; boundary=b"}
    with suppress(HTTPError), answer_to(Request(house.url + path, content.encode(), headers), 20) as answer:
        answer.read()


def _servers(made: Furnished) -> None:
    """A server that asks first, with a program that asks it, and one that people sign in to, with one they let in."""
    words, place = made.words, f"/integrated-account/{made.account_id}/mcp"
    config = {"tags": ["vector_stores"], "confirm": "writes", "confirm_wait_seconds": 0, "tool_exposure": "all"}
    asking = made.put("server", place, {"name": words("server"), "config": config})
    if not asking:
        return
    made.server = asking["url"]
    _introduce(made)
    for each in made.house.ask("GET", "/approval?state=pending&limit=1")["result"]:
        made.put("reason", f"/approval/{each['id']}/deny", {"reason": words("reason")})
    speak(asking["url"], "tools/call", {"name": WRITE, "arguments": {"name": "another"}}, words("mcp client"))
    waits = made.refusable("approval", lambda: _page_to_approve(asking["url"], words("store") + " again"))
    made.starts += waits or []
    limit = {"applies_to": "mcp_server", "subject": asking["id"], "measure": "requests", "period": "day"}
    made.put("", "/quota", limit | {"maximum": 1000})
    _programs(made, place)


def _introduce(made: Furnished) -> None:
    """A program says who it is, and asks for something."""
    who = made.words("mcp client")
    say = {"name": who, "version": who}
    speak(made.server, "initialize", {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": say})
    speak(made.server, "tools/call", {"name": WRITE, "arguments": {"name": made.words("store")}}, who)


def _programs(made: Furnished, place: str) -> None:
    words = made.words
    closed = made.put("", place, {"name": words("server") + " again", "config": {"require_api_token_auth": True}})
    program = made.put("client", "/oauth/register", {"client_name": words("client"), "redirect_uris": [BACK]})
    if closed and program:
        asked = {
            "response_type": "code", "client_id": program["client_id"], "redirect_uri": BACK,
            "state": words("redirect"), "scope": "mcp:read mcp:write", "code_challenge_method": "S256",
            "resource": closed["url"],
            "code_challenge": urlsafe_b64encode(hashlib.sha256(b"a verifier").digest()).rstrip(b"=").decode(),
        }  # fmt: skip
        door = f"{made.house.url}/oauth/authorize"
        made.starts += [f"{door}?{urlencode(asked)}"]
        made.starts += [
            f"{door}?{urlencode({**asked, 'resource': ''})}",
            f"{door}?{urlencode({**asked, 'scope': 'x'})}",
        ]
        person = made.person or Visitor(made.house)
        made.refusable("consent", lambda: person.allow(f"{door}?{urlencode(asked)}", write="1"))


def _page_to_approve(url: str, name: str) -> list[str]:
    """Where a program that can only open pages is sent by a call that waits; nowhere where the name is refused."""
    content = json.dumps({
        "jsonrpc": "2.0", "id": 1, "method": "tools/call",
        "params": {
            "name": WRITE, "arguments": {"name": name},
            "_meta": {
                "io.modelcontextprotocol/protocolVersion": "2026-07-28",
                "io.modelcontextprotocol/clientCapabilities": {"elicitation": {"url": {}}},
            },
        },
    }).encode()  # fmt: skip
    headers = {
        "content-type": "application/json", "accept": "application/json, text/event-stream",
        "mcp-protocol-version": "2026-07-28", "mcp-method": "tools/call", "mcp-name": WRITE,
    }  # fmt: skip
    with answer_to(Request(url, content, headers), 20) as answer:
        # An answer that takes a while comes as events, of which the last one is the answer.
        said = answer.read().decode().strip().rpartition("data: ")[2]
        asked: Json = json.loads(said)["result"].get("inputRequests", {})
    return [each["params"]["url"] for each in asked.values()]


def speak(url: str, method: str, params: Json, agent: str = "portico-tests") -> None:
    """One message of an MCP client; what comes of it stands in the log."""
    content = json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": params}).encode()
    headers: Mapping[str, str] = {
        "content-type": "application/json", "accept": "application/json, text/event-stream",
        "mcp-protocol-version": "2025-11-25", "user-agent": as_header(agent),
    }  # fmt: skip
    with suppress(HTTPError), answer_to(Request(url, content, dict(headers)), 20) as answer:
        answer.read()


def as_header(text: str) -> str:
    """Any text in a header, as programs send it that do not care."""
    return text.encode().decode("latin-1")


def _links(made: Furnished) -> None:
    """Pages that customers are sent to."""
    link = made.put("link", "/link-token", {"tenant_id": made.words("tenant"), "integration": "openai"})
    again = made.put("", "/link-token", {"integrated_account_id": made.account_id, "persist_previous_context": True})
    choose = made.put("", "/link-token", {"tenant_id": made.words("tenant")})
    secret = quote(made.words("secret"), safe="")
    handed = made.put("secret link", f"/stored-secret/{secret}/link", {})
    made.starts += [each["url"] for each in (link, again, choose, handed) if each]
    made.starts += [
        f"{made.house.url}/",
        f"{made.house.url}/connect?{urlencode({'link_token': made.words('argument')})}",
        f"{made.house.url}/one-time/{quote(made.words('argument'), safe='')}",
        f"{made.house.url}/approve/{quote(made.words('argument'), safe='')}",
        f"{made.house.url}/admin/{quote(made.words('path'), safe='')}",
        f"{made.house.url}/admin/{made.environment}/nothing/{quote(made.words('path'), safe='')}",
        f"{made.house.url}/admin/{made.environment}/accounts?{urlencode({'tenant_id': made.words('tenant')})}",
        f"{made.house.url}/admin/{made.environment}/log?{urlencode({'q': made.words('path')})}",
        f"{made.house.url}/admin/{made.environment}/usage?{urlencode({'period': made.words('argument')})}",
    ]
