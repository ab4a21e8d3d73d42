"""Every route with every scope: let in where the route's own scope is held or implied, 403 everywhere else."""

import re
from typing import Any

import pytest

from portico.app import ENDPOINTS
from portico.faces.endpoint import Endpoint
from portico.model.caller import SCOPES, Scope, widen
from tests.faces.admin.documented import Watched
from tests.faces.admin.tenants import said, with_scopes
from tests.gateways import Got, connect_account

NOWHERE = "00000000-0000-7000-8000-000000000000"
# What a token's holder meets besides the typed routes: verb, address, the scope that opens it.
HOT: list[tuple[str, str, Scope]] = [
    ("GET", "/proxy/files?integrated_account_id={account}", "call:read"),
    ("POST", "/proxy/files?integrated_account_id={account}", "call"),
    ("DELETE", "/proxy/files/file-1?integrated_account_id={account}", "call"),
    ("POST", "/proxy/batches/cancel?integrated_account_id={account}&batch_id=b", "call"),
    ("GET", "/custom/files?integrated_account_id={account}", "call:read"),
    ("POST", "/custom/files?integrated_account_id={account}", "call"),
    ("GET", "/passthrough/{account}/files", "call:read"),
    ("DELETE", "/passthrough/{account}/files/file-1", "call"),
    ("POST", "/file", "call"),
]


def address(endpoint: Endpoint) -> str:
    return re.sub(r"\{[^}]+\}", NOWHERE, endpoint.path)


def is_barred(got: Got) -> bool:
    return got.status == 403 and got.headers.get("x-gateway-error") == "not_allowed"


@pytest.mark.parametrize("scope", list(SCOPES))
async def test_a_scope_opens_its_own_routes_and_no_others(operator: Watched, scope: Scope) -> None:
    client = await with_scopes(operator, scope)
    held = widen(frozenset({scope}))
    for endpoint in ENDPOINTS:
        got = await client.send(endpoint.verb, address(endpoint), json={} if endpoint.body else None)
        is_open = endpoint.scope is None or endpoint.scope in held
        assert got.status != 401
        assert is_barred(got) is not is_open, f"{endpoint.verb} {endpoint.path} with {scope}: {got.status}"
        if not is_open:
            assert repr(endpoint.scope) in got.sentence


@pytest.mark.parametrize("scope", list(SCOPES))
async def test_a_scope_opens_its_own_calls_and_no_others(operator: Watched, scope: Scope) -> None:
    account = (await connect_account(operator))["id"]
    client = await with_scopes(operator, scope)
    held = widen(frozenset({scope}))
    for verb, path, needed in HOT:
        got = await client.send(verb, path.format(account=account), content=b"{}" if verb == "POST" else b"")
        assert got.status != 401
        assert is_barred(got) is (needed not in held), f"{verb} {path} with {scope}: {got.status} {got.content[:200]!r}"


async def test_a_tool_that_changes_something_needs_the_scope_to_change(operator: Watched) -> None:
    account = (await connect_account(operator))["id"]
    address = f"/integrated-account/{account}/tools"
    narrow = await with_scopes(operator, "call:read")
    assert said(await narrow.get(address, limit=1))["result_count"] == 1
    reads = said(await narrow.post(f"{address}/list_all_openai_files", {}))
    assert not reads["is_error"]
    writes = await narrow.post(f"{address}/delete_a_openai_file_by_id", {"id": "file-1"})
    assert is_barred(writes) or "scope 'call'" in str(writes.json)
    assert writes.status == 403 or writes.json["is_error"]


async def test_without_a_token_no_route_answers(operator: Watched) -> None:
    anonymous = operator.as_holder_of(None)
    paths = [(each.verb, address(each)) for each in ENDPOINTS]
    paths += [(verb, path.format(account=NOWHERE)) for verb, path, _ in HOT]
    for verb, path in paths:
        got = await anonymous.send(verb, path)
        assert got.status == 401, f"{verb} {path}"
        assert got.headers["x-gateway-error"] == "not_authenticated"


async def test_every_scope_is_needed_somewhere() -> None:
    needed: set[Any] = {each.scope for each in ENDPOINTS} | {scope for _, _, scope in HOT}
    assert set(SCOPES) <= needed
