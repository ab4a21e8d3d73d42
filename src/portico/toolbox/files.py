"""A file argument in any of its forms → an upload: text, base64, an address, or a file that is kept already."""

import base64
import binascii
import mimetypes
from collections.abc import Sequence, Set
from typing import Any
from urllib.parse import unquote, urljoin, urlsplit

from portico.errors import Failure, InvalidArguments, NotFound
from portico.gateway.files import FileShelf
from portico.model.call import Upload
from portico.model.offered import Offered
from portico.settings import Settings
from portico.shapes import Json, is_list, is_record
from portico.store.files import StoredFile
from portico.toolbox import fetched
from portico.toolbox.artifacts import Keeping
from portico.toolbox.kinds import UNKNOWN
from portico.upstream.transport import Transport, UpstreamRequest, UpstreamResponse

FORMS = "{text}, {base64}, {url} or {file: id of a stored file}, each with an optional filename"
PLAIN_FORMS = "{text} or {base64}, each with an optional filename"
_WORDS = ("text", "base64", "url", "file")
_MOST_REDIRECTS = 5
_MOVED = frozenset({301, 302, 303, 307, 308})


class FileArguments:
    def __init__(self, shelf: FileShelf, transport: Transport, settings: Settings) -> None:
        self._shelf, self._transport, self._settings = shelf, transport, settings

    async def take(
        self, operation: Offered, names: Set[str], arguments: Json, keeping: Keeping
    ) -> tuple[Json, dict[str, Sequence[Upload]]]:
        """The arguments without their files, which go by these names, and the files as uploads."""
        if not names:
            return arguments, {}
        if "application/json" in operation.content_types:  # there, a reference to what the vendor has already may stand
            names = {name for name in names if not _is_reference(arguments.get(name))}
        uploads: dict[str, Sequence[Upload]] = {}
        for name in names & arguments.keys():
            given: Any = arguments[name]
            if is_list(given):
                uploads[name] = [await self._upload(f"{name}[{i}]", each, keeping) for i, each in enumerate(given)]
            else:
                uploads[name] = [await self._upload(name, given, keeping)]
        return {name: value for name, value in arguments.items() if name not in names}, uploads

    async def _upload(self, where: str, given: Any, keeping: Keeping) -> Upload:
        forms = [form for form in _WORDS if is_record(given) and given.get(form) is not None]
        if len(forms) != 1 or (keeping.is_off and forms[0] in {"url", "file"}):
            raise InvalidArguments([Failure(where, "is not a file", PLAIN_FORMS if keeping.is_off else FORMS)])
        filename, content_type = str(given.get("filename") or ""), str(given.get("content_type") or "")
        value = str(given[forms[0]])
        if forms[0] == "url":
            return await self._from_address(where, value, filename, content_type, keeping)
        if forms[0] == "file":
            return self._kept(await self._stored(where, value, keeping), filename, content_type)
        content = value.encode() if forms[0] == "text" else _decoded(where, value)
        filename = filename or ("file.txt" if forms[0] == "text" else "file.bin")
        return Upload(
            filename=filename,
            content=content,
            content_type=content_type or mimetypes.guess_type(filename)[0] or UNKNOWN,
            size_bytes=len(content),
        )

    async def _stored(self, where: str, file_id: str, keeping: Keeping) -> StoredFile:
        try:
            return await self._shelf.find(keeping.environment_id, file_id, keeping.account_id)
        except NotFound as problem:
            sentence = f"{problem.sentence} Files are kept for a limited time."
            raise InvalidArguments([Failure(where, sentence)]) from None

    def _kept(self, file: StoredFile, filename: str, content_type: str) -> Upload:
        return Upload(
            filename=filename or file.name,
            content=self._shelf.read(file),
            content_type=content_type or file.content_type,
            size_bytes=file.size_bytes,
        )

    async def _from_address(self, where: str, url: str, filename: str, content_type: str, keeping: Keeping) -> Upload:
        """What lies at our own links is at hand; everything else is fetched."""
        if (own := self._shelf.is_own(url)) is not None:
            try:
                file = await self._shelf.find_by_link(*own)
            except NotFound as problem:
                raise InvalidArguments([Failure(where, problem.sentence)]) from None
            return self._kept(await self._stored(where, file.id, keeping), filename, content_type)
        if self._settings.fetch == "off":
            sentence = "addresses are not fetched here; give the file itself, or keep it with POST /file first"
            raise InvalidArguments([Failure(where, sentence, "{text}, {base64} or {file}")])
        address, response = await self._fetch(where, url)
        return await self._read(where, address, response, filename, content_type)

    async def _fetch(self, where: str, url: str) -> tuple[str, UpstreamResponse]:
        """Without any key, from public addresses only, each of them checked: also where it was sent on to."""
        first = fetched.plainly(url)
        for _ in range(_MOST_REDIRECTS + 1):
            if not fetched.is_fetchable(url):
                raise InvalidArguments(
                    [Failure(where, f"only https addresses are fetched, not {fetched.plainly(url)}")]
                )
            with fetched.told(where, url):
                response = await self._transport.send(UpstreamRequest(verb="GET", url=url, headers=[("Accept", "*/*")]))
            if response.status == 200:
                return url, response
            response.release()
            location = response.header("location")
            if response.status not in _MOVED or not location:
                raise InvalidArguments([fetched.refused(where, url, response.status)])
            url = urljoin(url, location)
        raise InvalidArguments([Failure(where, f"{first} sends on more than {_MOST_REDIRECTS} times")])

    async def _read(self, where: str, url: str, response: UpstreamResponse, filename: str, content_type: str) -> Upload:
        address = fetched.plainly(url)
        most, kind = self._settings.fetch_limit_bytes, response.header("content-type").partition(";")[0].strip().lower()
        length = response.header("content-length")
        if kind and not kind.startswith(self._settings.fetch_types):
            response.release()
            allowed = ", ".join(self._settings.fetch_types)
            raise InvalidArguments([Failure(where, f"{address} holds {kind}, which is not fetched here", allowed)])
        if length.isdigit() and int(length) > most:
            response.release()
            raise InvalidArguments([Failure(where, f"{address} holds {length} bytes", f"at most {most}")])
        name = filename or unquote(urlsplit(url).path.rpartition("/")[2]) or "file.bin"
        if length.isdigit() and not response.header("content-encoding"):
            content: Any = fetched.measured(where, url, response.stream(), int(length))
            return Upload(
                filename=name, content=content, content_type=content_type or kind or UNKNOWN, size_bytes=int(length)
            )
        with fetched.told(where, url):
            content = await response.read(most)
        return Upload(
            filename=name, content=content, content_type=content_type or kind or UNKNOWN, size_bytes=len(content)
        )


def _is_reference(given: Any) -> bool:
    each = given[0] if is_list(given) and given else given
    return is_record(each) and not each.keys() & {*_WORDS}


def _decoded(where: str, text: str) -> bytes:
    try:
        return base64.b64decode(text.partition("base64,")[2] or text, validate=True)
    except (binascii.Error, ValueError):
        raise InvalidArguments([Failure(where, "is not valid base64")]) from None
