"""Files that wait to be fetched: sealed piece by piece as they come, behind a link that tells nothing and ends."""

from collections.abc import AsyncIterator
from datetime import timedelta

from msgspec import Struct

from portico.clock import Clock
from portico.errors import NotFound, TooLarge
from portico.gateway.keyring import Keyring
from portico.model.account import EnvironmentId
from portico.store.database import Database
from portico.store.files import Files, StoredFile
from portico.store.ids import new_id
from portico.store.operators import Operators
from portico.vault import tokens
from portico.vault.envelope import Place

PIECE_BYTES = 1_048_576
MOST_BYTES = 536_870_912
LIFE = timedelta(hours=1)
UPLOAD_LIFE = timedelta(hours=24)


class Linked(Struct, frozen=True, kw_only=True):
    """A stored file and the address under which it can be fetched until it expires."""

    file: StoredFile
    url: str


class FileShelf:
    def __init__(
        self, database: Database, files: Files, operators: Operators, keyring: Keyring, clock: Clock, public_url: str
    ) -> None:
        self._database, self._files, self._operators = database, files, operators
        self._keyring, self._clock, self._public_url = keyring, clock, public_url.rstrip("/")

    async def keep(
        self,
        environment_id: EnvironmentId,
        account_id: str,
        name: str,
        content_type: str,
        content: AsyncIterator[bytes],
        life: timedelta = LIFE,
    ) -> Linked:
        """Seal it piece by piece; the file exists only once all of it is there."""
        file_id = new_id()
        try:
            size = await self._write_pieces(environment_id, file_id, content)
        except BaseException:
            await self._files.drop_pieces(environment_id, file_id)
            raise
        moment = self._clock()
        text = tokens.make("file")
        file = StoredFile(
            id=file_id,
            environment_id=environment_id,
            account_id=account_id,
            name=name,
            content_type=content_type,
            size_bytes=size,
            created_at=moment,
            expires_at=moment + life,
        )
        async with self._database.transaction() as session:
            await self._files.add(session, file, tokens.digest(text, self._keyring.pepper))
        return Linked(file=file, url=f"{self._public_url}/file/{text}")

    async def find(self, environment_id: EnvironmentId, file_id: str) -> StoredFile:
        file = await self._files.get(environment_id, file_id)
        if file is None or file.expires_at <= self._clock():
            raise NotFound(f"There is no file {file_id!r}; files are kept for a limited time.")
        return file

    async def find_by_link(self, token: str) -> StoredFile:
        found = None
        if tokens.is_well_formed(token):
            found = await self._operators.file_by_digest(tokens.digest(token, self._keyring.pepper))
        if found is None or found.expires_at <= self._clock():
            raise NotFound("This link is unknown or has expired.")
        return found

    async def read(self, file: StoredFile) -> AsyncIterator[bytes]:
        number = 0
        while (sealed := await self._files.piece(file.environment_id, file.id, number)) is not None:
            yield await self._keyring.open(sealed, _place(file.environment_id, file.id, number))
            number += 1

    async def _write_pieces(self, environment_id: EnvironmentId, file_id: str, content: AsyncIterator[bytes]) -> int:
        waiting, number, size = bytearray(), 0, 0
        async for part in content:
            waiting += part
            size += len(part)
            if size > MOST_BYTES:
                raise TooLarge(f"A file may have at most {MOST_BYTES} bytes.")
            while len(waiting) >= PIECE_BYTES:
                await self._write_piece(environment_id, file_id, number, bytes(waiting[:PIECE_BYTES]))
                del waiting[:PIECE_BYTES]
                number += 1
        if waiting:
            await self._write_piece(environment_id, file_id, number, bytes(waiting))
        return size

    async def _write_piece(self, environment_id: EnvironmentId, file_id: str, number: int, plain: bytes) -> None:
        sealed = await self._keyring.seal(plain, _place(environment_id, file_id, number))
        await self._files.add_piece(environment_id, file_id, number, sealed)


def _place(environment_id: str, file_id: str, number: int) -> Place:
    return Place("file", environment_id, f"file_pieces.sealed:{file_id}:{number}")
