"""A real MCP client, a real browser and a person: discovery, consent, tokens, step-up, refresh, and the end."""

import json
import queue
import subprocess
import threading
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import pytest

from portico.cli.main import run as run_command
from portico.gateway.oauth.clients import FOLDER
from tests.outside.browsing import DESK, PHONE, keep, visit
from tests.outside.mcp_house import PASSWORD, PERSON, House
from tests.outside.mcp_jobs import CLIENTS

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = [pytest.mark.outside, pytest.mark.browser, pytest.mark.timeout(300)]
Json = dict[str, Any]
PATIENCE_SECONDS = 30.0
NAME = "Vector stores of Larkfield"
READ, WRITE = "list_all_openai_models", "create_a_openai_vector_store"


class Program:
    """The MCP client: what it says, line by line."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self._process = process
        self._lines: queue.Queue[str] = queue.Queue()
        self.tokens: Json = {}
        threading.Thread(target=self._read, daemon=True).start()

    def hears(self, word: str) -> str:
        """What comes with the next line that begins with this word; tokens are kept as they pass."""
        while True:
            line = self._lines.get(timeout=PATIENCE_SECONDS)
            assert line, self._process.stderr.read() if self._process.stderr else "it ended"
            said, _, value = line.partition(" ")
            if said == "tokens":
                self.tokens = json.loads(value)
            if said == word:
                return value.strip()

    def did(self) -> Json:
        return json.loads(self.hears("did"))

    def told(self, **command: Any) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(command) + "\n")
        self._process.stdin.flush()

    def calls(self, name: str, **arguments: Any) -> Json:
        self.told(call=name, arguments=arguments)
        return self.did()

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self._lines.put(line)
        self._lines.put("")


@contextmanager
def program(python: Path, url: str, *words: str) -> Generator[Program]:
    command = [str(python), str(CLIENTS / "oauth_2.py"), url, *(words or ("Test client",))]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            yield Program(process)
        finally:
            process.kill()


def sign_in(page: "Page") -> None:
    page.get_by_label("Name or e-mail").fill(PERSON)
    page.get_by_label("Password").fill(PASSWORD)
    with page.expect_navigation():
        page.get_by_role("button", name="Sign in").click()


def test_client_gets_in_gets_more_renews_and_is_shown_the_door(
    browser: "Browser", python: Path, mcp_house: House
) -> None:
    made = mcp_house.server(NAME, tags=["models", "vector_stores"], require_api_token_auth=True, tool_exposure="all")
    other = mcp_house.server("Another", tags=["models"], require_api_token_auth=True)
    with visit(browser, viewport=DESK) as page, program(python, made["url"]) as client:
        back = let_in(page, client)
        assert parse_qs(urlsplit(page.url).query)["iss"] == [mcp_house.url]
        assert page.url.startswith(back)
        assert READ in client.did()["tools"]
        first = client.tokens
        assert first["scope"] == "mcp:read"
        assert mcp_house.status(made["url"], first["access_token"]) == 200
        assert mcp_house.status(other["url"], first["access_token"]) == 401
        assert not client.calls(READ)["is_error"]
        second = step_up(page, client)
        client.told(forget=True)
        client.did()
        assert not client.calls(READ)["is_error"]
        third = client.tokens
        assert third["access_token"] != second["access_token"]
        page.goto(f"{mcp_house.url}/access")
        keep(page, "access")
        ends = page.get_by_role("button", name=f"End the access of Test client to {NAME}")
        assert ends.count() == 2
        ends.first.click()
        page.wait_for_load_state()
        assert ends.count() == 1
        assert mcp_house.status(made["url"], third["access_token"]) == 401
        assert mcp_house.status(made["url"], first["access_token"]) == 200
        end_by_command(mcp_house, made["id"])
        assert mcp_house.status(made["url"], first["access_token"]) == 401
        page.reload()
        assert ends.count() == 0


def let_in(page: "Page", client: Program) -> str:
    """From the client's door, with a wrong password on the way, through consent; where the answer went."""
    door = client.hears("open")
    page.goto(door)
    assert page.title() == "Sign in · Portico"
    keep(page, "sign-in")
    page.get_by_label("Name or e-mail").fill(PERSON)
    page.get_by_label("Password").fill("not the password")
    page.get_by_role("button", name="Sign in").click()
    assert "do not belong together" in page.get_by_role("alert").inner_text()
    sign_in(page)
    assert page.title() == "Let Test client in? · Portico"
    keep(page, "consent")
    back = parse_qs(urlsplit(door).query)["redirect_uri"][0]
    destination = page.locator(".destination")
    assert urlsplit(back).netloc in destination.inner_text()
    box = destination.bounding_box()
    assert box is not None
    assert box["y"] + box["height"] < DESK["height"]
    assert "Did you start this yourself" in page.content()
    assert "larkfield" in page.locator(".facts").inner_text()
    page.get_by_role("button", name="Allow").click()
    page.wait_for_url(f"{back}?**")
    return back


