"""People, their sessions and the door: the first owner, wrong passwords, guessing, what ends a session."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack
from dataclasses import replace
from typing import cast

import pytest
import pytest_asyncio

from portico.app import Portico
from portico.errors import AlreadyExists, InvalidArguments, NotAllowed
from portico.gateway.people import NewPerson, add_person, change_person, disable_person, enable_person, find_person
from portico.gateway.signing_in import make_setup_code
from portico.settings import Settings
from portico.vault import tokens
from tests.conftest import MASTER_KEY, HeldClock
from tests.faces.oauth.browser import HOST, Browser
from tests.faces.oauth.program import PASSWORD, person, signed_in
from tests.gateways import open_gateway

pytestmark = pytest.mark.asyncio(loop_scope="module")
HOME, AFTERWARDS = "/access", "/admin"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def house(tmp_path_factory: pytest.TempPathFactory) -> AsyncGenerator[Portico]:
    settings = Settings(data_dir=tmp_path_factory.mktemp("data"), master_key=MASTER_KEY, public_url=f"https://{HOST}")
    async with AsyncExitStack() as stack:
        gateway = await open_gateway(stack, settings, clock=HeldClock())
        await person(gateway, "ada")
        yield gateway


@pytest.fixture
def clock(house: Portico) -> HeldClock:
    """A minute later than the test before, whose attempts no longer count."""
    clock = cast("HeldClock", house.parts.clock)
    clock.advance(seconds=121)
    return clock


@pytest.fixture
async def empty_house(settings: Settings, clock: HeldClock) -> AsyncGenerator[Portico]:
    async with AsyncExitStack() as stack:
        yield await open_gateway(stack, replace(settings, public_url=f"https://{HOST}"), clock=HeldClock())


@pytest.mark.asyncio(loop_scope="function")
async def test_first_visit_with_the_code_makes_the_owner_and_no_second_one(empty_house: Portico) -> None:
    older, newer = await make_setup_code(empty_house.parts), await make_setup_code(empty_house.parts)
    browser = Browser(empty_house)
    await browser.open("/sign-in")
    assert "Set up this Portico" in browser.text
    for code in (older, "nonsense", ""):
        await browser.submit("/sign-in", code=code, name="Ada", password=PASSWORD)
        assert (browser.page.status, "not the setup code" in browser.text) == (403, True)
    await browser.submit("/sign-in", code=newer, name="Ada", password="short")
    assert (browser.page.status, "10 to 200 characters" in browser.text) == (400, True)
    got = await browser.submit("/sign-in", code=newer, name="Ada", password=PASSWORD)
    assert (got.status, got.headers["location"]) == (303, AFTERWARDS)
    await browser.follow()
    await browser.follow()
    assert "Signed in as Ada" in browser.text
    assert (await find_person(empty_house.parts, "ada")).role == "owner"
    late = Browser(empty_house)
    await late.open("/sign-in")
    assert "Set up" not in late.text
    await late.submit("/sign-in", do="set-up", code=newer, name="Eve", password=PASSWORD)
    assert late.page.status == 403
    code = await make_setup_code(empty_house.parts)
    await late.submit("/sign-in", do="set-up", code=code, name="Eve", password=PASSWORD)
    assert "There are users already" in late.text


@pytest.mark.asyncio(loop_scope="function")
async def test_setup_code_is_good_for_a_day(empty_house: Portico) -> None:
    code = await make_setup_code(empty_house.parts)
    cast("HeldClock", empty_house.parts.clock).advance(days=1)
    browser = Browser(empty_house)
    await browser.open("/sign-in")
    await browser.submit("/sign-in", code=code, name="Ada", password=PASSWORD)
    assert browser.page.status == 403


async def test_session_is_a_new_cookie_that_scripts_cannot_read(house: Portico, clock: HeldClock) -> None:
    browser = Browser(house)
    before = (await browser.open("/sign-in")).headers["set-cookie"].partition(";")[0]
    got = await browser.submit("/sign-in", name=" ADA ", password=PASSWORD)
    name, *flags = got.headers["set-cookie"].split("; ")
    assert name != before
    assert name.startswith("__Host-portico=ptc_ses_")
    assert {"Secure", "HttpOnly", "SameSite=Lax", "Path=/"} <= set(flags)
    assert (await Browser(house, cookie=before).open(HOME)).status == 303


@pytest.mark.parametrize(
    ("name", "password"),
    [("ada", "wrong password"), ("nobody", PASSWORD), ("", ""), ("ada", ""), ("a\x00", "x" * 5000)],
)
async def test_wrong_name_and_wrong_password_are_told_alike(
    house: Portico, clock: HeldClock, name: str, password: str
) -> None:
    browser = Browser(house)
    got = await browser.sign_in(name, password)
    assert (got.status, "do not belong together" in browser.text) == (403, True)
    assert (await browser.open(HOME)).status == 303


async def test_guessing_is_stopped_for_a_minute_even_with_the_right_password(house: Portico, clock: HeldClock) -> None:
    await person(house, "guessed")
    browser = Browser(house)
    await browser.open("/sign-in")
    found = [await browser.submit("/sign-in", name=f"{'GuEssed '[: 7 + n % 2]}", password="wrong") for n in range(10)]
    assert {got.status for got in found} == {403}
    got = await browser.submit("/sign-in", name="guessed", password=PASSWORD)
    assert (got.status, got.headers["retry-after"], "wait 60 seconds" in browser.text) == (429, "60", True)
    clock.advance(seconds=59)
    assert (await browser.submit("/sign-in", name="guessed", password=PASSWORD)).status == 429
    clock.advance(seconds=2)
    assert (await browser.submit("/sign-in", name="guessed", password=PASSWORD)).status == 303


async def test_one_place_cannot_try_every_name(house: Portico, clock: HeldClock) -> None:
    """A common password tried on many people counts as well as many passwords tried on one."""
    browser = Browser(house)
    await browser.open("/sign-in")
    found = [await browser.submit("/sign-in", name=f"name-{n}", password="") for n in range(61)]
    assert [got.status for got in found] == [403] * 60 + [429]
    assert (await browser.submit("/sign-in", name="ada", password=PASSWORD)).status == 429
    clock.advance(seconds=61)
    assert (await browser.submit("/sign-in", name="ada", password=PASSWORD)).status == 303


async def test_guesses_made_at_the_same_time_count_too(house: Portico, clock: HeldClock) -> None:
    await person(house, "crowded")
    browsers = [Browser(house) for _ in range(14)]
    for browser in browsers:
        await browser.open("/sign-in")
    found = await asyncio.gather(
        *(browser.submit("/sign-in", name="crowded", password="wrong") for browser in browsers)
    )
    assert sum(got.status == 403 for got in found) == 10


async def test_session_ends_after_twelve_idle_hours_and_after_seven_days(house: Portico, clock: HeldClock) -> None:
    idle, busy = await signed_in(house), await signed_in(house)
    for _ in range(15):
        clock.advance(hours=11)
        assert (await busy.open(HOME)).status == 200
    assert (await idle.open(HOME)).status == 303
    clock.advance(hours=4)
    assert (await busy.open(HOME)).status == 303


async def test_signing_out_ends_this_session_and_everywhere_ends_all(house: Portico, clock: HeldClock) -> None:
    await person(house, "mover")
    first, second, third = [await signed_in(house, "mover") for _ in range(3)]
    stolen = replace(first)
    await first.open(HOME)
    await first.submit("/sign-out", everywhere=None)
    assert [(await each.open(HOME)).status for each in (first, stolen, second)] == [303, 303, 200]
    await second.submit("/sign-out", everywhere="1")
    assert [(await each.open(HOME)).status for each in (second, third)] == [303, 303]


async def test_disabled_user_is_out_and_in_again_when_enabled(house: Portico, clock: HeldClock) -> None:
    leaver = await person(house, "leaver")
    browser = await signed_in(house, "leaver")
    await disable_person(house.parts, leaver)
    assert (await browser.open(HOME)).status == 303
    assert (await browser.sign_in("leaver", PASSWORD)).status == 403
    await enable_person(house.parts, leaver)
    assert (await browser.sign_in("leaver", PASSWORD)).status == 303


async def test_there_is_always_an_owner(house: Portico, clock: HeldClock) -> None:
    owners = [each for each in await house.parts.people.all() if each.role == "owner" and each.name != "ada"]
    for each in owners:
        await change_person(house.parts, each, "operator")
    last = await find_person(house.parts, "ada")
    for act in (disable_person(house.parts, last), change_person(house.parts, last, "viewer")):
        with pytest.raises(NotAllowed, match="last owner"):
            await act


@pytest.mark.parametrize("name", ["", "   ", "x" * 101, "a\u202eb", "a\x07"])
async def test_name_that_cannot_be_seen_is_refused(house: Portico, name: str) -> None:
    with pytest.raises(InvalidArguments):
        await add_person(house.parts, NewPerson(name=name, password=PASSWORD))


async def test_names_differ_by_more_than_their_letters_size(house: Portico) -> None:
    with pytest.raises(AlreadyExists):
        await add_person(house.parts, NewPerson(name="ADA", password=PASSWORD))


@pytest.mark.parametrize(
    "after",
    ["//evil.example", "https://evil.example", "/\\evil.example", "javascript:alert(1)", "evil", "/a\x00b", "/é"],
)
async def test_nobody_is_sent_elsewhere_by_signing_in(house: Portico, clock: HeldClock, after: str) -> None:
    browser = Browser(house)
    await browser.open("/sign-in")
    got = await browser.submit("/sign-in", name="ada", password=PASSWORD, next=after)
    assert (got.status, got.headers["location"]) == (303, AFTERWARDS)


async def test_cookie_of_nobodys_making_is_replaced(house: Portico, clock: HeldClock) -> None:
    for cookie in ("__Host-portico=nonsense", "portico=x", f"__Host-portico={tokens.make('api')}"):
        browser = Browser(house, cookie=cookie)
        got = await browser.open("/sign-in")
        assert got.headers["set-cookie"].startswith("__Host-portico=ptc_ses_")


async def test_sign_in_stands_in_the_audit_trail_and_the_password_nowhere(house: Portico, clock: HeldClock) -> None:
    await signed_in(house)
    first = await house.parts.operators.first_environment()
    assert first is not None
    entries = await house.parts.audit.page(first.id, 2**53, 5)
    assert entries[0].act == "user.signed_in"
    assert PASSWORD not in str(entries)
