"""/environment-integration: which integrations an environment uses, and what it changes about them."""

from typing import Any

from msgspec import Struct

from portico.catalog import override as overrides
from portico.clock import iso
from portico.errors import Failure, InvalidArguments
from portico.faces.admin.integrations import summary
from portico.faces.endpoint import Asked, Endpoint, Paging, missing, page, position
from portico.gateway.accounts import uninstall
from portico.model.account import Installation
from portico.store.database import Session
from portico.store.installations import Wish
from portico.store.override_versions import OverrideChange
from portico.unified import overrides as mapping_overrides

TAG = "Environment integrations"
# More integrations than an environment will ever have installed: filters run over all of them.
MOST = 1000


class InstallBody(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    integration_id: str = ""
    integration: str = ""
    is_enabled: bool = True
    show_in_catalog: bool = True
    override: dict[str, Any] | None = None
    unified_model_override: dict[str, Any] | None = None


class InstallChange(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Each override replaces the one before as a whole."""

    is_enabled: bool | None = None
    show_in_catalog: bool | None = None
    override: dict[str, Any] | None = None
    unified_model_override: dict[str, Any] | None = None


class InstallationShown(Struct, frozen=True, kw_only=True):
    id: str
    integration_id: str
    environment_id: str
    is_enabled: bool
    show_in_catalog: bool
    override: dict[str, Any]
    unified_model_override: dict[str, Any]
    integration: dict[str, Any]
    created_at: str
    updated_at: str


class OfInstalled(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    name: tuple[str, ...] = ()
    category: tuple[str, ...] = ()


class InstallationQuery(Paging, frozen=True, kw_only=True, forbid_unknown_fields=True):
    integration_id: tuple[str, ...] = ()
    is_enabled: bool | None = None
    show_in_catalog: bool | None = None
    integration: OfInstalled = OfInstalled()


class Deleted(Struct, frozen=True, kw_only=True):
    id: str


async def show(asked: Asked, installation: Installation) -> dict[str, Any]:
    view = await asked.parts.views.base(installation.environment_id, installation.integration)
    return {
        "id": installation.id,
        "integration_id": installation.integration,
        "environment_id": installation.environment_id,
        "is_enabled": installation.is_enabled,
        "show_in_catalog": installation.show_in_catalog,
        "override": installation.override,
        "unified_model_override": installation.unified_override,
        "integration": summary(view),
        "created_at": iso(installation.created_at),
        "updated_at": iso(installation.updated_at),
    }


async def list_installations(asked: Asked) -> Any:
    query: InstallationQuery = asked.query
    before, _ = position(query)
    every = await asked.parts.installations.page(asked.environment_id, before, MOST)
    rows = [row for row in every if await _matches(asked, row, query)]
    shown = {row.id: await show(asked, row) for row in rows[: query.limit]}
    return page(rows[: query.limit + 1], query, lambda row: shown[row.id], lambda row: row.id)


async def _matches(asked: Asked, row: Installation, query: InstallationQuery) -> bool:
    is_named = all(not given or row.integration in given for given in (query.integration_id, query.integration.name))
    is_set = query.is_enabled in {None, row.is_enabled} and query.show_in_catalog in {None, row.show_in_catalog}
    if not is_named or not is_set or not query.integration.category:
        return is_named and is_set
    view = await asked.parts.views.base(row.environment_id, row.integration)
    return view.integration.category in query.integration.category


async def get_installation(asked: Asked) -> Any:
    return await show(asked, await found(asked))


async def install(asked: Asked) -> Any:
    """Idempotent: what is installed already is answered as it is."""
    body: InstallBody = asked.body
    name = body.integration or body.integration_id
    if not name:
        raise InvalidArguments([Failure("integration_id", "is required", ", ".join(asked.parts.views.shipped))])
    view = await asked.parts.views.base(asked.environment_id, name)
    if (present := await asked.parts.installations.of(asked.environment_id, view.integration.name)) is not None:
        return await show(asked, present)
    _check(view, body.override)
    await _check_mappings(asked, view.integration.name, body.unified_model_override)
    moment = asked.parts.clock()
    wish = _wish(body)
    async with asked.parts.database.transaction() as session:
        name = view.integration.name
        made, is_new = await asked.parts.installations.ensure(session, asked.environment_id, name, moment, wish)
        if is_new:
            await asked.parts.audit.add(
                session, asked.caller, "environment_integration.created", made.id, moment, integration=name
            )
            await _keep_version(asked, session, made)
    return await show(asked, made)


async def change(asked: Asked) -> Any:
    body: InstallChange = asked.body
    present = await found(asked)
    view = await asked.parts.views.base(asked.environment_id, present.integration)
    _check(view, body.override)
    await _check_mappings(asked, present.integration, body.unified_model_override)
    return await show(asked, await write(asked, present, _wish(body)))


async def write(asked: Asked, present: Installation, wish: Wish, restored: int | None = None) -> Installation:
    """`restored`: the version of the mappings' override that is put back."""
    moment = asked.parts.clock()
    facts = {} if restored is None else {"restored_version": restored}
    async with asked.parts.database.transaction() as session:
        changed = await asked.parts.installations.update(session, asked.environment_id, present.id, moment, wish)
        if changed is None:
            raise missing("environment integration", present.id)
        if wish.unified_override is not None:
            await _keep_version(asked, session, changed, restored)
        await asked.parts.audit.add(
            session, asked.caller, "environment_integration.updated", present.id, moment,
            is_enabled=changed.is_enabled, override=changed.override, unified_override=changed.unified_override,
            **facts,
        )  # fmt: skip
        await asked.parts.changes.tell(session, "accounts")
    asked.parts.changes.apply("accounts")
    return changed


async def _keep_version(asked: Asked, session: Session, changed: Installation, restored: int | None = None) -> None:
    override = OverrideChange(override=changed.unified_override, restored_from=restored)
    await asked.parts.override_versions.add(session, asked.caller, changed.id, override, changed.updated_at)


async def remove(asked: Asked) -> Any:
    present = await found(asked)
    await uninstall(asked.caller, present, asked.parts)
    return {"id": present.id}


def _check(view: Any, override: dict[str, Any] | None) -> None:
    if override and (failures := overrides.check(view, override)):
        raise InvalidArguments([failure._replace(path=f"override.{failure.path}") for failure in failures])


async def _check_mappings(asked: Asked, integration: str, override: dict[str, Any] | None) -> None:
    if override:
        proposed = await mapping_overrides.for_environment(asked.parts, asked.environment_id, integration, override)
        await mapping_overrides.refuse_unusable(asked.parts, proposed)


def _wish(body: InstallBody | InstallChange) -> Wish:
    return Wish(
        is_enabled=body.is_enabled,
        show_in_catalog=body.show_in_catalog,
        override=body.override,
        unified_override=body.unified_model_override,
    )


async def found(asked: Asked) -> Installation:
    present = await asked.parts.installations.get(asked.environment_id, asked.path["id"])
    if present is None:
        raise missing("environment integration", asked.path["id"])
    return present


ENDPOINTS = (
    Endpoint(
        verb="GET", path="/environment-integration", name="listEnvironmentIntegrations", tag=TAG,
        summary="List installed integrations", handler=list_installations, query=InstallationQuery,
        returns=list[InstallationShown], scope="accounts:read",
    ),
    Endpoint(
        verb="POST", path="/environment-integration", name="createEnvironmentIntegration", tag=TAG,
        summary="Install an integration", description="Answers the present one where it is installed already.",
        handler=install, body=InstallBody, returns=InstallationShown, scope="accounts",
    ),
    Endpoint(
        verb="GET", path="/environment-integration/{id}", name="getEnvironmentIntegration", tag=TAG,
        summary="Get an installed integration", handler=get_installation, returns=InstallationShown,
        scope="accounts:read",
    ),
    Endpoint(
        verb="PATCH", path="/environment-integration/{id}", name="updateEnvironmentIntegration", tag=TAG,
        summary="Switch an integration on or off, or override it", handler=change, body=InstallChange,
        returns=InstallationShown, scope="accounts",
    ),
    Endpoint(
        verb="DELETE", path="/environment-integration/{id}", name="deleteEnvironmentIntegration", tag=TAG,
        summary="Remove an integration with all its accounts", handler=remove, returns=Deleted, scope="accounts",
    ),
)  # fmt: skip
