"""The vendor's API through the gateway, for one account: Proxy, Unified, and the vendor's own addresses."""

from collections.abc import Mapping
from typing import Any

from portico_client.drivers import Driver, Mode
from portico_client.listing import Pages
from portico_client.resource import Resource, listing, operation, streaming
from portico_client.stream import Streamed
from portico_client.wire import Call, Flow, Json, is_record, query_of, segment

NO_ACCOUNT = "There is no account: give account_id, or set PORTICO_ACCOUNT."


class OfAccount(Resource[Mode]):
    """Operations on one account; without its id, on the account of an account token."""

    def __init__(self, driver: Driver[Mode], account_id: str = "") -> None:
        super().__init__(driver)
        self.account_id = account_id

    def _query(self, values: Mapping[str, Any]) -> list[tuple[str, str]]:
        account = {"integrated_account_id": self.account_id} if self.account_id else {}
        return query_of({**account, **values})

    def _paged(self, path: str, values: Mapping[str, Any]) -> Pages[Any]:
        account = {"integrated_account_id": self.account_id} if self.account_id else {}
        return self._pages(path, {**account, **values})

    def _unwrapped(self, call: Call) -> Flow[Any]:
        """What stands in the envelope that custom methods answer in."""
        value: Any = yield from self._value(call)
        return value["result"] if is_record(value) and "result" in value else value


class Proxy(OfAccount[Mode]):
    """Every resource and method of the vendor, with one envelope and one cursor.

    Values by name (`project_id=…`) travel in the query, where the gateway looks for the ids of what lies above too.
    """

    @listing
    def list(
        self, resource: str, /, *, limit: int | None = None, next_cursor: str | None = None, **values: Any
    ) -> Pages[Any]:
        """All items of a resource, fetched page by page. `limit` is the size of a page."""
        return self._paged(f"/proxy/{segment(resource)}", {"limit": limit, "next_cursor": next_cursor, **values})

    @operation
    def get(self, resource: str, id: str, /, **values: Any) -> Flow[Any]:
        """One item; a `Binary` where the vendor answers with bytes."""
        return self._value(Call("GET", f"/proxy/{segment(resource)}/{segment(id)}", self._query(values)))

    @operation
    def create(
        self,
        resource: str,
        body: Any = None,
        /,
        *,
        files: Mapping[str, Any] | None = None,
        idempotency_key: str = "",
        timeout: float | None = None,
        **values: Any,
    ) -> Flow[Any]:
        """A new item. `files` (name → file, bytes, or (file name, content, content type)) make the body a form."""
        call = Call(
            "POST", f"/proxy/{segment(resource)}", self._query(values), {} if body is None else body,
            files=files or {}, key=idempotency_key, timeout=timeout,
        )  # fmt: skip
        return self._value(call)

    @operation
    def update(
        self, resource: str, id: str, body: Any = None, /, *, idempotency_key: str = "", **values: Any
    ) -> Flow[Any]:
        path = f"/proxy/{segment(resource)}/{segment(id)}"
        return self._value(Call("PATCH", path, self._query(values), {} if body is None else body, key=idempotency_key))

    @operation
    def delete(self, resource: str, id: str, /, *, idempotency_key: str = "", **values: Any) -> Flow[Any]:
        path = f"/proxy/{segment(resource)}/{segment(id)}"
        return self._value(Call("DELETE", path, self._query(values), key=idempotency_key))

    @operation
    def method(
        self,
        resource: str,
        name: str,
        body: Any = None,
        /,
        *,
        files: Mapping[str, Any] | None = None,
        idempotency_key: str = "",
        timeout: float | None = None,
        **values: Any,
    ) -> Flow[Any]:
        """Any other method by its name; its answer, out of the envelope. The item's own id is `id=…`."""
        call = Call(
            "POST", f"/proxy/{segment(resource)}/{segment(name)}", self._query(values), {} if body is None else body,
            files=files or {}, key=idempotency_key, timeout=timeout,
        )  # fmt: skip
        return self._unwrapped(call)

    @streaming
    def stream(
        self, resource: str, body: Any = None, /, *, method: str = "", verb: str = "POST", **values: Any
    ) -> Streamed:
        """An answer as it arrives: events of `stream: true`, or the bytes of a large download (`verb="GET"`)."""
        path = f"/proxy/{segment(resource)}" + (f"/{segment(method)}" if method else "")
        query = self._query({"truto_response_format": "stream", **values})
        return Streamed(Call(verb, path, query) if verb == "GET" else Call(verb, path, query, body or {}))


class Unified(OfAccount[Mode]):
    """Vendors alike: `unified.list("user-directory", "users")`."""

    @listing
    def list(
        self, model: str, resource: str, /, *, limit: int | None = None, next_cursor: str | None = None, **values: Any
    ) -> Pages[Any]:
        return self._paged(_unified(model, resource), {"limit": limit, "next_cursor": next_cursor, **values})

    @operation
    def get(self, model: str, resource: str, id: str = "", /, **values: Any) -> Flow[Any]:
        """One item; without an id, what there is only one of (`me`)."""
        return self._value(Call("GET", _unified(model, resource, id), self._query(values)))

    @operation
    def create(
        self, model: str, resource: str, body: Json, /, *, idempotency_key: str = "", **values: Any
    ) -> Flow[Any]:
        return self._value(Call("POST", _unified(model, resource), self._query(values), body, key=idempotency_key))

    @operation
    def update(
        self, model: str, resource: str, id: str, body: Json, /, *, idempotency_key: str = "", **values: Any
    ) -> Flow[Any]:
        path = _unified(model, resource, id)
        return self._value(Call("PATCH", path, self._query(values), body, key=idempotency_key))

    @operation
    def delete(self, model: str, resource: str, id: str, /, *, idempotency_key: str = "", **values: Any) -> Flow[Any]:
        return self._value(Call("DELETE", _unified(model, resource, id), self._query(values), key=idempotency_key))

    @operation
    def method(
        self, model: str, resource: str, name: str, body: Any = None, /, *, idempotency_key: str = "", **values: Any
    ) -> Flow[Any]:
        """Any other method by its name; its answer, out of the envelope."""
        path = _unified(model, resource, name)
        return self._unwrapped(Call("POST", path, self._query(values), body or {}, key=idempotency_key))


class Custom(OfAccount[Mode]):
    """The vendor's own addresses with the account's key on them: `custom.request("GET", "models")`."""

    @operation
    def request(
        self,
        verb: str,
        path: str,
        /,
        *,
        query: Mapping[str, Any] | None = None,
        body: Any = None,
        files: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
        idempotency_key: str = "",
        timeout: float | None = None,
    ) -> Flow[Any]:
        """The vendor's bare answer."""
        sent: Json = {} if body is None and not files else {"body": body or {}}
        call = Call(
            verb.upper(), f"/custom/{path.lstrip('/')}", self._query(query or {}), files=files or {},
            headers=headers or {}, key=idempotency_key, timeout=timeout, **sent,
        )  # fmt: skip
        return self._value(call)

    @streaming
    def stream(self, verb: str, path: str, /, *, query: Mapping[str, Any] | None = None, body: Any = None) -> Streamed:
        place, asked = f"/custom/{path.lstrip('/')}", self._query(query or {})
        return Streamed(Call(verb.upper(), place, asked) if body is None else Call(verb.upper(), place, asked, body))


def _unified(model: str, resource: str, id: str = "") -> str:
    return f"/unified/{segment(model)}/{segment(resource)}" + (f"/{segment(id)}" if id else "")