def step_up(page: "Page", client: Program) -> Json:
    """A call that takes more than was granted sends the person to the door once more; the new tokens."""
    client.told(call=WRITE, arguments={"name": "stepped up"})
    page.goto(client.hears("open"))
    assert page.get_by_label("change: call tools that create, change or delete").is_checked()
    keep(page, "consent-step-up")
    page.get_by_role("button", name="Allow").click()
    assert "stepped up" in client.did()["text"]
    assert client.tokens["scope"] == "mcp:read mcp:write"
    return client.tokens


def end_by_command(house: House, server_id: str) -> None:
    grants = house.ask("GET", f"/integrated-account/{house.account_id}/mcp/{server_id}/grants")["result"]
    words = ["mcp", "revoke", house.account_id, server_id, grants[0]["id"], "--url", house.url, "--token", house.token]
    assert run_command(words) == 0


def test_person_who_says_no_sends_the_program_away(browser: "Browser", python: Path, mcp_house: House) -> None:
    made = mcp_house.server("Not for you", tags=["models"], require_api_token_auth=True)
    with visit(browser, viewport=DESK) as page, program(python, made["url"]) as client:
        page.goto(client.hears("open"))
        sign_in(page)
        page.get_by_role("button", name="No").click()
        assert json.loads(client.hears("refused"))["error"] == "access_denied"
    grants = mcp_house.ask("GET", f"/integrated-account/{mcp_house.account_id}/mcp/{made['id']}/grants")
    assert grants["result"] == []


def test_program_known_by_a_document_needs_no_registration(browser: "Browser", python: Path, mcp_house: House) -> None:
    """The document stands in a file here: this computer has no address that could be fetched from."""
    made = mcp_house.server("Documented", tags=["models"], require_api_token_auth=True)
    address = "https://program.example/client.json"
    folder = Path(mcp_house.portico.parts.settings.data_dir) / FOLDER
    folder.mkdir(exist_ok=True)
    document = {
        "client_id": address,
        "client_name": "Documented program",
        "redirect_uris": ["http://127.0.0.1/callback"],
    }
    (folder / "program.json").write_text(json.dumps(document))
    with visit(browser, viewport=DESK) as page, program(python, made["url"], "Another name", address) as client:
        door = client.hears("open")
        assert parse_qs(urlsplit(door).query)["client_id"] == [address]
        page.goto(door)
        sign_in(page)
        assert "described by program.example" in page.locator(".facts").inner_text()
        page.get_by_role("button", name="Allow").click()
        assert client.did()["tools"]


