"""Runs the catalog's examples: arguments that refer to the answers of other examples, files, and times from now."""

import asyncio
import base64
import re
from typing import Any
from urllib.request import Request, urlopen

import msgspec

from portico.catalog.find import View
from portico.model.operation import Operation
from portico.sandbox.state import World
from portico.shapes import Json, is_list, is_record
from tests.gateways import Client, Got

_NOW = re.compile(r"\$now([+-]\d+)?")
_REFERENCE = re.compile(r"\$([a-z_]+)\.([a-z_]+)((?:\.[A-Za-z0-9_]+)*)")
_BY_ID = {"get": "GET", "update": "PATCH", "delete": "DELETE"}
_PLAIN = {"list": "GET", "create": "POST"}
_BOUNDARY = "example-boundary"
# Whoever stops something wants it to be still under way.
_STOPPERS = frozenset({"cancel", "pause", "resume", "hangup", "reject"})
# Doubling steps of the sandbox clock: seconds for what is quick, a day for what is slow.
_LOOKS = 17


class Runner:
    """One example and all that it refers to; a reference means one run within an example."""

    def __init__(self, client: Client, account_id: str, view: View, world: World, sandbox_url: str) -> None:
        self._client, self.account_id, self._view, self._world = client, account_id, view, world
        self._sandbox_url = sandbox_url
        self._answers: dict[str, Any] = {}
        self._waits = True

    async def by_proxy(self, operation: Operation) -> Got:
        self._waits = operation.method not in _STOPPERS
        return await self._call(operation, await self.arguments(operation))

    async def by_tool(self, operation: Operation) -> Got:
        self._waits = operation.method not in _STOPPERS
        path = f"/integrated-account/{self.account_id}/tools/{operation.tool.name}"
        return await self._client.post(path, await self.arguments(operation))

    async def arguments(self, operation: Operation) -> Json:
        resolved: Json = await self._resolve(operation.example or {})
        return resolved

    async def _resolve(self, value: Any) -> Any:
        if is_record(value):
            return {name: await self._resolve(each) for name, each in value.items()}
        if is_list(value):
            return [await self._resolve(each) for each in value]
        if not isinstance(value, str):
            return value
        if match := _NOW.fullmatch(value):
            return self._world.now() + int(match[1] or 0)
        if match := _REFERENCE.fullmatch(value):
            return await self._refer(f"{match[1]}.{match[2]}", match[3].split(".")[1:])
        return value

    async def _refer(self, key: str, path: list[str]) -> Any:
        if key.startswith("sandbox.") and key not in self._answers:
            self._answers[key] = await self._made_by_sandbox(key.removeprefix("sandbox."))
        if key not in self._answers:
            resource, _, method = key.partition(".")
            operation = self._view.find(resource, method)
            got = await self._call(operation, await self.arguments(operation))
            assert got.status < 300, f"{key}, which the example refers to: {got.content[:500]!r}"
            self._answers[key] = await self._finished(operation, _value(got))
        value = self._answers[key]
        for name in path:
            value = value[int(name)] if is_list(value) else value[name]
        return value

    async def _made_by_sandbox(self, thing: str) -> Json:
        """What no call of the vendor's API can make: a ringing telephone, somebody's chat, an address that listens."""
        if thing == "ringing_call":
            return await self._control("/_sandbox/calls", {})
        if thing in {"active_call", "active_session"}:
            call = await self._control("/_sandbox/calls", {})
            await self._accept(call, thing)
            return call
        if thing == "ended_session":
            made = await self._refer("live_sessions.create", ["session", "id"])
            await self._pass("POST", f"/live/sessions/{made}/hangup", None)
            return {"session_id": made}
        if thing == "chat_thread":
            session = await self._refer("chatkit_sessions.create", ["id"])
            return await self._control("/_sandbox/chatkit/messages", {"session": session, "text": "Hello"})
        assert thing == "listening_endpoint", f"the sandbox makes no {thing}"
        example = self._view.find("webhook_endpoints", "create").example or {}
        got = await self._pass("POST", "/webhook_endpoints", example | {"url": f"{self._sandbox_url}/_sandbox/clock"})
        return got.json

    async def _accept(self, call: Json, thing: str) -> None:
        if thing == "active_call":
            session = {"type": "realtime", "model": "gpt-realtime"}
            await self._pass("POST", f"/realtime/calls/{call['call_id']}/accept", session)
        else:
            session = {"session": {"type": "live", "model": "gpt-live-1"}}
            await self._pass("POST", f"/live/sessions/{call['session_id']}/accept", session)

    async def _control(self, path: str, body: Json) -> Json:
        def post() -> Json:
            request = Request(
                self._sandbox_url + path, msgspec.json.encode(body), {"content-type": "application/json"}, method="POST"
            )
            with urlopen(request) as response:
                return msgspec.json.decode(response.read())

        return await asyncio.to_thread(post)

    async def _pass(self, verb: str, path: str, body: Any) -> Got:
        got = await self._client.send(verb, f"/passthrough/{self.account_id}{path}", json=body)
        assert got.status < 300, got.content[:500]
        return got

    async def _finished(self, operation: Operation, value: Any) -> Any:
        wait = operation.wait
        if wait is None or not self._waits or not is_record(value) or value.get(wait.field) in wait.until:
            return value
        resource, _, method = wait.look.partition(".")
        look = self._view.find(resource, method)
        parents = {name: value[name] for name in look.path_parameters if name in value}
        for look_number in range(_LOOKS):
            self._world.advance(2**look_number)
            got = await self._call(look, parents | {"id": value["id"]})
            if got.status >= 300 or got.json.get(wait.field) in wait.until:
                return got.json if got.status < 300 else value
        return value

    async def _call(self, operation: Operation, arguments: Json) -> Got:
        """Through the Proxy API as its clients call it, with the vendor's own envelope."""
        given = dict(arguments)
        verb, path = self._address(operation, given)
        known = {each.name: each for each in operation.parameters}
        bodied = [name for name in given if name in known and known[name].place in {"body", "upload"}]
        fields = {name: given.pop(name) for name in bodied}
        query = {"integrated_account_id": self.account_id, "truto_response_format": "raw", **_as_query(given)}
        if operation.body == "multipart" and fields and not _is_plain(fields, operation):
            content = _form(fields, operation)
            headers = {"content-type": f"multipart/form-data; boundary={_BOUNDARY}"}
            return await self._client.send(verb, path, content=content, query=query, headers=headers)
        if verb in {"GET", "DELETE"}:
            return await self._client.send(verb, path, query=query | _as_query(fields))
        body = _nested(fields, operation) if fields or operation.body == "json" else None
        return await self._client.send(verb, path, json=body, query=query)

    def _address(self, operation: Operation, given: Json) -> tuple[str, str]:
        base = f"/proxy/{operation.resource}"
        if operation.method in _PLAIN:
            return _PLAIN[operation.method], base
        if operation.method in _BY_ID:
            identity = given.pop("id", "")
            return _BY_ID[operation.method], f"{base}/{identity}" if identity else base
        return "POST", f"{base}/{operation.method}"


