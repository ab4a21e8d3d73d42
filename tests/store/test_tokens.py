"""Tokens, MCP servers and files in the store, on both engines: found by digest alone, gone when they have expired."""

import asyncio
from datetime import datetime, timedelta

import pytest
from msgspec import structs

from portico.errors import AlreadyExists
from portico.model.account import AccountId
from portico.model.server import McpServer, ServerConfig, ServerId
from portico.store.database import Database
from portico.store.files import Files, StoredFile
from portico.store.operators import Operators
from portico.store.servers import Servers
from portico.store.tokens import Token, Tokens
from tests.store.rows import LATER, MOMENT, Home, file_of, make_home, server_of, token_of

DIGEST = b"\x00\xff" * 16
AFTER = LATER + timedelta(milliseconds=1)


@pytest.fixture
async def home(database: Database) -> Home:
    return await make_home(database)


async def add_token(database: Database, token: Token, digest: bytes = DIGEST) -> None:
    async with database.transaction() as session:
        await Tokens(database).add(session, token, digest)


async def add_server(database: Database, server: McpServer, digest: bytes = DIGEST) -> None:
    async with database.transaction() as session:
        await Servers(database).add(session, server, digest)


async def add_file(database: Database, file: StoredFile) -> None:
    async with database.transaction() as session:
        await Files(database).add(session, file)


@pytest.mark.parametrize("kind", ["api", "acc"])
async def test_token_is_found_by_its_digest_as_it_was_put_in(database: Database, home: Home, kind: str) -> None:
    token = token_of(home, kind=kind)
    await add_token(database, token)
    assert await Operators(database).token_by_digest(DIGEST) == token
    assert await Operators(database).token_by_digest(DIGEST[:-1]) is None


async def test_two_tokens_never_share_a_digest(database: Database, home: Home) -> None:
    await add_token(database, token_of(home))
    with pytest.raises(AlreadyExists):
        await add_token(database, token_of(home))


async def test_account_tokens_are_in_no_list_and_cannot_be_had_by_id(database: Database, home: Home) -> None:
    token = token_of(home, kind="acc")
    await add_token(database, token)
    assert await Tokens(database).page(home.id, "~", 10) == []
    assert await Tokens(database).get(home.id, token.id) is None
    async with database.transaction() as session:
        assert not await Tokens(database).delete(session, home.id, token.id)


async def test_tokens_of_another_environment_are_not_there(database: Database, home: Home) -> None:
    other = await make_home(database, "other")
    token = token_of(home)
    await add_token(database, token)
    assert await Tokens(database).get(other.id, token.id) is None
    assert await Tokens(database).page(other.id, "~", 10) == []
    async with database.transaction() as session:
        assert not await Tokens(database).delete(session, other.id, token.id)
        await Tokens(database).delete_of_account(session, other.id, AccountId("account-1"))
    assert await Tokens(database).get(home.id, token.id) == token


async def test_tokens_are_listed_newest_first_and_by_name(database: Database, home: Home) -> None:
    tokens = [token_of(home, name) for name in ("a", "b", "a")]
    for number, token in enumerate(tokens):
        await add_token(database, token, bytes([number]))
    assert await Tokens(database).page(home.id, "~", 10) == tokens[::-1]
    assert await Tokens(database).page(home.id, "~", 10, ("a",)) == [tokens[2], tokens[0]]
    assert await Tokens(database).page(home.id, "~", 10, ("a", "b")) == tokens[::-1]
    assert await Tokens(database).page(home.id, tokens[2].id, 1) == [tokens[1]]


async def test_tokens_of_an_account_go_with_it(database: Database, home: Home) -> None:
    kept, gone = token_of(home), token_of(home, kind="acc")
    await add_token(database, kept, b"1")
    await add_token(database, gone, b"2")
    async with database.transaction() as session:
        await Tokens(database).delete_of_account(session, home.id, AccountId("account-1"))
    assert await Operators(database).token_by_digest(b"1") == kept
    assert await Operators(database).token_by_digest(b"2") is None


async def test_server_is_found_by_digest_and_by_id_as_it_was_put_in(database: Database, home: Home) -> None:
    server, servers = server_of(home), Servers(database)
    await add_server(database, server)
    assert await Operators(database).server_by_digest(DIGEST) == server
    assert await servers.get(home.id, server.account_id, server.id) == server
    assert await servers.page(home.id, server.account_id, "~", 10) == [server]