def test_everything_can_be_done_with_the_keyboard(browser: "Browser", python: Path, mcp_house: House) -> None:
    made = mcp_house.server("By keyboard", tags=["models", "vector_stores"], require_api_token_auth=True)
    with visit(browser, viewport=DESK) as page, program(python, made["url"]) as client:
        page.goto(client.hears("open"))
        for name, text in (("name", PERSON), ("password", PASSWORD)):
            page.wait_for_function("name => document.activeElement.name === name", arg=name)
            page.keyboard.type(text)
            page.keyboard.press("Tab" if text == PERSON else "Enter")
        page.wait_for_url("**/oauth/authorize?**")
        seen: list[str] = []
        for _ in range(12):
            page.keyboard.press("Tab")
            seen.append(page.evaluate("document.activeElement.innerText || document.activeElement.name || ''"))
            if seen[-1] == "Allow":
                break
        assert seen[0] == "Skip to the content"
        outline = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
        assert (seen[-1], outline) == ("Allow", "solid")
        page.keyboard.press("Enter")
        assert client.did()["tools"]


@pytest.mark.parametrize(("name", "scheme"), [("desk", "light"), ("phone", "dark")])
def test_pages_fit_and_can_be_read(browser: "Browser", python: Path, mcp_house: House, name: str, scheme: str) -> None:
    """Nothing sticks out sideways, every control is large enough for a thumb, every text stands out from its ground."""
    made = mcp_house.server(f"A name as long as names are allowed to be {'x' * 40}", tags=["models", "vector_stores"],
                            require_api_token_auth=True)  # fmt: skip
    size = DESK if name == "desk" else PHONE
    with (
        visit(browser, viewport=size, color_scheme=scheme) as page,
        program(python, made["url"], "Cläude " * 12) as client,
    ):
        door = client.hears("open")
        page.goto(door)
        look(page, f"{name}-{scheme}-sign-in")
        sign_in(page)
        look(page, f"{name}-{scheme}-consent")
        page.goto(door.replace("resource=", "forgotten="))
        look(page, f"{name}-{scheme}-choose")
        page.goto(door.replace("S256", "plain"))
        look(page, f"{name}-{scheme}-problem")
        page.goto(door)
        page.get_by_role("button", name="Allow").click()
        client.did()
        page.goto(f"{mcp_house.url}/access")
        look(page, f"{name}-{scheme}-access")


def look(page: "Page", name: str) -> None:
    keep(page, name)
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    small = page.evaluate("""() => [...document.querySelectorAll('button, .button, .choose, input:not([type=hidden])')]
        .map(each => [each.innerText || each.name, (each.closest('label') || each).getBoundingClientRect().height])
        .filter(([_, height]) => height < 24)""")
    assert small == []
    assert page.evaluate(CONTRAST) == []
    assert page.locator("h1").count() == 1
    assert page.evaluate("document.documentElement.lang") == "en"


# Texts whose colour stands out from the colour behind them less than readers need (WCAG AA).
CONTRAST = """() => {
  const canvas = document.createElement('canvas').getContext('2d', {willReadFrequently: true});
  const rgba = (colour) => {
    canvas.clearRect(0, 0, 1, 1); canvas.fillStyle = colour; canvas.fillRect(0, 0, 1, 1);
    return [...canvas.getImageData(0, 0, 1, 1).data];
  };
  const linear = (n) => n <= .03928 ? n / 12.92 : ((n + .055) / 1.055) ** 2.4;
  const light = (colour) => {
    const [r, g, b] = rgba(colour).map((n) => linear(n / 255));
    return .2126 * r + .7152 * g + .0722 * b;
  };
  const ground = (each) => {
    for (; each; each = each.parentElement) {
      const colour = getComputedStyle(each).backgroundColor;
      if (rgba(colour)[3] > 250) return colour;
    }
    return getComputedStyle(document.body).backgroundColor;
  };
  return [...document.querySelectorAll('body *')]
    .filter((each) => [...each.childNodes].some((node) => node.nodeType === 3 && node.textContent.trim()))
    .filter((each) => each.checkVisibility() && !each.classList.contains('skip'))
    .map((each) => {
      const [a, b] = [light(getComputedStyle(each).color), light(ground(each))].sort((x, y) => y - x);
      return [each.innerText.slice(0, 40), Math.round((a + .05) / (b + .05) * 100) / 100];
    })
    .filter(([_, ratio]) => ratio < 4.5);
}"""
