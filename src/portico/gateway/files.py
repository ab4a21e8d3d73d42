"""Files that wait to be fetched: sealed piece by piece as they come, for a limited time, behind links that end.

A link is a signature over the file's id and the link's end. It is a right of its own: whoever holds it may fetch the
file, and deleting the file ends all of its links.
"""

from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import timedelta

from msgspec import Struct

from portico.clock import Clock
from portico.errors import NotFound, TooLarge
from portico.gateway.keyring import Keyring
from portico.model.account import EnvironmentId
from portico.store.database import Database, Session
from portico.store.files import REST, Files, StoredFile
from portico.store.ids import new_id
from portico.store.operators import Operators
from portico.vault import tokens
from portico.vault.envelope import Place

# Done in the transaction that writes the file or ends it; raising leaves everything as it was.
Within = Callable[[Session, StoredFile], Awaitable[None]]
PIECE_BYTES = 1_048_576
LIFE = timedelta(hours=1)
UPLOAD_LIFE = timedelta(hours=24)
LINK_LIFE = timedelta(hours=1)
PATH = "/file/"
_LINK = "file"


class Linked(Struct, frozen=True, kw_only=True):
    """A stored file and an address under which it can be fetched for a while."""

    file: StoredFile
    url: str


class Kept(Struct, frozen=True, kw_only=True):
    """What is known of a file before it is kept. `account_id` empty: it may serve every account of the environment."""

    environment_id: EnvironmentId
    account_id: str
    name: str
    content_type: str
    life: timedelta = LIFE


class FileShelf:
    def __init__(
        self, database: Database, operators: Operators, keyring: Keyring, clock: Clock, public_url: str, most_bytes: int
    ) -> None:
        self._database, self._files, self._operators = database, Files(database), operators
        self._keyring, self._clock = keyring, clock
        self._public_url, self._most_bytes = public_url.rstrip("/"), most_bytes

    async def keep(self, kept: Kept, content: AsyncIterator[bytes], within: Within | None = None) -> Linked:
        """Seal it piece by piece; the file exists only once all of it is there."""
        file_id = new_id()
        try:
            size = await self._write_pieces(kept.environment_id, file_id, content)
        except BaseException:
            await self._files.drop_pieces(kept.environment_id, file_id)
            raise
        moment = self._clock()
        file = StoredFile(
            id=file_id,
            environment_id=kept.environment_id,
            account_id=kept.account_id,
            name=kept.name,
            content_type=kept.content_type,
            size_bytes=size,
            created_at=moment,
            expires_at=moment + kept.life,
        )
        try:
            async with self._database.transaction() as session:
                await self._files.add(session, file)
                if within is not None:
                    await within(session, file)
        except BaseException:
            await self._files.drop_pieces(kept.environment_id, file_id)
            raise
        return self.link(file)

    def link(self, file: StoredFile, life: timedelta = LINK_LIFE) -> Linked:
        """A new link, which lives as long as that, and never longer than the file."""
        until = int(min(self._clock() + life, file.expires_at).timestamp())
        text = tokens.signed(_LINK, file.id, until, self._keyring.pepper)
        return Linked(file=file, url=f"{self._public_url}{PATH}{file.id}/content/{text}")

    async def find(self, environment_id: EnvironmentId, file_id: str, account_id: str | None = None) -> StoredFile:
        """With an account: only where the file belongs to it, or to nobody in particular."""
        file = await self._files.get(environment_id, file_id)
        is_foreign = file is not None and account_id is not None and file.account_id not in {"", account_id}
        if file is None or is_foreign or file.expires_at <= self._clock() or file.content_type == REST:
            raise NotFound(f"There is no file {file_id!r}.")
        return file

    async def find_rest(self, environment_id: EnvironmentId, file_id: str) -> StoredFile:
        """What did not fit into an answer."""
        file = await self._files.get(environment_id, file_id)
        if file is None or file.expires_at <= self._clock() or file.content_type != REST:
            raise NotFound(f"There is no file {file_id!r}.")
        return file

    async def find_by_link(self, file_id: str, text: str) -> StoredFile:
        found = None
        moment = self._clock()
        if tokens.is_signed(text, _LINK, file_id, int(moment.timestamp()), self._keyring.pepper):
            found = await self._operators.file(file_id)
        if found is None or found.expires_at <= moment:
            raise NotFound("This link is unknown or has expired.")
        return found

    def is_own(self, url: str) -> tuple[str, str] | None:
        """(file id, signature) of an address that is one of our own links."""
        if not self._public_url or not url.startswith(self._public_url + PATH):
            return None
        file_id, _, text = url.removeprefix(self._public_url + PATH).partition("/content/")
        return file_id, text

    async def page(
        self, environment_id: EnvironmentId, account_ids: tuple[str, ...], before: str, count: int
    ) -> list[StoredFile]:
        return await self._files.page(environment_id, account_ids, before, count, self._clock())

    async def delete(self, file: StoredFile, within: Within) -> None:
        async with self._database.transaction() as session:
            await self._files.delete(session, file.environment_id, file.id)
            await within(session, file)

    async def delete_of_account(self, session: Session, environment_id: EnvironmentId, account_id: str) -> None:
        await self._files.delete_of_account(session, environment_id, account_id)

    async def read(self, file: StoredFile, number: int = 0) -> AsyncIterator[bytes]:
        """Its pieces of PIECE_BYTES each, from that one on."""
        while (sealed := await self._files.piece(file.environment_id, file.id, number)) is not None:
            yield await self._keyring.open(sealed, sealed_place(file.environment_id, file.id, number))
            number += 1

    async def _write_pieces(self, environment_id: EnvironmentId, file_id: str, content: AsyncIterator[bytes]) -> int:
        waiting, number, size = bytearray(), 0, 0
        async for part in content:
            waiting += part
            size += len(part)
            if size > self._most_bytes:
                raise TooLarge(f"A file may have at most {self._most_bytes} bytes.")
            while len(waiting) >= PIECE_BYTES:
                await self._write_piece(environment_id, file_id, number, bytes(waiting[:PIECE_BYTES]))
                del waiting[:PIECE_BYTES]
                number += 1
        if waiting:
            await self._write_piece(environment_id, file_id, number, bytes(waiting))
        return size

    async def _write_piece(self, environment_id: EnvironmentId, file_id: str, number: int, plain: bytes) -> None:
        sealed = await self._keyring.seal(plain, sealed_place(environment_id, file_id, number))
        await self._files.add_piece(environment_id, file_id, number, sealed)


def sealed_place(environment_id: str, file_id: str, number: int) -> Place:
    return Place("file", environment_id, f"file_pieces.sealed:{file_id}:{number}")
