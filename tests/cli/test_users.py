"""`portico users sessions` and `sign-out`: who is signed in is seen and ended from the machine."""

import asyncio
import io

import pytest

from portico.app import Portico, build
from portico.gateway.people import NewPerson, add_person
from portico.gateway.signing_in import Visitor, sign_in
from portico.settings import Settings
from portico.vault.passwords import Passwords
from tests.cli.conftest import Command
from tests.gateways import QUICK, migrate_ahead


async def built() -> Portico:
    migrate_ahead(Settings.read())
    return await build(Settings.read(), passwords=Passwords(QUICK))


@pytest.fixture
def signed_in(portico: Command, monkeypatch: pytest.MonkeyPatch, tmp_path: object) -> None:
    """Olga, twice, in a data folder of its own."""
    monkeypatch.setenv("PORTICO_DATA_DIR", str(tmp_path))

    async def work() -> None:
        made = await built()
        try:
            await add_person(made.parts, NewPerson(name="olga", password="a long enough one", role="owner"))
            for client in ("Firefox", "Chrome"):
                visitor = Visitor(address="192.0.2.1", client=client)
                await sign_in(made.parts, visitor, "olga", "a long enough one")
        finally:
            await made.stop()

    asyncio.run(work())


@pytest.mark.usefixtures("signed_in")
def test_sessions_are_listed_and_ended(done: Command, portico: Command) -> None:
    listed = done("users", "sessions", "--json").json
    assert sorted(each["client"] for each in listed) == ["Chrome", "Firefox"]
    assert {each["user"] for each in listed} == {"olga"}
    assert done("users", "sessions", "olga", "--json").json == listed
    assert done("users", "sign-out", "olga", "--session", listed[0]["id"]).out == "Ended 1 session of olga.\n"
    again = portico("users", "sign-out", "olga", "--session", listed[0]["id"])
    assert (again.code, "has no session" in again.err) == (1, True)
    assert done("users", "sign-out", "olga").out == "Ended 1 session of olga.\n"
    assert done("users", "sessions", "--json").json == []


@pytest.mark.usefixtures("signed_in")
def test_password_comes_from_standard_input(done: Command, portico: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("said on standard input\n"))
    assert done("users", "create", "ada", "--password", "-").out == "Created ada (operator).\n"
    told = portico("users", "create", "bob", "--password", "on the command line")
    assert (told.code, "can be read by others" in told.err) == (1, True)

    async def enter() -> None:
        made = await built()
        try:
            await sign_in(made.parts, Visitor(address="192.0.2.1", client="Firefox"), "ada", "said on standard input")
        finally:
            await made.stop()

    asyncio.run(enter())


@pytest.mark.usefixtures("signed_in")
def test_user_is_linked_with_the_provider_and_unlinked(
    done: Command, portico: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    refused = portico("users", "link", "olga", "sub-olga")
    assert (refused.code, "PORTICO_OIDC_ISSUER" in refused.err) == (1, True)
    monkeypatch.setenv("PORTICO_OIDC_ISSUER", "https://login.example")
    monkeypatch.setenv("PORTICO_OIDC_CLIENT_ID", "portico")
    said = done("users", "link", "olga", "sub-olga").out
    assert said == "olga signs in at https://login.example now, as sub-olga.\n"
    assert done("users", "sessions", "--json").json == []
    assert done("users", "unlink", "olga").out == "Unlinked olga.\n"
    assert done("users", "unlink", "olga").out == "olga was not linked.\n"
