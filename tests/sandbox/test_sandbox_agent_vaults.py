"""Vaults: what goes in can be used by agents, and is never told again."""

from typing import Any

import openai
import pytest
from agent_calls import BETA
from bare_http import Caller
from openai import OpenAI

from portico.sandbox.state import World

URL = "https://shop.example/mcp"
BEARER: Any = {"type": "static_bearer", "token": "top-secret-token", "mcp_server_url": URL}
OAUTH: Any = {
    "type": "mcp_oauth",
    "access_token": "top-secret-access",
    "mcp_server_url": URL,
    "expires_at": "2030-01-31T12:00:00Z",
    "refresh": {
        "client_id": "client-1",
        "refresh_token": "top-secret-refresh",
        "token_endpoint": "https://login.example/token",
        "token_endpoint_auth": {"type": "client_secret_basic", "client_secret": "top-secret-client"},
        "scope": "read write",
    },
}
VARIABLE: Any = {
    "type": "environment_variable",
    "secret_name": "SHOP_API_KEY",
    "secret_value": "top-secret-value",
    "networking": {"type": "limited", "allowed_hosts": ["API.shop.example", "192.0.2.7"]},
}


def test_vault_is_kept_changed_and_deleted_with_its_credentials(client: OpenAI) -> None:
    vaults = client.beta.agents.vaults
    vault = vaults.create(name="  Shop  ", metadata={"team": "a"})
    assert (vault.object, vault.name) == ("vault", "Shop")
    assert vaults.retrieve(vault.id) == vault
    assert vaults.update(vault.id, metadata={}).metadata == {}
    assert vaults.update(vault.id, name=None).name is None
    credential = vaults.credentials.create(vault.id, name="Key", auth=BEARER)
    assert vaults.delete(vault.id).object == "vault.deleted"
    for look in (
        lambda: vaults.retrieve(vault.id),
        lambda: vaults.credentials.list(vault.id),
        lambda: vaults.credentials.retrieve(credential.id, vault_id=vault.id),
    ):
        with pytest.raises(openai.NotFoundError):
            look()


@pytest.mark.parametrize("auth", [BEARER, OAUTH, VARIABLE])
def test_no_secret_comes_back(client: OpenAI, call: Caller, auth: Any) -> None:
    credentials, vault = client.beta.agents.vaults.credentials, client.beta.agents.vaults.create()
    made = credentials.create(vault.id, name="Key", auth=auth)
    assert made.auth.type == auth["type"]
    credentials.update(made.id, vault_id=vault.id, metadata={"a": "b"})
    assert credentials.retrieve(made.id, vault_id=vault.id).metadata == {"a": "b"}
    for path in (f"/v1/vaults/{vault.id}/credentials", f"/v1/vaults/{vault.id}/credentials/{made.id}"):
        assert b"top-secret" not in call("GET", path, headers=BETA).body


def test_credential_tells_what_is_no_secret(client: OpenAI) -> None:
    credentials, vault = client.beta.agents.vaults.credentials, client.beta.agents.vaults.create()
    oauth = credentials.create(vault.id, name="O", auth=OAUTH).auth.to_dict()
    assert oauth["expires_at"] == "2030-01-31T12:00:00Z"
    assert oauth["refresh"] == {
        "client_id": "client-1",
        "resource": None,
        "scope": "read write",
        "token_endpoint": "https://login.example/token",
        "token_endpoint_auth": {"type": "client_secret_basic"},
    }
    variable = credentials.create(vault.id, name="V", auth=VARIABLE).auth.to_dict()
    assert variable["networking"] == {"type": "limited", "allowed_hosts": ["api.shop.example", "192.0.2.7"]}


def test_new_token_without_expiry_has_none(client: OpenAI, world: World) -> None:
    credentials, vault = client.beta.agents.vaults.credentials, client.beta.agents.vaults.create()
    made = credentials.create(vault.id, name="O", auth=OAUTH)
    world.advance(3)
    scoped: Any = {"type": "mcp_oauth", "refresh": {"refresh_token": "new", "scope": None}}
    kept = credentials.update(made.id, vault_id=vault.id, auth=scoped)
    assert kept.auth.to_dict()["expires_at"] == "2030-01-31T12:00:00Z"
    assert kept.auth.to_dict()["refresh"]["scope"] is None  # pyright: ignore[reportIndexIssue] -- a dictionary of objects
    assert kept.updated_at >= made.updated_at + 3
    fresh: Any = {"type": "mcp_oauth", "access_token": "newer"}
    assert credentials.update(made.id, vault_id=vault.id, auth=fresh).auth.to_dict()["expires_at"] is None


