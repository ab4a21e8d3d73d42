"""The admin API from inside: pages do what an API token could do, through the same endpoints, checks and scopes."""

from collections.abc import Sequence
from typing import Any

import msgspec
from msgspec import Struct

from portico.faces.endpoint import Asked, Endpoint, NoQuery, admit, read_body
from portico.faces.query import read_query
from portico.gateway.parts import Parts
from portico.model.caller import Caller


class Act(Struct, frozen=True, kw_only=True):
    """One request to an endpoint. `query` is pairs as an address has them, `body` what would be sent as JSON."""

    name: str
    path: dict[str, str] = {}
    query: tuple[tuple[str, str], ...] = ()
    body: dict[str, Any] = {}
    request_id: str = ""


class Acts:
    """Every endpoint by its name."""

    def __init__(self, endpoints: Sequence[Endpoint], parts: Parts) -> None:
        self._parts = parts
        self._known = {each.name: each for each in endpoints}

    def may(self, caller: Caller, name: str) -> bool:
        """Whether the caller's scopes reach this endpoint: what they do not reach is not offered to them."""
        scope = self._known[name].scope
        return scope is None or caller.may(scope)

    def has(self, name: str) -> bool:
        return name in self._known

    def filters(self, name: str) -> tuple[str, ...]:
        """The parameters that an endpoint's query takes."""
        query = self._known[name].query
        return tuple(query.__struct_fields__) if query else ()

    async def do(self, caller: Caller, act: Act) -> Any:
        """What the endpoint answers, as plain values. Raises the refusals that the API would tell."""
        endpoint = self._known[act.name]
        admit(caller, endpoint)
        content = msgspec.json.encode(act.body)
        asked = Asked(
            parts=self._parts,
            caller=caller,
            path=act.path,
            query=read_query(act.query, endpoint.query or NoQuery),
            body=read_body(content, endpoint.body) if endpoint.body else None,
            request_id=act.request_id,
        )
        return msgspec.to_builtins(await endpoint.handler(asked))
