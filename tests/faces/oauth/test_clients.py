"""Which programs may ask: those with a document at their own address, those in a file, those that registered."""

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import pytest_asyncio

from portico.app import Portico
from portico.errors import ForbiddenAddress, VendorTimeout
from portico.gateway.oauth import clients
from portico.gateway.oauth.documents import MOST_BYTES
from portico.vault.tokens import mark
from tests.conftest import HeldClock
from tests.faces.oauth.browser import answer_of
from tests.faces.oauth.conftest import Library
from tests.faces.oauth.program import BACK, Program, Scene, signed_in
from tests.unit.said import Said

pytestmark = pytest.mark.asyncio(loop_scope="module")
CLIENT = "https://program.example/oauth/client.json"


def document(client_id: str = CLIENT, **more: Any) -> dict[str, Any]:
    return {"client_id": client_id, "client_name": "Documented", "redirect_uris": [BACK], **more}


def said(value: Any, *headers: tuple[str, str], status: int = 200) -> Said:
    content = value if isinstance(value, bytes) else json.dumps(value).encode()
    return Said(content, status=status, headers=[("Content-Type", "application/json"), *headers])


@pytest_asyncio.fixture(autouse=True, loop_scope="module")
async def anew(library: Library, house: Portico) -> None:
    """No document anywhere, and nobody has registered in the last ten minutes."""
    library.documents.clear()
    library.asked.clear()
    await house.parts.attempts.forget(mark("register", "127.0.0.1", house.parts.keyring.pepper))


def documented(house: Portico, client_id: str = CLIENT) -> Program:
    return Program(house, client_id=client_id)


async def test_program_is_known_by_the_document_at_its_address(scene: Scene, house: Portico, library: Library) -> None:
    program = documented(house)
    library.documents[CLIENT] = said(document())
    code = await scene.code(program=program)
    page = scene.browser
    assert (await program.trade(code)).status == 200
    await page.open(program.door(scene.resource))
    assert "Documented described by program.example" in page.text
    assert "Nobody checked this name" not in page.text
    request = library.asked[0]
    assert (request.verb, request.url, request.is_trusted) == ("GET", CLIENT, False)
    assert not {name.lower() for name, _ in request.headers} & {"authorization", "cookie"}


async def test_document_is_kept_as_long_as_it_says_within_bounds(
    scene: Scene, house: Portico, library: Library, held_clock: HeldClock
) -> None:
    for name, life, kept in (("a", "max-age=600", 600), ("b", "no-store", 60), ("c", "max-age=1", 60), ("d", "", 3600)):
        address = f"https://program.example/{name}.json"
        for _ in range(2):
            library.documents[address] = said(document(address), ("Cache-Control", life))
            await scene.browser.open(documented(house, address).door(scene.resource))
        assert len(library.asked) == 1
        held_clock.advance(seconds=kept)
        library.documents[address] = said(document(address))
        await scene.browser.open(documented(house, address).door(scene.resource))
        assert len(library.asked) == 2
        library.asked.clear()


Answer = Callable[[str], Said | Exception]
BAD: dict[str, tuple[Answer, str]] = {
    "another's document": (lambda _: said(document("https://program.example/oauth/other.json")), "is not the address"),
    "a slash too many": (lambda me: said(document(me + "/")), "is not the address"),
    "no client_id": (lambda _: said({"redirect_uris": [BACK]}), "is not the address"),
    "not JSON": (lambda _: said(b"<html>"), "is not JSON"),
    "not found": (lambda _: said({}, status=404), "status 404"),
    "moved elsewhere": (lambda _: said(b"", ("Location", "http://127.0.0.1/"), status=302), "status 302"),
    "too large": (lambda _: said(b" " * (MOST_BYTES + 1)), "could not be fetched"),
    "a private address": (lambda _: ForbiddenAddress(), "could not be fetched: forbidden_address"),
    "silence": (lambda _: VendorTimeout(), "could not be fetched: upstream_timeout"),
    "a secret": (lambda me: said(document(me, client_secret="x")), "must not hold a secret"),
    "needs a secret": (lambda me: said(document(me, token_endpoint_auth_method="private_key_jwt")), "without a secret"),
    "no redirects": (lambda me: said(document(me, redirect_uris=[])), "1 to 20 addresses"),
    "http redirect": (lambda me: said(document(me, redirect_uris=["http://program.example/cb"])), "may not be used"),
    "script redirect": (lambda me: said(document(me, redirect_uris=["javascript:alert(1)"])), "may not be used"),
    "implicit alone": (lambda me: said(document(me, grant_types=["implicit"])), "grant_types must contain"),
}


@pytest.mark.parametrize("case", BAD)
async def test_document_that_cannot_be_used_is_told_to_the_person_alone(
    scene: Scene, house: Portico, library: Library, case: str
) -> None:
    answer, words = BAD[case]
    client_id = CLIENT + "?" + case.replace(" ", "-").replace("'", "")
    library.documents[client_id] = answer(client_id)
    got = await scene.browser.open(documented(house, client_id).door(scene.resource))
    assert got.status == 400
    assert "location" not in got.headers
    assert words in scene.browser.text


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "10.0.0.1", "169.254.169.254"])
async def test_document_is_never_fetched_from_a_private_address(scene: Scene, house: Portico, host: str) -> None:
    got = await scene.browser.open(documented(house, f"https://{host}/client.json").door(scene.resource))
    assert (got.status, "could not be fetched: forbidden_address" in scene.browser.text) == (400, True)


