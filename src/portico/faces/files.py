"""`POST /file` keeps a file for a day; `GET /file/{id}/content/{link}` fetches one. The link is the credential."""

from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import quote

from starlette.routing import Route

from portico.clock import iso
from portico.errors import Failure, InvalidArguments, NotAllowed, NotFound
from portico.faces.form import FilePart, first_file
from portico.faces.http import Incoming, Receive, Scope, Send, while_connected, write_answer, write_json
from portico.gateway.admit import admit_account
from portico.gateway.files import UPLOAD_LIFE, Kept, Linked, Within
from portico.gateway.parts import Parts
from portico.model.account import AccountId
from portico.model.call import Answer
from portico.model.caller import Caller
from portico.shapes import Json
from portico.store.database import Session
from portico.store.files import StoredFile

Work = Callable[[Incoming, Send], Awaitable[None]]
LONGEST_NAME = 200
# Shown in the browser; everything else is downloaded, so that no page of a stranger's runs under our name.
_SHOWN = ("image/png", "image/jpeg", "image/gif", "image/webp", "audio/", "video/", "text/plain")
_UNKNOWN = "application/octet-stream"


def audited(parts: Parts, caller: Caller, act: str, **facts: Any) -> Within:
    """Writes down what is done with a file, in the transaction that does it. Its name may be anybody's secret."""

    async def within(session: Session, file: StoredFile) -> None:
        about = {"integrated_account_id": file.account_id or None, "bytes": file.size_bytes}
        await parts.audit.add(session, caller, act, file.id, parts.clock(), **about, **facts)

    return within


class FileFace:
    def __init__(self, parts: Parts) -> None:
        self._parts, self._shelf = parts, parts.shelf

    def routes(self) -> list[Route]:
        return [
            Route("/file", _Served(self._keep), methods=["POST"], name="keepFile"),
            Route("/file/{id}/content/{link}", _Served(self._fetch), methods=["GET", "HEAD"], name="fetchFile"),
        ]

    async def _keep(self, incoming: Incoming, send: Send) -> None:
        """The first file of a form, or the body as it is with its content type and ?filename=."""
        caller = await incoming.caller(self._parts.lookup)
        if not caller.may("call"):
            raise NotAllowed("Keeping a file needs the scope 'call'.")
        asked = dict(incoming.pairs())
        account_id = await self._account(caller, asked.get("integrated_account_id", ""))
        part = await _part(incoming, asked.get("filename", ""))
        kept = Kept(
            environment_id=caller.environment_id,
            account_id=account_id,
            name=_tidy(part.filename),
            content_type=part.content_type.partition(";")[0].strip().lower() or _UNKNOWN,
            life=UPLOAD_LIFE,
        )
        linked = await self._shelf.keep(kept, part.content, audited(self._parts, caller, "file.kept"))
        await write_json(send, 201, show_linked(linked), (("x-portico-request-id", incoming.request_id),))

    async def _account(self, caller: Caller, account_id: str) -> str:
        """Whose the file is: of the account that was named, of an account token's own, or of none in particular."""
        if account_id:
            admit_account(caller, AccountId(account_id))
            if await self._parts.accounts.get(caller.environment_id, AccountId(account_id)) is None:
                raise NotFound(f"There is no integrated account {account_id!r}.")
        return account_id or caller.account_id or ""

    async def _fetch(self, incoming: Incoming, send: Send) -> None:
        path = incoming.scope["path_params"]
        file = await self._shelf.find_by_link(path["id"], path["link"])
        way = "inline" if file.content_type.startswith(_SHOWN) else "attachment"
        headers = [
            ("content-type", file.content_type),
            ("content-length", str(file.size_bytes)),
            ("content-disposition", f"{way}; filename*=UTF-8''{quote(file.name, safe='')}"),
            ("content-security-policy", "sandbox; default-src 'none'"),
            ("x-content-type-options", "nosniff"),
            ("cache-control", "private, no-store"),
            ("referrer-policy", "no-referrer"),
        ]
        is_head = incoming.verb == "HEAD"
        answer = Answer(
            status=200,
            headers=headers,
            content=b"" if is_head else None,
            stream=None if is_head else self._shelf.read(file),
        )
        await while_connected(incoming, write_answer(send, answer))


class _Served:
    def __init__(self, work: Work) -> None:
        self._work = work

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._work(scope["portico.incoming"], send)


async def _part(incoming: Incoming, filename: str) -> FilePart:
    content_type = incoming.header("content-type")
    if content_type.startswith("multipart/"):
        part = await first_file(content_type, incoming.stream())
        return part._replace(filename=filename or part.filename)
    if not incoming.has_body:
        raise InvalidArguments([Failure("", "there is no file", "a form with a file, or the file as the body")])
    return FilePart(filename or "file.bin", content_type or _UNKNOWN, incoming.stream())


def _tidy(name: str) -> str:
    """A name without folders and without what no file system would take."""
    last = name.replace("\\", "/").rpartition("/")[2]
    return "".join(each for each in last if each.isprintable()).strip()[:LONGEST_NAME] or "file.bin"


def show(file: StoredFile) -> Json:
    return {
        "id": file.id,
        "filename": file.name,
        "content_type": file.content_type,
        "bytes": file.size_bytes,
        "integrated_account_id": file.account_id or None,
        "created_at": iso(file.created_at),
        "expires_at": iso(file.expires_at),
    }


def show_linked(linked: Linked) -> Json:
    return {**show(linked.file), "url": linked.url}
