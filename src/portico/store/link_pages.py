"""What each environment makes of the pages that its customers see: which sites may show them, and how they look."""

from datetime import datetime
from hashlib import sha256

import msgspec
from msgspec import Struct

from portico.clock import to_milliseconds
from portico.model.account import EnvironmentId
from portico.store.database import Database, Session
from portico.store.statement import Statement

_GET = Statement(
    "SELECT allowed_origins, name, main_color, paper_color, logo_type, logo_digest FROM link_pages "
    "WHERE environment_id = :environment_id"
)
_PUT = Statement(
    "INSERT INTO link_pages (environment_id, allowed_origins, name, main_color, paper_color, logo, logo_type, "
    "logo_digest, updated_at) VALUES (:environment_id, :allowed_origins, :name, :main_color, :paper_color, :empty, '', "
    "'', :updated_at) ON CONFLICT (environment_id) DO UPDATE SET allowed_origins = :allowed_origins, name = :name, "
    "main_color = :main_color, paper_color = :paper_color, updated_at = :updated_at"
)
_PUT_LOGO = Statement(
    "UPDATE link_pages SET logo = :logo, logo_type = :logo_type, logo_digest = :logo_digest "
    "WHERE environment_id = :environment_id"
)
DIGEST_LENGTH = 32


class LinkPage(Struct, frozen=True, kw_only=True):
    """Colours are `#rrggbb`; whatever is empty is as Portico has it by itself. No site may show the pages at first."""

    allowed_origins: tuple[str, ...] = ()
    name: str = ""
    main_color: str = ""
    paper_color: str = ""
    logo_type: str = ""
    logo_digest: str = ""


class Logo(Struct, frozen=True):
    """A picture; without content, none."""

    content: bytes
    content_type: str

    @property
    def digest(self) -> str:
        return sha256(self.content).hexdigest()[:DIGEST_LENGTH] if self.content else ""


class LinkPages:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def get(self, environment_id: EnvironmentId) -> LinkPage:
        row = await self._database.one(_GET, environment_id=environment_id)
        if row is None:
            return LinkPage()
        return LinkPage(
            allowed_origins=msgspec.json.decode(row[0], type=tuple[str, ...]),
            name=row[1],
            main_color=row[2],
            paper_color=row[3],
            logo_type=row[4],
            logo_digest=row[5],
        )

    async def put(
        self, session: Session, environment_id: EnvironmentId, page: LinkPage, logo: Logo | None, moment: datetime
    ) -> None:
        """`logo` None leaves the one there is."""
        await session.run(
            _PUT,
            environment_id=environment_id,
            allowed_origins=msgspec.json.encode(page.allowed_origins).decode(),
            name=page.name,
            main_color=page.main_color,
            paper_color=page.paper_color,
            empty=b"",
            updated_at=to_milliseconds(moment),
        )
        if logo is not None:
            await session.run(
                _PUT_LOGO,
                environment_id=environment_id,
                logo=logo.content,
                logo_type=logo.content_type,
                logo_digest=logo.digest,
            )
