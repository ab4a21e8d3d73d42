"""/file: what is kept for tools just now, new links to it, and an end to it before its time."""

from datetime import timedelta
from typing import Any

from msgspec import Struct

from portico.errors import Failure, InvalidArguments
from portico.faces.endpoint import Asked, Endpoint, Paging, missing, page, position
from portico.faces.files import audited, show, show_linked
from portico.gateway.admit import admit_account
from portico.gateway.files import LINK_LIFE, UPLOAD_LIFE
from portico.model.account import AccountId
from portico.store.files import StoredFile

TAG = "Files"
SHORTEST_SECONDS = 10


class FileShown(Struct, frozen=True, kw_only=True):
    id: str
    filename: str
    content_type: str
    bytes: int
    integrated_account_id: str | None
    created_at: str
    expires_at: str


class FileLinked(FileShown, frozen=True, kw_only=True):
    """`url` needs no token, and ends by itself."""

    url: str


class FileQuery(Paging, frozen=True, kw_only=True, forbid_unknown_fields=True):
    integrated_account_id: tuple[str, ...] = ()


class LinkBody(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How long the link shall be good for; never longer than the file."""

    seconds: int = int(LINK_LIFE.total_seconds())


class FileGone(Struct, frozen=True, kw_only=True):
    id: str


async def list_files(asked: Asked) -> Any:
    query: FileQuery = asked.query
    before, count = position(query)
    own = asked.caller.account_id
    account_ids = query.integrated_account_id or ((own,) if own else ())
    for each in account_ids:
        admit_account(asked.caller, AccountId(each))
    rows = await asked.parts.shelf.page(asked.environment_id, account_ids, before, count + 1)
    return page(rows, query, show, lambda row: row.id)


async def get_file(asked: Asked) -> Any:
    return show(await _found(asked))


async def link_file(asked: Asked) -> Any:
    body: LinkBody = asked.body
    most = int(UPLOAD_LIFE.total_seconds())
    if not SHORTEST_SECONDS <= body.seconds <= most:
        raise InvalidArguments([Failure("seconds", f"is {body.seconds}", f"{SHORTEST_SECONDS} to {most}")])
    file = await _found(asked)
    linked = asked.parts.shelf.link(file, timedelta(seconds=body.seconds))
    async with asked.parts.database.transaction() as session:
        await audited(asked.parts, asked.caller, "file.linked", seconds=body.seconds)(session, file)
    return show_linked(linked)


async def delete_file(asked: Asked) -> Any:
    file = await _found(asked)
    await asked.parts.shelf.delete(file, audited(asked.parts, asked.caller, "file.deleted"))
    return {"id": file.id}


async def _found(asked: Asked) -> StoredFile:
    """An account token sees what belongs to its account alone."""
    file = await asked.parts.shelf.find(asked.environment_id, asked.path["id"])
    if asked.caller.account_id not in {None, file.account_id}:
        raise missing("file", asked.path["id"])
    return file


_ONE = "/file/{id}"
ENDPOINTS = (
    Endpoint(
        verb="GET", path="/file", name="listFiles", summary="List kept files", tag=TAG, account_token=True,
        handler=list_files, query=FileQuery, returns=list[FileShown], scope="call:read",
    ),
    Endpoint(
        verb="GET", path=_ONE, name="getFile", summary="Get a kept file's facts", tag=TAG, account_token=True,
        handler=get_file, returns=FileShown, scope="call:read",
    ),
    Endpoint(
        verb="POST", path=_ONE + "/link", name="linkFile", summary="Make a link to a kept file", tag=TAG,
        description="Whoever has the link can fetch the file until the link ends. Earlier links stay good.",
        handler=link_file, body=LinkBody, returns=FileLinked, scope="call:read", account_token=True, status=201,
    ),
    Endpoint(
        verb="DELETE", path=_ONE, name="deleteFile", summary="Delete a kept file", tag=TAG, account_token=True,
        description="With all links to it.", handler=delete_file, returns=FileGone, scope="call",
    ),
)  # fmt: skip