def test_rotation_keeps_the_kind(call: Caller) -> None:
    vault = call("POST", "/v1/vaults", {}, BETA).json["id"]
    made = call("POST", f"/v1/vaults/{vault}/credentials", {"name": "K", "auth": BEARER}, BETA).json["id"]
    path = f"/v1/vaults/{vault}/credentials/{made}"
    assert call("POST", path, {"auth": {"type": "static_bearer", "token": "new"}}, BETA).status == 200
    assert call("POST", path, {"auth": {"type": "mcp_oauth"}}, BETA).error["code"] == "auth_type_changed"
    assert call("POST", path, {"auth": {"type": "static_bearer"}}, BETA).error["param"] == "auth.token"
    oauth = call("POST", f"/v1/vaults/{vault}/credentials", {"name": "O", "auth": OAUTH}, BETA).json["id"]
    changed = {"type": "mcp_oauth", "refresh": {"token_endpoint_auth": {"type": "client_secret_post"}}}
    got = call("POST", f"/v1/vaults/{vault}/credentials/{oauth}", {"auth": changed}, BETA)
    assert got.error["param"] == "auth.refresh.token_endpoint_auth.type"


def test_lists_are_paged_and_filtered(client: OpenAI, call: Caller) -> None:
    vaults = client.beta.agents.vaults
    made = [vaults.create(name=str(number), metadata={"n": str(number % 2)}).id for number in range(4)]
    assert [vault.id for vault in vaults.list(limit=3, order="asc")] == made
    assert [vault.id for vault in vaults.list(metadata={"n": "1"})] == [made[3], made[1]]
    assert [vault.id for vault in vaults.list(status=["active", "archived"])] == made[::-1]
    assert vaults.list(status="archived").data == []
    assert call("GET", "/v1/vaults?status=asleep", headers=BETA).error["param"] == "status"
    keys = [vaults.credentials.create(made[0], name=str(number), auth=BEARER).id for number in range(3)]
    vaults.credentials.create(made[1], name="other", auth=BEARER)
    assert [one.id for one in vaults.credentials.list(made[0], limit=2)] == keys[::-1]
    assert sorted(call("GET", f"/v1/vaults/{made[0]}/credentials", headers=BETA).json) == ["data", "has_more", "object"]


def test_credential_of_another_vault_looks_missing(client: OpenAI) -> None:
    vaults = client.beta.agents.vaults
    first, second = vaults.create(), vaults.create()
    made = vaults.credentials.create(first.id, name="K", auth=BEARER)
    with pytest.raises(openai.NotFoundError):
        vaults.credentials.delete(made.id, vault_id=second.id)
    assert vaults.credentials.delete(made.id, vault_id=first.id).object == "vault.credential.deleted"
    with pytest.raises(openai.NotFoundError):
        vaults.credentials.retrieve(made.id, vault_id=first.id)


@pytest.mark.parametrize(
    ("auth", "param"),
    [
        (None, "auth"),
        ({"type": "password"}, "auth.type"),
        ({**BEARER, "token": ""}, "auth.token"),
        ({**BEARER, "mcp_server_url": "http://shop.example"}, "auth.mcp_server_url"),
        ({**OAUTH, "expires_at": "tomorrow"}, "auth.expires_at"),
        ({**OAUTH, "refresh": {**OAUTH["refresh"], "token_endpoint": "x"}}, "auth.refresh.token_endpoint"),
        ({**VARIABLE, "secret_value": "two\nlines"}, "auth.secret_value"),
        ({**VARIABLE, "secret_name": "1ST"}, "auth.secret_name"),
        ({**VARIABLE, "secret_name": "CODEX_HOME"}, "auth.secret_name"),
        ({**VARIABLE, "secret_name": "https_proxy"}, "auth.secret_name"),
        ({**VARIABLE, "networking": {"type": "limited", "allowed_hosts": []}}, "auth.networking.allowed_hosts"),
        (
            {**VARIABLE, "networking": {"type": "limited", "allowed_hosts": ["*.shop.example"]}},
            "auth.networking.allowed_hosts[0]",
        ),
        (
            {**VARIABLE, "networking": {"type": "limited", "allowed_hosts": ["a.example", "A.example"]}},
            "auth.networking.allowed_hosts",
        ),
    ],
)
def test_bad_credentials_are_refused(call: Caller, auth: Any, param: str) -> None:
    vault = call("POST", "/v1/vaults", {}, BETA).json["id"]
    got = call("POST", f"/v1/vaults/{vault}/credentials", {"name": "K", "auth": auth}, BETA)
    assert (got.status, got.error["param"]) == (400, param)


def test_names_have_256_bytes_at_most(call: Caller) -> None:
    assert call("POST", "/v1/vaults", {"name": "é" * 128}, BETA).status == 200
    assert call("POST", "/v1/vaults", {"name": "é" * 129}, BETA).error["param"] == "name"
    assert call("POST", "/v1/vaults", {"name": "  "}, BETA).error["param"] == "name"
