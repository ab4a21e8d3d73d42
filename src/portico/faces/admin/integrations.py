"""/integration: the vendors that Portico knows, those that it came with and those that an environment has brought."""

from typing import Any

from msgspec import Struct

from portico.catalog.compile import compile_definition
from portico.catalog.find import View, select
from portico.catalog.override import merge
from portico.clock import iso
from portico.errors import AlreadyExists, Failure, InvalidArguments, NotAllowed, Refusal
from portico.faces.admin.unified import layers_of_integration
from portico.faces.endpoint import Asked, Endpoint, NoQuery, Paging, bad_cursor, count_of, missing, page
from portico.gateway.capabilities import capabilities
from portico.settings import is_address
from portico.store.ids import new_id
from portico.store.installations import Definition
from portico.unified import meta

TAG = "Integrations"


class IntegrationBody(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`config` is a definition in the grammar of the reference; `name` is its slug."""

    name: str
    config: dict[str, Any]
    category: str = "other"


class IntegrationChange(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`version` is the one that was read: a change in between is a 409. `config` is merged, and null takes away."""

    version: int
    config: dict[str, Any] | None = None
    category: str | None = None


class IntegrationShown(Struct, frozen=True, kw_only=True):
    id: str
    name: str
    label: str
    category: str
    is_beta: bool
    sharing: str
    can_install: bool
    version: int
    config: dict[str, Any]
    created_at: str | None
    updated_at: str | None


class IntegrationQuery(Paging, frozen=True, kw_only=True, forbid_unknown_fields=True):
    name: tuple[str, ...] = ()
    sharing: tuple[str, ...] = ()


class CapabilitiesQuery(NoQuery, frozen=True, kw_only=True, forbid_unknown_fields=True):
    type: str = "all"
    methods: list[str] | str = ""
    resource: str = ""
    tags: list[str] | str = ""
    has_description: bool = True
    include_removed: bool = False


class MappedShown(Struct, frozen=True, kw_only=True):
    """A resource of a unified model that is mapped for the integration, as its capabilities have it."""

    model: str
    model_label: str
    resource: str
    description: str
    docs_url: str
    methods: list[str]
    env_overridden: bool
    account_overridden: bool


class Conflict(Refusal):
    """Somebody else changed this since you read it; read it again and repeat your change."""

    status = 409
    code = "version_conflict"


def summary(view: View) -> dict[str, Any]:
    """The integration as accounts and installations carry it along."""
    integration = view.integration
    return {
        "id": integration.name,
        "name": integration.name,
        "label": integration.label,
        "category": integration.category,
    }


def _show_shipped(view: View) -> dict[str, Any]:
    integration = view.integration
    credentials = [
        {"name": each.name, "label": each.label, "field": each.field, "hint": each.hint}
        for each in integration.credentials
    ]
    config = {
        "label": integration.label,
        "base_url": integration.base_url,
        "base_urls": list(integration.base_urls),
        "credentials": credentials,
        "resources": {name: list(methods) for name, methods in view.resources.items()},
    }
    return {
        **summary(view), "is_beta": False, "sharing": "allow", "can_install": True, "version": 1, "config": config,
        "created_at": None, "updated_at": None,
    }  # fmt: skip


def _show(definition: Definition) -> dict[str, Any]:
    return {
        "id": definition.id,
        "name": definition.name,
        "label": str(definition.definition.get("label") or definition.name),
        "category": definition.category,
        "is_beta": False,
        "sharing": "deny",
        "can_install": True,
        "version": definition.version,
        "config": definition.definition,
        "created_at": iso(definition.created_at),
        "updated_at": iso(definition.updated_at),
    }


async def list_integrations(asked: Asked) -> Any:
    query: IntegrationQuery = asked.query
    shown = [_show_shipped(view) for view in asked.parts.views.shipped.values()]
    shown += [_show(each) for each in await asked.parts.definitions.all(asked.environment_id)]
    shown = [each for each in shown if (not query.name or each["name"] in query.name)]
    shown = [each for each in shown if (not query.sharing or each["sharing"] in query.sharing)]
    return page(_from(shown, query), query, lambda row: row, lambda row: row["id"])


def _from(rows: list[dict[str, Any]], query: Paging) -> list[dict[str, Any]]:
    """The rows behind the cursor, one more than the page has."""
    count, last = count_of(query), query.next_cursor
    start = next((number for number, row in enumerate(rows, 1) if row["id"] == last), 0)
    if last and not start:
        raise bad_cursor()
    return rows[start : start + count + 1]


async def get_integration(asked: Asked) -> Any:
    name = asked.path["id"]
    if name in asked.parts.views.shipped:
        return _show_shipped(asked.parts.views.shipped[name])
    return _show(await _own(asked))


async def create_integration(asked: Asked) -> Any:
    body: IntegrationBody = asked.body
    if body.name in asked.parts.views.shipped:
        raise AlreadyExists(f"An integration named {body.name!r} comes with Portico; choose another name.")
    compiled = _compiled(body.config | {"name": body.name, "category": body.category})
    moment = asked.parts.clock()
    definition = Definition(
        id=new_id(),
        environment_id=asked.environment_id,
        name=compiled.integration.name,
        category=body.category,
        definition=body.config | {"name": body.name, "category": body.category},
        version=1,
        created_at=moment,
        updated_at=moment,
    )
    try:
        async with asked.parts.database.transaction() as session:
            await asked.parts.definitions.add(session, definition)
            await asked.parts.audit.add(
                session, asked.caller, "integration.created", definition.id, moment, name=body.name
            )
            await asked.parts.changes.tell(session, "integrations")
    except AlreadyExists:
        raise AlreadyExists(f"There is an integration named {body.name!r} already.") from None
    asked.parts.changes.apply("integrations")
    return _show(definition)


async def update_integration(asked: Asked) -> Any:
    body: IntegrationChange = asked.body
    present = await _own(asked)
    config = merge(present.definition, body.config or {})
    category = body.category or present.category
    _compiled(config | {"name": present.name, "category": category})
    changed = Definition(
        id=present.id, environment_id=present.environment_id, name=present.name, category=category,
        definition=config, version=body.version, created_at=present.created_at, updated_at=present.updated_at,
    )  # fmt: skip
    async with asked.parts.database.transaction() as session:
        if not await asked.parts.definitions.update(session, changed, asked.parts.clock()):
            raise Conflict
        await asked.parts.audit.add(session, asked.caller, "integration.updated", present.id, asked.parts.clock())
        await asked.parts.changes.tell(session, "integrations")
    asked.parts.changes.apply("integrations")
    return _show(await _own(asked))


async def delete_integration(asked: Asked) -> Any:
    present = await _own(asked)
    if await asked.parts.installations.of(asked.environment_id, present.name) is not None:
        raise Conflict(f"The integration {present.name!r} is installed; delete its environment integration first.")
    async with asked.parts.database.transaction() as session:
        await asked.parts.documentation.delete_of(session, asked.environment_id, present.name)
        await asked.parts.definitions.delete(session, asked.environment_id, present.id)
        await asked.parts.audit.add(session, asked.caller, "integration.deleted", present.id, asked.parts.clock())
        await asked.parts.changes.tell(session, "integrations")
    asked.parts.changes.apply("integrations")
    return {"id": present.id}


async def get_capabilities(asked: Asked) -> Any:
    view = await asked.parts.views.base(asked.environment_id, await name_of(asked))
    shown = {"integration": summary(view), "environment_id": asked.environment_id}
    return shown | narrowed(view, asked.query, meta.offered(await layers_of_integration(asked, view)))


async def list_unified(asked: Asked) -> Any:
    view = await asked.parts.views.base(asked.environment_id, await name_of(asked))
    rows = meta.offered(await layers_of_integration(asked, view))
    return {"result": rows, "next_cursor": None, "prev_cursor": None, "result_count": len(rows)}


def narrowed(view: View, query: CapabilitiesQuery, unified: list[dict[str, Any]]) -> dict[str, Any]:
    """What a view can do, after the query's filters. Tags are those of a vendor's own operations."""
    operations = select(view.operations, words(query.methods), words(query.tags))
    if query.resource:
        operations = [each for each in operations if each.resource == query.resource]
    if not query.include_removed:
        operations = [each for each in operations if each.lifecycle.state != "removed"]
    if query.type not in {"all", "proxy", "unified"}:
        raise InvalidArguments([Failure("type", f"is {query.type!r}", "all, proxy, unified")])
    is_wanted = query.type != "proxy" and not words(query.tags)
    rows = meta.passing(unified, query.resource, words(query.methods)) if is_wanted else []
    operations = [] if query.type == "unified" else operations
    return capabilities(view, operations, rows, has_description=query.has_description)


def words(value: list[str] | str) -> list[str]:
    """`a,b`, `["a", "b"]` or `["a,b"]` as a list of words."""
    listed = [value] if isinstance(value, str) else value
    return [part.strip() for each in listed for part in each.split(",") if part.strip()]


async def name_of(asked: Asked) -> str:
    """Of what comes with Portico the id is the name."""
    wanted = asked.path["id"]
    return wanted if wanted in asked.parts.views.shipped else (await _own(asked)).name


def _compiled(config: dict[str, Any]) -> View:
    """The definition compiled, or every reason why it cannot be."""
    compiled = compile_definition(config)
    odd = [each for each in compiled.integration.base_urls if not is_address(each)]
    if odd:
        raise InvalidArguments([Failure("config.base_url", f"is {odd[0]!r}", "an http or https address with a host")])
    return compiled


async def _own(asked: Asked) -> Definition:
    wanted = asked.path["id"]
    if wanted in asked.parts.views.shipped:
        raise NotAllowed(
            f"The integration {wanted!r} comes with Portico; change it with an override of the environment."
        )
    found = await asked.parts.definitions.get(asked.environment_id, wanted)
    if found is None:
        raise missing("integration", wanted)
    return found


class Deleted(Struct, frozen=True, kw_only=True):
    id: str


ENDPOINTS = (
    Endpoint(
        verb="GET", path="/integration", name="listIntegrations", summary="List integrations", tag=TAG,
        handler=list_integrations, query=IntegrationQuery, returns=list[IntegrationShown], scope="accounts:read",
    ),
    Endpoint(
        verb="POST", path="/integration", name="createIntegration", summary="Bring an integration", tag=TAG,
        description="A vendor of your own, by data alone; only this environment sees it.",
        handler=create_integration, body=IntegrationBody, returns=IntegrationShown, scope="operator", status=201,
    ),
    Endpoint(
        verb="GET", path="/integration/{id}", name="getIntegration", summary="Get an integration", tag=TAG,
        handler=get_integration, returns=IntegrationShown, scope="accounts:read",
    ),
    Endpoint(
        verb="PATCH", path="/integration/{id}", name="updateIntegration", summary="Change an integration", tag=TAG,
        handler=update_integration, body=IntegrationChange, returns=IntegrationShown, scope="operator",
    ),
    Endpoint(
        verb="DELETE", path="/integration/{id}", name="deleteIntegration", summary="Delete an integration", tag=TAG,
        handler=delete_integration, returns=Deleted, scope="operator",
    ),
    Endpoint(
        verb="GET", path="/integration/{id}/capabilities", name="getIntegrationCapabilities", tag=TAG,
        summary="What an integration can do", handler=get_capabilities, query=CapabilitiesQuery,
        returns=dict[str, Any], scope="accounts:read", tagged=True,
    ),
    Endpoint(
        verb="GET", path="/integration/{id}/unified-apis", name="listIntegrationUnifiedApis", tag=TAG,
        summary="What unified models have of an integration", description="All of it at once.", handler=list_unified,
        returns=list[MappedShown], scope="accounts:read", tagged=True,
    ),
)  # fmt: skip
