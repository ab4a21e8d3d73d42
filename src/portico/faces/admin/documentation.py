"""/documentation: what is said of integrations and their methods, and what an environment says in its place.

What a definition says can be read here, row by row; rows that an environment writes are its own, and change its tools.
"""

from collections.abc import Sequence
from typing import Any, Final, Literal

from msgspec import UNSET, Struct, UnsetType, structs

from portico.catalog import described
from portico.catalog.described import Text, texts_of
from portico.catalog.find import View
from portico.clock import iso
from portico.errors import AlreadyExists, Failure, InvalidArguments, NotAllowed
from portico.faces.endpoint import Asked, Endpoint, Paging, count_of, missing
from portico.model.documentation import INSTALLED, INTEGRATION, EntityType, TextType
from portico.store.database import Session
from portico.store.documentation import Written
from portico.store.ids import new_id
from portico.unified import models

TAG = "Documentation"
MODEL: Final = "unified_model"
INSTALLED_MODEL: Final = "environment_unified_model"
_LONGEST = 500_000

WritableType = Literal["integration", "environment_integration"]


class DocumentationBody(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`entity_id` is an integration's or an environment integration's id. Schemas are JSON Schema, as JSON text.

    A `description`, `query_schema` or `body_schema` of a method changes the tool that the method is.
    """

    entity_id: str
    content: str
    entity_type: WritableType = "environment_integration"
    type: TextType = "description"
    resource: str | None = None
    method: str | None = None
    authentication_method: str | None = None
    integration_name: str | None = None


class DocumentationChange(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a row is about stays; only what it says can be changed."""

    content: str | UnsetType = UNSET


class DocumentationShown(Struct, frozen=True, kw_only=True):
    """`created_at` is null where the row is part of a definition that came with Portico."""

    id: str
    entity_id: str
    entity_type: EntityType
    type: TextType
    resource: str | None
    method: str | None
    authentication_method: str | None
    integration_name: str | None
    content: str
    created_at: str | None
    updated_at: str | None


class Deleted(Struct, frozen=True, kw_only=True):
    id: str


class DocumentationQuery(Paging, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """At least one of the four ids says of what."""

    integration_id: str = ""
    environment_integration_id: str = ""
    unified_model_id: str = ""
    environment_unified_model_id: str = ""
    type: tuple[str, ...] = ()
    resource: tuple[str, ...] = ()
    method: tuple[str, ...] = ()


async def list_rows(asked: Asked) -> Any:
    query: DocumentationQuery = asked.query
    count_of(query)
    rows = [row for row in await _rows(asked, query) if _fits(row, query)]
    start = 0
    if query.next_cursor:
        start = next((number for number, row in enumerate(rows, 1) if row.id == query.next_cursor), -1)
    if start < 0:
        raise InvalidArguments([Failure("next_cursor", "is not a cursor of this list")])
    shown = rows[start : start + query.limit]
    return {
        "result": shown,
        "next_cursor": shown[-1].id if start + query.limit < len(rows) else None,
        "prev_cursor": None,
        "result_count": len(shown),
        "limit": query.limit,
    }


async def get_row(asked: Asked) -> Any:
    return await _shown(asked, asked.path["id"])


async def create_row(asked: Asked) -> Any:
    body: DocumentationBody = asked.body
    view, entity_id = await _entity(asked, body.entity_type, body.entity_id)
    text = Text(body.resource or "", body.method or "", body.type, body.content)
    _refuse_unfit(view, text)
    moment = asked.parts.clock()
    row = Written(
        id=new_id(),
        environment_id=asked.environment_id,
        integration=view.integration.name,
        entity_type=body.entity_type,
        entity_id=entity_id,
        type=body.type,
        resource=text.resource,
        method=text.method,
        authentication_method=body.authentication_method or "",
        content=body.content,
        created_at=moment,
        updated_at=moment,
    )
    try:
        async with asked.parts.database.transaction() as session:
            await asked.parts.documentation.add(session, row)
            await _note(asked, session, "documentation.created", row)
    except AlreadyExists:
        raise AlreadyExists(f"There is a {row.type} in that place already; change it with PATCH.") from None
    asked.parts.changes.apply("integrations")
    return show(row)


async def change_row(asked: Asked) -> Any:
    body: DocumentationChange = asked.body
    row = await _written(asked)
    if body.content is UNSET:
        return show(row)
    view = await asked.parts.views.base(asked.environment_id, row.integration)
    _refuse_unfit(view, Text(row.resource, row.method, row.type, body.content))
    moment = asked.parts.clock()
    changed = structs.replace(row, content=body.content, updated_at=moment)
    async with asked.parts.database.transaction() as session:
        if not await asked.parts.documentation.change(session, asked.environment_id, row.id, body.content, moment):
            raise missing("documentation", row.id)
        await _note(asked, session, "documentation.updated", changed)
    asked.parts.changes.apply("integrations")
    return show(changed)


async def delete_row(asked: Asked) -> Any:
    row = await _written(asked)
    async with asked.parts.database.transaction() as session:
        await asked.parts.documentation.delete(session, asked.environment_id, row.id)
        await _note(asked, session, "documentation.deleted", row)
    asked.parts.changes.apply("integrations")
    return {"id": row.id}


def show(row: Written) -> DocumentationShown:
    return DocumentationShown(
        id=row.id,
        entity_id=row.entity_id,
        entity_type=row.entity_type,
        type=row.type,
        resource=row.resource or None,
        method=row.method or None,
        authentication_method=row.authentication_method or None,
        integration_name=row.integration,
        content=row.content,
        created_at=iso(row.created_at),
        updated_at=iso(row.updated_at),
    )


async def _rows(asked: Asked, query: DocumentationQuery) -> Sequence[DocumentationShown]:
    rows: list[DocumentationShown] = []
    wanted: dict[EntityType, str] = {
        INTEGRATION: query.integration_id,
        INSTALLED: query.environment_integration_id,
    }
    for entity_type, entity_id in wanted.items():
        if not entity_id:
            continue
        view, found = await _entity(asked, entity_type, entity_id)
        if entity_type == INTEGRATION:
            rows += _defined(view, found)
        written = await asked.parts.documentation.of(asked.environment_id, view.integration.name)
        rows += [show(row) for row in written if (row.entity_type, row.entity_id) == (entity_type, found)]
    of_models: dict[EntityType, str] = {
        MODEL: query.unified_model_id,
        INSTALLED_MODEL: query.environment_unified_model_id,
    }
    for entity_type, model in of_models.items():
        if model:
            rows += _of_model(model, entity_type)
    if not any((*wanted.values(), *of_models.values())):
        raise InvalidArguments([Failure("integration_id", "is required, or one of the others", _IDS)])
    return rows


_IDS = "integration_id, environment_integration_id, unified_model_id, environment_unified_model_id"


def _defined(view: View, entity_id: str) -> list[DocumentationShown]:
    """What the definition itself says. Its rows have ids that say what they are."""
    return [_fixed(entity_id, INTEGRATION, text, integration=view.integration.name) for text in texts_of(view)]


def _of_model(name: str, entity_type: EntityType) -> list[DocumentationShown]:
    model = models.find(name)
    rows = [_fixed(name, entity_type, Text("", "", "readme", model.says))]
    for resource in model.resources:
        found = model.resource(resource)
        rows.append(_fixed(name, entity_type, Text(resource, "", "description", found.says)))
        schema = described.encoded(found.schema())
        rows += [
            _fixed(name, entity_type, Text(resource, method, "response_schema", schema)) for method in found.methods
        ]
    return rows


def _fixed(entity_id: str, entity_type: EntityType, text: Text, integration: str | None = None) -> DocumentationShown:
    words = (entity_type, entity_id, text.resource, text.method, text.type)
    return DocumentationShown(
        id=":".join(word for word in words if word),
        entity_id=entity_id,
        entity_type=entity_type,
        type=text.type,
        resource=text.resource or None,
        method=text.method or None,
        authentication_method=None,
        integration_name=integration,
        content=text.content,
        created_at=None,
        updated_at=None,
    )


def _fits(row: DocumentationShown, query: DocumentationQuery) -> bool:
    wanted = ((query.type, row.type), (query.resource, row.resource), (query.method, row.method))
    return all(not given or it in given for given, it in wanted)


async def _entity(asked: Asked, entity_type: EntityType, entity_id: str) -> tuple[View, str]:
    """(the integration that is meant, the id under which its rows stand)."""
    views = asked.parts.views
    if entity_type == INSTALLED:
        installed = await asked.parts.installations.get(asked.environment_id, entity_id)
        if installed is None:
            raise missing("environment integration", entity_id)
        return await views.base(asked.environment_id, installed.integration), installed.id
    if entity_id in views.shipped:
        return views.shipped[entity_id], entity_id
    definition = await asked.parts.definitions.get(asked.environment_id, entity_id)
    if definition is None:
        raise missing("integration", entity_id)
    return await views.base(asked.environment_id, definition.name), definition.id


async def _shown(asked: Asked, row_id: str) -> DocumentationShown:
    row = await asked.parts.documentation.get(asked.environment_id, row_id)
    if row is not None:
        return show(row)
    kind, _, rest = row_id.partition(":")
    entity_id = rest.partition(":")[0]
    fixed: list[DocumentationShown] = []
    if kind == INTEGRATION and entity_id:
        view, found = await _entity(asked, INTEGRATION, entity_id)
        fixed = _defined(view, found)
    elif kind in {MODEL, INSTALLED_MODEL} and entity_id:
        fixed = _of_model(entity_id, MODEL if kind == MODEL else INSTALLED_MODEL)
    found_row = next((each for each in fixed if each.id == row_id), None)
    if found_row is None:
        raise missing("documentation", row_id)
    return found_row


async def _written(asked: Asked) -> Written:
    row_id = asked.path["id"]
    row = await asked.parts.documentation.get(asked.environment_id, row_id)
    if row is None:
        await _shown(asked, row_id)
        raise NotAllowed(
            "This is part of a definition; write a text of the same type for your environment integration instead."
        )
    return row


def _refuse_unfit(view: View, text: Text) -> None:
    failures = described.check(view, text)
    if len(text.content) > _LONGEST:
        failures.append(Failure("content", "is too long", f"{_LONGEST} characters at most"))
    if failures:
        raise InvalidArguments(failures)


async def _note(asked: Asked, session: Session, act: str, row: Written) -> None:
    await asked.parts.audit.add(
        session, asked.caller, act, row.id, row.updated_at,
        entity_id=row.entity_id, type=row.type, resource=row.resource, method=row.method,
    )  # fmt: skip
    await asked.parts.changes.tell(session, "integrations")


ENDPOINTS = (
    Endpoint(
        verb="GET", path="/documentation", name="listDocumentation", summary="List what is said of an integration",
        tag=TAG, description="By `integration_id` what its definition says, and what the environment says of it; by "
        "`environment_integration_id` what it says of what it has installed; by `unified_model_id` the model.",
        handler=list_rows, query=DocumentationQuery, returns=list[DocumentationShown], scope="accounts:read",
    ),
    Endpoint(
        verb="POST", path="/documentation", name="createDocumentation", summary="Say something of an integration",
        tag=TAG, description="Of a method: its description, or the schema of its arguments, as every tool list of the "
        "environment then shows it. 409 where there is a text of that type in that place.",
        handler=create_row, body=DocumentationBody, returns=DocumentationShown, scope="accounts", status=201,
    ),
    Endpoint(
        verb="GET", path="/documentation/{id}", name="getDocumentation", summary="Get one text", tag=TAG,
        handler=get_row, returns=DocumentationShown, scope="accounts:read",
    ),
    Endpoint(
        verb="PATCH", path="/documentation/{id}", name="updateDocumentation", summary="Change a text of one's own",
        tag=TAG, handler=change_row, body=DocumentationChange, returns=DocumentationShown, scope="accounts",
    ),
    Endpoint(
        verb="DELETE", path="/documentation/{id}", name="deleteDocumentation", tag=TAG,
        summary="Take back a text of one's own", description="The definition's own text holds again.",
        handler=delete_row, returns=Deleted, scope="accounts",
    ),
)  # fmt: skip