async def test_servers_of_other_accounts_and_environments_are_not_there(database: Database, home: Home) -> None:
    other, server, servers = await make_home(database, "other"), server_of(home), Servers(database)
    await add_server(database, server)
    for environment, account in ((other.id, server.account_id), (home.id, AccountId("account-2"))):
        assert await servers.get(environment, account, server.id) is None
        assert await servers.page(environment, account, "~", 10) == []
        async with database.transaction() as session:
            assert not await servers.delete(session, environment, account, server.id)
            await servers.delete_of_account(session, other.id, server.account_id)
    assert await servers.get(home.id, server.account_id, server.id) == server


async def test_every_change_of_a_server_raises_its_revision(database: Database, home: Home) -> None:
    server, servers = server_of(home), Servers(database)
    await add_server(database, server)
    changed = structs.replace(server, name="new", config=ServerConfig(), expires_at=None)
    async with database.transaction() as session:
        await servers.update(session, changed, LATER)
    assert await servers.get(home.id, server.account_id, server.id) == structs.replace(
        changed, revision=2, updated_at=LATER
    )
    async with database.transaction() as session:
        await servers.rotate(session, server, b"other", "next", LATER)
    rotated = await Operators(database).server_by_digest(b"other")
    assert rotated is not None
    assert (rotated.revision, rotated.hint) == (3, "next")
    assert await Operators(database).server_by_digest(DIGEST) is None


async def test_servers_of_an_account_go_with_it(database: Database, home: Home) -> None:
    gone, kept = server_of(home), server_of(home, "account-2")
    await add_server(database, gone, b"1")
    await add_server(database, kept, b"2")
    async with database.transaction() as session:
        await Servers(database).delete_of_account(session, home.id, gone.account_id)
    assert await Operators(database).server_by_digest(b"1") is None
    assert await Operators(database).server_by_digest(b"2") == kept


async def test_file_is_found_with_its_pieces_in_order(database: Database, home: Home) -> None:
    file, files = file_of(home), Files(database)
    await add_file(database, file)
    for number, piece in enumerate((b"\x00one", b"\xfftwo", b"")):
        await files.add_piece(home.id, file.id, number, piece)
    assert await files.get(home.id, file.id) == file
    assert [await files.piece(home.id, file.id, number) for number in range(4)] == [b"\x00one", b"\xfftwo", b"", None]


async def test_files_of_another_environment_are_not_there(database: Database, home: Home) -> None:
    other, file, files = await make_home(database, "other"), file_of(home), Files(database)
    await add_file(database, file)
    await files.add_piece(home.id, file.id, 0, b"piece")
    assert await files.get(other.id, file.id) is None
    assert await files.piece(other.id, file.id, 0) is None
    await files.drop_pieces(other.id, file.id)
    assert await files.piece(home.id, file.id, 0) == b"piece"
    await files.drop_pieces(home.id, file.id)
    assert await files.piece(home.id, file.id, 0) is None


async def test_clean_up_drops_what_has_expired_and_nothing_else(database: Database, home: Home) -> None:
    operators, files = Operators(database), Files(database)
    lasting = structs.replace(token_of(home), expires_at=MOMENT)  # API tokens stay in the list after their end
    await add_token(database, lasting, b"1")
    await add_token(database, token_of(home, kind="acc"), b"2")
    file = file_of(home)
    await add_file(database, file)
    await files.add_piece(home.id, file.id, 0, b"piece")

    await operators.clean(LATER, MOMENT, MOMENT)
    assert await operators.token_by_digest(b"2") is not None
    assert await files.piece(home.id, file.id, 0) is not None

    await operators.clean(AFTER, MOMENT, MOMENT)
    assert await operators.token_by_digest(b"1") is not None
    assert await operators.token_by_digest(b"2") is None
    assert await files.get(home.id, file.id) is None
    assert await files.piece(home.id, file.id, 0) is None


async def test_expired_server_is_handed_to_one_who_asks_and_is_gone(database: Database, home: Home) -> None:
    operators = Operators(database)
    await add_server(database, structs.replace(server_of(home), expires_at=None), b"1")
    ending = server_of(home)
    await add_server(database, ending, b"2")
    just_before = LATER - timedelta(milliseconds=1)

    async def drop(moment: datetime) -> list[McpServer]:
        async with database.transaction() as session:
            return await operators.drop_expired_servers(session, moment)

    assert not await operators.has_expired_servers(just_before)
    assert await drop(just_before) == []
    assert await operators.has_expired_servers(LATER)
    first, second = await asyncio.gather(drop(LATER), drop(LATER))
    assert [each.id for each in (*first, *second)] == [ending.id]
    assert await operators.server_by_digest(b"1") is not None
    assert await operators.server_by_digest(b"2") is None


async def test_a_server_id_is_no_sql(database: Database, home: Home) -> None:
    await add_server(database, server_of(home))
    hostile = ServerId("' OR '1'='1")
    assert await Servers(database).get(home.id, AccountId("account-1"), hostile) is None