@pytest.mark.parametrize(
    "client_id",
    ["http://program.example/client.json", "https://program.example", "https://program.example/",
     "https://user@program.example/c", "https://program.example/a/../c", "https://program.example/c#x",
     "https://program.example:0/c", "https://[::1]/c", "https://program.example/" + "x" * 500],
)  # fmt: skip
async def test_what_is_no_plain_https_address_is_not_even_looked_at(
    scene: Scene, house: Portico, library: Library, client_id: str
) -> None:
    library.documents[client_id] = said(document(client_id))
    assert (await scene.browser.open(documented(house, client_id).door(scene.resource))).status == 400
    assert library.asked == []


async def test_nothing_is_fetched_for_somebody_who_is_not_signed_in(
    scene: Scene, house: Portico, library: Library
) -> None:
    library.documents[CLIENT + "?new"] = said(document(CLIENT + "?new"))
    stranger = replace(scene.browser, cookie="")
    got = await stranger.open(documented(house, CLIENT + "?new").door(scene.resource))
    assert (got.status, got.headers["location"].startswith("/sign-in?next=")) == (303, True)
    assert library.asked == []


async def test_program_registers_and_is_told_what_it_got(house: Portico) -> None:
    asked = {"client_name": "Mine", "redirect_uris": [BACK], "token_endpoint_auth_method": "client_secret_post"}
    got = await Program(house).register(asked | {"scope": "everything", "contacts": ["a@b.c"]})
    told = got.json
    assert (got.status, got.headers["cache-control"]) == (201, "no-store")
    assert (told["client_name"], told["redirect_uris"]) == ("Mine", [BACK])
    assert (told["token_endpoint_auth_method"], told["scope"]) == ("none", "mcp:read mcp:write")
    assert "client_secret" not in told


@pytest.mark.parametrize(
    ("given", "word"),
    [
        (b"[]", "invalid_client_metadata"),
        (b"{", "invalid_client_metadata"),
        (b"{}", "invalid_redirect_uri"),
        (b'{"redirect_uris":"https://a.example/"}', "invalid_redirect_uri"),
        (b'{"redirect_uris":["http://a.example/"]}', "invalid_redirect_uri"),
        (b'{"redirect_uris":["https://a.example/#x"]}', "invalid_redirect_uri"),
        (b'{"redirect_uris":["evil-app:/cb"]}', "invalid_redirect_uri"),
        (b'{"redirect_uris":[5]}', "invalid_redirect_uri"),
        (b'{"redirect_uris":["https://a.example/"],"response_types":["token"]}', "invalid_client_metadata"),
        (b'{"redirect_uris":[' + b",".join([b'"https://a.example/"'] * 21) + b"]}", "invalid_redirect_uri"),
        (b"x" * 70_000, "too_large"),
    ],
)
async def test_registration_that_cannot_be_meant_is_refused_in_oauths_words(
    house: Portico, given: bytes, word: str
) -> None:
    got = await Program(house).send("/oauth/register", given, "application/json")
    assert got.status in {400, 413}
    assert got.json["error"] == word


async def test_registrations_from_one_place_are_counted(house: Portico, held_clock: HeldClock) -> None:
    statuses = [(await Program(house).register({"redirect_uris": [BACK]})).status for _ in range(21)]
    assert statuses == [201] * 20 + [429]
    got = await Program(house).register({"redirect_uris": [BACK]})
    assert (got.json["error"], got.headers["retry-after"]) == ("too_many_registrations", "600")
    held_clock.advance(seconds=601)
    assert (await Program(house).register({"redirect_uris": [BACK]})).status == 201


async def test_program_that_nobody_let_in_is_forgotten_after_a_day(
    scene: Scene, house: Portico, held_clock: HeldClock
) -> None:
    used, unused = await Program(house).registered(), await Program(house).registered()
    await scene.code(program=used)
    held_clock.advance(days=1)
    await house.parts.operators.clean(held_clock(), held_clock(), held_clock())
    browser = await signed_in(house)
    assert (await browser.open(unused.door(scene.resource))).status == 400
    assert "may have to be connected again" in browser.text
    assert (await browser.open(used.door(scene.resource))).status == 200


async def test_unused_registrations_are_bounded(
    house: Portico, held_clock: HeldClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    held_clock.advance(days=2)
    monkeypatch.setattr(clients, "MOST_UNUSED", 3)
    statuses = [(await Program(house).register({"redirect_uris": [BACK]})).status for _ in range(4)]
    assert statuses == [201, 201, 201, 503]
    held_clock.advance(days=2)
    assert (await Program(house).register({"redirect_uris": [BACK]})).status == 201


async def test_name_is_shown_without_letters_that_mislead(scene: Scene, house: Portico) -> None:
    program = await Program(house).registered(client_name="Cla\u202eude\n<b>" + "x" * 200)
    browser = await signed_in(house)
    page = (await browser.open(program.door(scene.resource))).content.decode()
    assert "Claude&lt;b&gt;xxx" in page
    assert "x" * 80 not in page


LOOPBACK = "http://127.0.0.1:{}/callback"


async def test_program_on_this_computer_is_answered_at_whatever_port_was_free(scene: Scene, house: Portico) -> None:
    program = await Program(house, back=LOOPBACK.format(1)).registered()
    browser = await signed_in(house)
    await browser.open(replace(program, back=LOOPBACK.format(54321)).door(scene.resource))
    assert "a program on this computer" in browser.text
    assert "Did you start this yourself" in browser.text
    address, answer = answer_of(await browser.submit("/oauth/authorize", decision="allow"))
    assert address == LOOPBACK.format(54321)
    assert (await program.trade(answer["code"])).json["error"] == "invalid_grant"
    assert (await replace(program, back=address).trade(answer["code"])).status == 200
    for other in ("http://localhost:1/callback", "http://127.0.0.1:1/other", "https://127.0.0.1:1/callback"):
        assert (await browser.open(replace(program, back=other).door(scene.resource))).status == 400
