"""What did not fit into an answer, kept for a while: the cursor in the answer goes on with it, part by part.

It is kept sealed like any file, and listed nowhere. A cursor is good for the tool, the account and the server that gave
it, until the rest expires; nothing is asked of the vendor again, so what a call changed is not changed twice.
"""

import hmac
from collections.abc import AsyncIterator, Sequence

import msgspec
from msgspec import Struct

from portico.errors import Failure, InvalidArguments, NotFound, TooLarge
from portico.gateway.files import LIFE, PIECE_BYTES, FileShelf, Kept
from portico.model.account import EnvironmentId
from portico.shapes import Json
from portico.store.files import REST
from portico.vault import tokens

NEXT_CURSOR = "next_cursor"
_PREFIX, _PURPOSE = "rest.", "rest"
_PROOF_CHARACTERS = 32
_LONGEST = 200
_encoder = msgspec.json.Encoder()
_END = b"\n"


class Place(Struct, frozen=True, kw_only=True):
    """Whose answer it is: of which tool, of which account, through which server."""

    environment_id: EnvironmentId
    account_id: str
    server_id: str
    tool: str


class Rests:
    def __init__(self, shelf: FileShelf, pepper: bytes) -> None:
        self._shelf, self._pepper = shelf, pepper

    async def keep(self, place: Place, parts: Sequence[Json]) -> str | None:
        """The cursor that goes on with these parts; None where they are too large to be kept."""
        kept = Kept(
            environment_id=place.environment_id,
            account_id=place.account_id,
            name=place.tool,
            content_type=REST,
            life=LIFE,
        )
        try:
            linked = await self._shelf.keep(kept, _lines(parts))
        except TooLarge:
            return None
        return self._cursor(place, linked.file.id, 0)

    async def go_on(self, place: Place, cursor: str) -> Json:
        """The next part, with a cursor of its own if it was not the last."""
        file_id, start = self._read(place, cursor)
        try:
            file = await self._shelf.find_rest(place.environment_id, file_id)
        except NotFound:
            raise _refused("is over: what did not fit was kept for an hour") from None
        line = bytearray()
        number, skipped = divmod(start, PIECE_BYTES)
        async for piece in self._shelf.read(file, number):
            end = piece.find(_END, skipped)
            line += piece[skipped:] if end < 0 else piece[skipped:end]
            if end >= 0:
                break
            skipped = 0
        following = start + len(line) + len(_END)
        part: Json = msgspec.json.decode(line)
        if following < file.size_bytes:
            part[NEXT_CURSOR] = self._cursor(place, file_id, following)
        return part

    def _cursor(self, place: Place, file_id: str, start: int) -> str:
        return f"{_PREFIX}{file_id}.{start}.{self._proof(place, file_id, start)}"

    def _read(self, place: Place, cursor: str) -> tuple[str, int]:
        file_id, _, rest = cursor.removeprefix(_PREFIX).partition(".")
        start, _, proof = rest.partition(".")
        is_sound = len(cursor) <= _LONGEST and cursor.isascii() and start.isdigit()
        if not is_sound or not hmac.compare_digest(proof, self._proof(place, file_id, int(start))):
            raise _refused("was not given by this tool here")
        return file_id, int(start)

    def _proof(self, place: Place, file_id: str, start: int) -> str:
        subject = f"{place.environment_id}:{place.account_id}:{place.server_id}:{place.tool}:{file_id}:{start}"
        return tokens.mark(_PURPOSE, subject, self._pepper).hex()[:_PROOF_CHARACTERS]


def is_rest(cursor: object) -> bool:
    """Whether it goes on with something that was kept here, and not with the vendor's next page."""
    return isinstance(cursor, str) and cursor.startswith(_PREFIX)


def _refused(problem: str) -> InvalidArguments:
    return InvalidArguments([Failure(NEXT_CURSOR, problem, "make the call again without it, or with a newer one")])


async def _lines(parts: Sequence[Json]) -> AsyncIterator[bytes]:
    for each in parts:
        yield _encoder.encode(each) + _END
