"""Environments for tests: each with a token, and a client that holds it."""

from dataclasses import dataclass
from typing import Any

from tests.faces.admin.documented import Watched
from tests.gateways import Got


@dataclass(frozen=True)
class Tenant:
    """An environment and a client with its token."""

    environment_id: str
    client: Watched


async def make_tenant(operator: Watched, name: str, scopes: list[str] | None = None) -> Tenant:
    made = said(await operator.post("/environment", {"name": name}), 201)
    body = {"name": name, "environment_id": made["id"]} | ({"scopes": scopes} if scopes else {})
    token = said(await operator.post("/api-token", body), 201)
    return Tenant(made["id"], operator.as_holder_of(token["token"]))


async def with_scopes(operator: Watched, *scopes: str, environment_id: str = "") -> Watched:
    """A client of the operator's environment, or another, with just these scopes."""
    body = {"name": "narrow", "scopes": list(scopes), "environment_id": environment_id}
    return operator.as_holder_of(said(await operator.post("/api-token", body), 201)["token"])


def said(got: Got, status: int = 200) -> Any:
    """The answer's JSON, when it has the status that the test counts on."""
    assert got.status == status, got.content
    return got.json


def failures(got: Got) -> dict[str, str]:
    """Path → problem of a 400."""
    assert got.status == 400, got.content
    return {each["path"]: each["problem"] for each in got.json["details"]["failures"]}
