"""`POST /file` keeps a file for a day; `GET /file/{link}` fetches one. The link is the credential and tells nothing."""

from urllib.parse import quote, unquote

from portico.clock import iso
from portico.errors import NotAllowed, VerbNotAllowed
from portico.faces.form import first_file
from portico.faces.http import Incoming, Send, while_connected, write_answer, write_json
from portico.gateway.files import UPLOAD_LIFE, FileShelf
from portico.gateway.parts import Parts
from portico.model.call import Answer

PREFIX = "/file"
# Shown in the browser; everything else is downloaded, so that no page of a stranger's runs under our name.
_SHOWN = ("image/png", "image/jpeg", "image/gif", "image/webp", "audio/", "video/", "text/plain")


class FileFace:
    def __init__(self, shelf: FileShelf) -> None:
        self._shelf = shelf

    async def face(self, incoming: Incoming, send: Send, parts: Parts) -> None:
        token = unquote(incoming.path.removeprefix(PREFIX).strip("/"))
        if token:
            if incoming.verb not in {"GET", "HEAD"}:
                raise VerbNotAllowed("A file's link takes GET.", headers={"allow": "GET"})
            await while_connected(incoming, self._fetch(token, send))
        elif incoming.verb == "POST":
            await self._keep(incoming, send, parts)
        else:
            raise VerbNotAllowed("/file takes POST with a multipart form.", headers={"allow": "POST"})

    async def _keep(self, incoming: Incoming, send: Send, parts: Parts) -> None:
        caller = await incoming.caller(parts.lookup)
        if not caller.may("call"):
            raise NotAllowed("Keeping a file needs the scope 'call'.")
        part = await first_file(incoming.header("content-type"), incoming.stream())
        account = caller.account_id or ""
        linked = await self._shelf.keep(
            caller.environment_id, account, part.filename, part.content_type, part.content, UPLOAD_LIFE
        )
        shown = {
            "id": linked.file.id,
            "url": linked.url,
            "filename": linked.file.name,
            "content_type": linked.file.content_type,
            "bytes": linked.file.size_bytes,
            "expires_at": iso(linked.file.expires_at),
        }
        await write_json(send, 201, shown, (("x-portico-request-id", incoming.request_id),))

    async def _fetch(self, token: str, send: Send) -> None:
        file = await self._shelf.find_by_link(token)
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
        await write_answer(send, Answer(status=200, headers=headers, stream=self._shelf.read(file)))