def reads(operation: Operation, view: View) -> bool:
    """It looks for what is there already, in the demo, itself or in an example that its own refers to.

    What looks for what its own example has just made needs nothing else.
    """
    references = _references(operation)
    return (operation.verb == "GET" and not references) or any(
        resource == "sandbox" or reads(view.find(resource, method), view) for resource, method in references
    )


def only_reads(operation: Operation, view: View) -> bool:
    """It leaves the world as it found it, and so does all that its example refers to."""
    return operation.verb == "GET" and all(
        resource != "sandbox" and only_reads(view.find(resource, method), view)
        for resource, method in _references(operation)
    )


def _references(operation: Operation) -> list[tuple[str, str]]:
    text = msgspec.json.encode(operation.example or {}).decode()
    return [(resource, method) for resource, method, _ in _REFERENCE.findall(text)]


def _value(got: Got) -> Any:
    """JSON as it is; anything else as base64, ready to be sent as a file."""
    is_json = got.headers.get("content-type", "").startswith("application/json")
    return got.json if is_json else base64.b64encode(got.content).decode()


def _is_plain(fields: Json, operation: Operation) -> bool:
    """No file among them: what could be one is a reference to something that the vendor has already."""
    uploads = [fields[each.name] for each in operation.parameters if each.place == "upload" and each.name in fields]
    return bool(uploads) and all(is_record(each) and not each.keys() & {"text", "base64"} for each in uploads)


def _as_query(values: Json) -> Json:
    """Objects in brackets, as every client of the Proxy API writes them."""
    query: Json = {}
    for name, value in values.items():
        if is_record(value):
            query |= {f"{name}[{key}]": each for key, each in _as_query(value).items()}
        else:
            query[name] = _text(value)
    return query


def _text(value: Any) -> Any:
    if is_list(value):
        return [_text(each) for each in value]
    if isinstance(value, bool):
        return "true" if value else "false"
    return msgspec.json.encode(value).decode() if is_record(value) else value


def _nested(fields: Json, operation: Operation) -> Json:
    """Flat arguments in the vendor's nested body: what a caller of the Proxy API writes by hand."""
    body: Json = {}
    wires = {each.name: each for each in operation.parameters}
    for name, value in fields.items():
        _put(body, wires[name].on_the_wire, value)
    for name in fields:
        for place, constant in wires[name].also.items():
            _put(body, place, constant)
    return body.get("body", body) if operation.root_array else body


def _put(body: Json, path: str, value: Any) -> None:
    *outer, last = path.split(".")
    for name in outer:
        body = body.setdefault(name, {})
    body.setdefault(last, value)


def _form(fields: Json, operation: Operation) -> bytes:
    uploads = {each.name for each in operation.parameters if each.place == "upload"}
    parts: list[bytes] = []
    for name, value in _nested({n: v for n, v in fields.items() if n not in uploads}, operation).items():
        parts += [_part(n, v) for n, v in _flat(name, value)]
    for name in uploads & fields.keys():
        files: list[Json] = fields[name] if is_list(fields[name]) else [fields[name]]
        wire = f"{name}[]" if len(files) > 1 else name
        parts += [_file(wire, each) for each in files]
    return b"".join(parts) + f"--{_BOUNDARY}--\r\n".encode()


def _flat(name: str, value: Any) -> list[tuple[str, str]]:
    if is_record(value):
        return [pair for key, each in value.items() for pair in _flat(f"{name}[{key}]", each)]
    if is_list(value):
        return [pair for each in value for pair in _flat(f"{name}[]", each)]
    return [(name, str(_text(value)))]


def _part(name: str, value: str) -> bytes:
    return f'--{_BOUNDARY}\r\ncontent-disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode()


def _file(name: str, file: Json) -> bytes:
    content = file["text"].encode() if "text" in file else base64.b64decode(file["base64"])
    disposition = f'form-data; name="{name}"; filename="{file.get("filename", "f")}"'
    head = f"--{_BOUNDARY}\r\ncontent-disposition: {disposition}\r\n\r\n"
    return head.encode() + content + b"\r\n"
