"""/environment: the walls between tenants, made, listed, renamed, and whether bodies are logged there."""

from typing import Any

from msgspec import UNSET, Struct, UnsetType, structs

from portico.clock import iso
from portico.errors import AlreadyExists, Failure, InvalidArguments
from portico.faces.endpoint import Asked, Endpoint, Paging, missing, page, position
from portico.faces.query import Name
from portico.model.account import Environment, EnvironmentId

TAG = "Environments"


class EnvironmentBody(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    name: str


class EnvironmentChange(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`log_bodies`: whether bodies of calls are kept beside the request log, where the account does not say itself."""

    name: str | UnsetType = UNSET
    log_bodies: bool | UnsetType = UNSET


class EnvironmentQuery(Paging, frozen=True, kw_only=True, forbid_unknown_fields=True):
    name: tuple[Name, ...] = ()


class EnvironmentShown(Struct, frozen=True, kw_only=True):
    id: str
    name: str
    team_id: str | None
    log_bodies: bool
    created_at: str
    updated_at: str


def show(environment: Environment) -> dict[str, Any]:
    return {
        "id": environment.id,
        "name": environment.name,
        "team_id": None,
        "log_bodies": environment.log_bodies,
        "created_at": iso(environment.created_at),
        "updated_at": iso(environment.updated_at),
    }


async def list_environments(asked: Asked) -> Any:
    """An operator sees all environments, everybody else their own."""
    query: EnvironmentQuery = asked.query
    before, count = position(query)
    if asked.caller.may("operator"):
        rows = await asked.parts.operators.environments(before, count + 1, query.name)
    else:
        own = await asked.parts.environments.get(asked.environment_id)
        rows = [own] if own and own.name in (query.name or (own.name,)) and own.id < before else []
    return page(rows, query, show, lambda row: row.id)


async def get_environment(asked: Asked) -> Any:
    return show(await _seen(asked))


async def create_environment(asked: Asked) -> Any:
    body: EnvironmentBody = asked.body
    name = _checked(body.name)
    try:
        async with asked.parts.database.transaction() as session:
            made = await asked.parts.environments.add(session, name, asked.parts.clock())
            await asked.parts.audit.add(
                session, asked.caller, "environment.created", made.id, asked.parts.clock(), name=name
            )
    except AlreadyExists:
        raise AlreadyExists(f"There is an environment named {name!r} already.") from None
    return show(made)


async def change_environment(asked: Asked) -> Any:
    environment, body, parts = await _seen(asked), asked.body, asked.parts
    changes = {name: value for name, value in structs.asdict(body).items() if value is not UNSET}
    if not changes:
        raise InvalidArguments([Failure("", "says nothing to change", "name, log_bodies")])
    if "name" in changes:
        changes["name"] = _checked(changes["name"])
    changed = structs.replace(environment, **changes, updated_at=parts.clock())
    try:
        async with parts.database.transaction() as session:
            await parts.environments.update(session, changed)
            await parts.audit.add(
                session, asked.caller, "environment.updated", environment.id, parts.clock(), **changes
            )
            await parts.changes.tell(session, "accounts")
    except AlreadyExists:
        raise AlreadyExists(f"There is an environment named {changed.name!r} already.") from None
    parts.changes.apply("accounts")
    return show(await _seen(asked))


async def _seen(asked: Asked) -> Environment:
    identity = EnvironmentId(asked.path["id"])
    visible = identity == asked.environment_id or asked.caller.may("operator")
    found = await asked.parts.environments.get(identity) if visible else None
    if found is None:
        raise missing("environment", identity)
    return found


def _checked(name: str) -> str:
    stripped = name.strip()
    if not 1 <= len(stripped) <= 100:
        raise InvalidArguments([Failure("name", "must have 1 to 100 characters")])
    return stripped


ENDPOINTS = (
    Endpoint(
        verb="GET", path="/environment", name="listEnvironments", summary="List environments", tag=TAG,
        description="All of them for a token with the scope operator, otherwise the token's own.",
        handler=list_environments, query=EnvironmentQuery, returns=list[EnvironmentShown], scope="accounts:read",
    ),
    Endpoint(
        verb="POST", path="/environment", name="createEnvironment", summary="Create an environment", tag=TAG,
        description="Then create an API token for it with POST /api-token and its environment_id.",
        handler=create_environment, body=EnvironmentBody, returns=EnvironmentShown, scope="operator", status=201,
    ),
    Endpoint(
        verb="GET", path="/environment/{id}", name="getEnvironment", summary="Get an environment", tag=TAG,
        handler=get_environment, returns=EnvironmentShown, scope="accounts:read",
    ),
    Endpoint(
        verb="PATCH", path="/environment/{id}", name="updateEnvironment", summary="Change an environment", tag=TAG,
        description="Its name, and whether bodies of its accounts' calls are kept beside the request log.",
        handler=change_environment, body=EnvironmentChange, returns=EnvironmentShown, scope="operator",
    ),
)  # fmt: skip
