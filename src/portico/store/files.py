"""Stored files: sealed in pieces, gone after their expiry."""

from datetime import datetime

from msgspec import Struct

from portico.clock import from_milliseconds, to_milliseconds
from portico.model.account import EnvironmentId
from portico.store.database import Database, Row, Session
from portico.store.statement import Statement, one_of

# The content type of what did not fit into an answer: only the cursor that goes on with it leads there.
REST = "application/vnd.portico.rest"
_ADD = Statement(
    "INSERT INTO files (id, environment_id, account_id, name, content_type, size_bytes, created_at, expires_at) "
    "VALUES (:id, :environment_id, :account_id, :name, :content_type, :size_bytes, :created_at, :expires_at)"
)
_ADD_PIECE = Statement(
    "INSERT INTO file_pieces (environment_id, file_id, number, sealed) "
    "VALUES (:environment_id, :file_id, :number, :sealed)"
)
_GET = Statement(
    "SELECT id, environment_id, account_id, name, content_type, size_bytes, created_at, expires_at FROM files "
    "WHERE environment_id = :environment_id AND id = :id"
)
_PAGE = Statement(
    "SELECT id, environment_id, account_id, name, content_type, size_bytes, created_at, expires_at FROM files "
    "WHERE environment_id = :environment_id AND id < :before AND expires_at > :moment "
    "AND content_type <> 'application/vnd.portico.rest' "
    "AND ONE_OF(account_id, :account_id) ORDER BY id DESC LIMIT :count"
)
_PIECE = Statement(
    "SELECT sealed FROM file_pieces WHERE environment_id = :environment_id AND file_id = :file_id AND number = :number"
)
_DELETE = Statement("DELETE FROM files WHERE environment_id = :environment_id AND id = :id")
_DELETE_OF_ACCOUNT = Statement("DELETE FROM files WHERE environment_id = :environment_id AND account_id = :account_id")
_DELETE_PIECES_OF_ACCOUNT = Statement(
    "DELETE FROM file_pieces WHERE environment_id = :environment_id AND file_id IN "
    "(SELECT id FROM files WHERE environment_id = :environment_id AND account_id = :account_id)"
)
_DELETE_PIECES = Statement("DELETE FROM file_pieces WHERE environment_id = :environment_id AND file_id = :file_id")


class StoredFile(Struct, frozen=True, kw_only=True):
    """`account_id` is empty where the file may serve every account of its environment."""

    id: str
    environment_id: EnvironmentId
    account_id: str
    name: str
    content_type: str
    size_bytes: int
    created_at: datetime
    expires_at: datetime


class Files:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, session: Session, file: StoredFile) -> None:
        await session.run(
            _ADD,
            id=file.id,
            environment_id=file.environment_id,
            account_id=file.account_id,
            name=file.name,
            content_type=file.content_type,
            size_bytes=file.size_bytes,
            created_at=to_milliseconds(file.created_at),
            expires_at=to_milliseconds(file.expires_at),
        )

    async def add_piece(self, environment_id: EnvironmentId, file_id: str, number: int, sealed: bytes) -> None:
        await self._database.run(
            _ADD_PIECE, environment_id=environment_id, file_id=file_id, number=number, sealed=sealed
        )

    async def get(self, environment_id: EnvironmentId, file_id: str) -> StoredFile | None:
        row = await self._database.one(_GET, environment_id=environment_id, id=file_id)
        return read(row) if row else None

    async def page(
        self, environment_id: EnvironmentId, account_ids: tuple[str, ...], before: str, count: int, moment: datetime
    ) -> list[StoredFile]:
        """Newest first; those of these accounts, or where none is named all of them. What belongs to an answer is no
        file that anybody knows of."""
        rows = await self._database.all(
            _PAGE,
            environment_id=environment_id,
            account_id=one_of(account_ids),
            before=before,
            count=count,
            moment=to_milliseconds(moment),
        )
        return [read(row) for row in rows]

    async def piece(self, environment_id: EnvironmentId, file_id: str, number: int) -> bytes | None:
        row = await self._database.one(_PIECE, environment_id=environment_id, file_id=file_id, number=number)
        return bytes(row[0]) if row else None

    async def delete(self, session: Session, environment_id: EnvironmentId, file_id: str) -> None:
        await session.run(_DELETE, environment_id=environment_id, id=file_id)
        await session.run(_DELETE_PIECES, environment_id=environment_id, file_id=file_id)

    async def delete_of_account(self, session: Session, environment_id: EnvironmentId, account_id: str) -> None:
        await session.run(_DELETE_PIECES_OF_ACCOUNT, environment_id=environment_id, account_id=account_id)
        await session.run(_DELETE_OF_ACCOUNT, environment_id=environment_id, account_id=account_id)

    async def drop_pieces(self, environment_id: EnvironmentId, file_id: str) -> None:
        await self._database.run(_DELETE_PIECES, environment_id=environment_id, file_id=file_id)


def read(row: Row) -> StoredFile:
    return StoredFile(
        id=row[0],
        environment_id=row[1],
        account_id=row[2],
        name=row[3],
        content_type=row[4],
        size_bytes=row[5],
        created_at=from_milliseconds(row[6]),
        expires_at=from_milliseconds(row[7]),
    )
