"""A person in a real browser signs in at a provider: one of the tests' own, and somebody else's whole program."""

import socket
import subprocess
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from portico import clock
from tests.faces.oauth.program import challenge_of
from tests.issuer import CLIENT, SECRET, Issuer, issuing
from tests.outside.browsing import DESK, chromium, keep, visit
from tests.outside.client_envs import NodeEnv, NotInstallable, node_env
from tests.outside.mcp_house import House, opened
from tests.outside.mcp_jobs import CLIENTS

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = [pytest.mark.outside, pytest.mark.browser, pytest.mark.timeout(300)]
PROGRAM = CLIENTS / "oidc_provider.mjs"


@pytest.fixture(scope="module")
def browser() -> Generator["Browser"]:
    with chromium() as made:
        yield made


@pytest.fixture(scope="module")
def issuer() -> Generator[Issuer]:
    with issuing(clock.now) as made:
        yield made


@pytest.fixture(scope="module")
def house(issuer: Issuer, tmp_path_factory: pytest.TempPathFactory) -> Generator[House]:
    settings: dict[str, Any] = {
        "oidc_issuer": issuer.url,
        "oidc_client_id": CLIENT,
        "oidc_client_secret": SECRET,
        "oidc_label": "Larkfield",
        "oidc_role_claim": "groups",
        "oidc_new_people": "viewer",
        "oidc_environments": ("*",),
    }
    with opened(tmp_path_factory.mktemp("house"), **settings) as made:
        yield made


def press(page: "Page") -> None:
    page.get_by_role("link", name="Sign in with").click()


def test_person_comes_in_is_let_out_and_is_told_what_was_wrong(
    browser: "Browser", house: House, issuer: Issuer
) -> None:
    issuer.reset()
    with visit(browser, viewport=DESK) as page:
        page.goto(f"{house.url}/admin/me")
        assert page.get_by_role("link", name="Sign in with Larkfield").is_visible()
        keep(page, "sign-in-with-a-provider")
        press(page)
        assert "none of the roles" in page.get_by_role("alert").inner_text()
        keep(page, "sign-in-refused")
        issuer.claims |= {"groups": ["operator"]}
        page.goto(f"{house.url}/admin/me")
        press(page)
        page.wait_for_url("**/admin/me")
        assert page.get_by_text("Signed in as ada@corp.example").is_visible()
        assert page.get_by_text(issuer.url).is_visible()
        assert page.get_by_text("Your password").count() == 0
        page.get_by_role("button", name="Sign out", exact=True).click()
        assert page.get_by_role("heading", name="You are signed out").is_visible()
        keep(page, "signed-out")
        page.get_by_role("link", name="Sign out at Larkfield").click()
        page.wait_for_url("**/sign-in")
        assert issuer.ended[0]["id_token_hint"].count(".") == 2
        page.goto(f"{house.url}/admin/me")
        assert page.title() == "Sign in · Portico"


def test_program_is_let_in_by_somebody_who_signs_in_at_the_provider(
    browser: "Browser", house: House, issuer: Issuer
) -> None:
    issuer.reset()
    issuer.claims |= {"groups": ["operator"]}
    made = house.server("For the provider's people", tags=["models"], require_api_token_auth=True)
    document = {"client_name": "A program", "redirect_uris": ["http://127.0.0.1:1/back"]}
    client = house.ask("POST", "/oauth/register", document)["client_id"]
    door = (
        f"{house.url}/oauth/authorize?response_type=code&client_id={client}&redirect_uri=http://127.0.0.1:1/back"
        f"&scope=mcp:read&state=s&code_challenge={challenge_of()}&code_challenge_method=S256&resource={made['url']}"
    )
    with visit(browser, viewport=DESK) as page:
        page.goto(door)
        press(page)
        page.wait_for_url("**/oauth/authorize?**")
        assert page.title() == "Let A program in? · Portico"
        assert page.get_by_text("Signed in as ada@corp.example").is_visible()


@pytest.fixture(scope="module")
def node() -> NodeEnv:
    try:
        return node_env("oidc-provider")
    except NotInstallable as problem:
        pytest.skip(f"a provider that others wrote: {problem}")


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


@contextmanager
def provided(node: NodeEnv, port: int, url: str) -> Generator[None]:
    """The program, from when it listens; it finds its package in its own folder."""
    place = node.folder / PROGRAM.name
    place.write_bytes(PROGRAM.read_bytes())
    addresses = [f"{url}/sign-in/callback", f"{url}/sign-in", f"{url}/sign-in/ended"]
    command = [str(node.node), str(place), str(port), *addresses]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        assert process.stdout is not None
        try:
            assert process.stdout.readline().strip() == "listening"
            yield
        finally:
            process.kill()


def introduce(page: "Page", name: str) -> None:
    """At the other program's own pages: a name, any password, and a yes."""
    page.locator("input[name=login]").fill(name)
    page.locator("input[name=password]").fill("anything")
    page.locator("button[type=submit]").click()
    page.locator("button[type=submit]").click()


def test_provider_that_others_wrote_signs_people_in_and_out(browser: "Browser", node: NodeEnv, tmp_path: Path) -> None:
    port = free_port()
    settings: dict[str, Any] = {
        "oidc_issuer": f"http://127.0.0.1:{port}",
        "oidc_client_id": "portico",
        "oidc_client_secret": "a secret for tests",
        "oidc_new_people": "viewer",
        "oidc_environments": ("*",),
        "oidc_role_claim": "groups",
        "oidc_email_domains": ("corp.example",),
        "passwords": "off",
    }
    with opened(tmp_path, **settings) as house, provided(node, port, house.url):
        with visit(browser, viewport=DESK) as page:
            page.goto(f"{house.url}/admin/me")
            assert page.get_by_label("Password").count() == 0
            press(page)
            introduce(page, "owner@corp.example")
            page.wait_for_url("**/admin/me")
            assert page.get_by_text("You are an owner").is_visible()
            page.get_by_role("button", name="Sign out", exact=True).click()
            page.get_by_role("link", name="Sign out at").click()
            page.get_by_role("button", name="Yes").click()
            page.wait_for_url("**/sign-in")
        with visit(browser, viewport=DESK) as page:
            page.goto(f"{house.url}/admin/me")
            press(page)
            introduce(page, "operator@corp.example")
            page.wait_for_url("**/admin/me")
            page.goto(f"http://127.0.0.1:{port}/session/end")
            page.get_by_role("button", name="Yes").click()
            page.wait_for_url("**/session/end/success")
            page.goto(f"{house.url}/admin/me")
            assert page.title() == "Sign in · Portico"
        with visit(browser, viewport=DESK) as page:
            page.goto(f"{house.url}/admin/me")
            press(page)
            introduce(page, "stranger@elsewhere.example")
            assert "addresses at corp.example" in page.get_by_role("alert").inner_text()
