"""Takes the pictures of the tour: the demo's company, at a held moment, in a browser. Each is kept with 256 colours.

Without words all of them; else those whose names are given.
"""

import os
import sys
from base64 import b64decode, b64encode
from datetime import datetime, timedelta
from pathlib import Path
from socket import gethostname
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from tests.conftest import HeldClock
from tests.outside.browsing import chromium
from tests.outside.mcp_house import PASSWORD, PERSON, House, opened
from tests.toolbox.pictures import packed

from portico.cli.api import Api
from portico.cli.story import open_servers, tell
from portico.sandbox.state import World

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

FOLDER = Path(__file__).parents[1] / "docs" / "images"
MOMENT = datetime.fromisoformat("2026-11-18T15:30:20+00:00")
DAYS = 30
CUSTOMER, SERVER = "Northwind Traders", "Billing until Friday"
DESK, PHONE = (1100, 800), (390, 800)
MOST_BYTES = 1_500_000
# What is asked of models on each of the days, so that there is something to draw.
CHATS = (("gpt-4o-mini", 7), ("gpt-4o", 3), ("o4-mini", 2))
# The colours that there are most of, and for every other the nearest of these.
FEWER = """async (encoded) => {
  const bytes = Uint8Array.from(atob(encoded), (each) => each.charCodeAt(0));
  const bitmap = await createImageBitmap(new Blob([bytes]));
  const canvas = new OffscreenCanvas(bitmap.width, bitmap.height).getContext("2d");
  canvas.drawImage(bitmap, 0, 0);
  const pixels = new Uint32Array(canvas.getImageData(0, 0, bitmap.width, bitmap.height).data.buffer);
  const counts = new Map();
  for (const each of pixels) counts.set(each, (counts.get(each) ?? 0) + 1);
  const palette = [...counts].sort((one, other) => other[1] - one[1]).slice(0, 256).map(([each]) => each);
  const parts = (each) => [each & 255, (each >> 8) & 255, (each >> 16) & 255];
  const known = new Map(palette.map((each, place) => [each, place]));
  const nearest = (colour) => {
    const [r, g, b] = parts(colour);
    let best = 0, least = Infinity;
    palette.forEach((each, place) => {
      const [x, y, z] = parts(each);
      const far = (r - x) ** 2 + (g - y) ** 2 + (b - z) ** 2;
      if (far < least) [best, least] = [place, far];
    });
    known.set(colour, best);
    return best;
  };
  const rows = Array.from(pixels, (each) => known.get(each) ?? nearest(each));
  let text = "";
  for (let at = 0; at < rows.length; at += 8192) text += String.fromCharCode(...rows.slice(at, at + 8192));
  return [bitmap.width, bitmap.height, palette.flatMap(parts), btoa(text)];
}"""
# The address of this run is as good as any other.
RENAME = """([found, wanted]) => {
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let text; (text = walker.nextNode()); ) text.textContent = text.textContent.replaceAll(found, wanted);
}"""


class Camera:
    def __init__(self, browser: "Browser", house: House, wanted: set[str]) -> None:
        self.house, self.wanted = house, wanted
        self.vendor = house.portico.parts.settings.vendor_base_urls[0].partition("=")[2].removesuffix("/v1")
        self.page: Page = browser.new_context(viewport=_size(DESK), reduced_motion="reduce").new_page()
        self.dark_room: Page = browser.new_page()

    def open(self, path: str) -> None:
        self.page.goto(self.house.url + path)

    def sign_in(self) -> None:
        self.open("/sign-in")
        self.take("sign-in", height=460)
        self.page.get_by_label("Name or e-mail").fill(PERSON)
        self.page.get_by_label("Password").fill(PASSWORD)
        self.page.get_by_role("button", name="Sign in").click()
        self.page.wait_for_url("**/admin/**")

    def take(self, name: str, *, height: int = DESK[1], top: str = "") -> None:
        """What the window shows, from a heading on where one is named."""
        if self.wanted and name not in self.wanted:
            return
        page = self.page
        width = PHONE[0] if name.endswith("phone") else DESK[0]
        page.emulate_media(color_scheme="dark" if name.endswith("dark") else "light")
        page.set_viewport_size(_size((width, height)))
        page.evaluate(RENAME, [self.house.url, "https://portico.example"])
        page.evaluate(RENAME, [f"{gethostname()}:{os.getpid()}", "portico-1:1"])
        page.evaluate(RENAME, [self.vendor, "https://api.openai.com"])
        page.evaluate("scrollTo(0, 0)")
        if top:
            page.get_by_role("heading", name=top).evaluate("(each) => scrollTo(0, each.offsetTop - 16)")
        page.mouse.move(1, 1)
        content = fewer_colours(self.dark_room, page.screenshot())
        (FOLDER / f"{name}.png").write_bytes(content)
        page.set_viewport_size(_size(DESK))


def fewer_colours(page: "Page", content: bytes) -> bytes:
    """The same picture as a PNG with a palette."""
    width, height, palette, encoded = page.evaluate(FEWER, b64encode(content).decode())
    pixels = b64decode(encoded)
    rows = b"".join(b"\0" + pixels[start : start + width] for start in range(0, len(pixels), width))
    return packed(width, height, 3, rows, palette=bytes(palette), level=9)


def _size(size: tuple[int, int]) -> Any:
    return {"width": size[0], "height": size[1]}


def live(house: House, clock: HeldClock, world: World) -> None:
    """A month in which the customer's programs asked models something every day, and then the demo's story."""
    clock.moment = MOMENT - timedelta(days=DAYS)
    api, own = Api(house.url, house.token), {"integrated_account_id": house.account_id}
    for day in range(DAYS):
        clock.moment += timedelta(days=1)
        world.turn_to(clock.moment.timestamp())
        for place, (model, most) in enumerate(CHATS):
            for number in range((day * 5 + place * 3) % most + (1 if clock.moment.weekday() < 5 else 0)):
                said = {"role": "user", "content": "What should I plant in November? " * (20 + 10 * number)}
                api.send("POST", "/proxy/chat_completions", body={"model": model, "messages": [said]}, query=own)
    clock.moment = MOMENT
    world.turn_to(MOMENT.timestamp())
    _, billing = open_servers(api, house.account_id)
    tell(api, house.account_id, billing)
    for name, key in (("Fern & Moss", "sk-proj-fern-and-moss-9hXc"), ("Tall Oaks", "no key at all")):
        body = {"tenant_id": name, "integration": "openai", "context": {"api_key": key}}
        api.send("POST", "/integrated-account", body=body)


def tour(camera: Camera) -> None:
    """The story of the tour, page after page."""
    page, house = camera.page, camera.house
    camera.sign_in()
    camera.take("overview", height=860)
    home = page.url.removeprefix(house.url)
    connect(camera)
    camera.open(f"{home}/accounts")
    camera.take("accounts", height=480)
    page.get_by_role("link", name=CUSTOMER, exact=True).first.click()
    camera.take("account", height=1000)
    make_server(camera)
    for name in ("approvals", "audit", "log"):
        camera.open(f"{home}/{name}")
        camera.take(name, height=860)
        if name == "approvals":
            page.locator("tbody a").first.click()
            camera.take("approval", height=1060)
            camera.take("approval-phone", height=1100)
    page.get_by_role("row").filter(has_text="404").get_by_role("link").first.click()
    camera.take("call", height=900)
    camera.open(f"{home}/usage")
    camera.take("usage", height=900)
    camera.take("usage-dark", height=900)
    camera.open(f"{home}/accounts/{house.account_id}/tools/list_all_openai_costs")
    page.get_by_label("start_time").first.fill("7 days ago")
    page.get_by_role("button", name="Show the request only").click()
    camera.take("tool", height=900)


def health(camera: Camera) -> None:
    """Of a house whose clock goes on: one that stands still would look unwell."""
    camera.sign_in()
    camera.open("/admin/health")
    camera.take("health", height=640)


def connect(camera: Camera) -> None:
    """A customer connects their account by a link."""
    link = camera.house.ask("POST", "/link-token", {"tenant_id": CUSTOMER, "integration": "openai"})
    page = camera.page
    page.goto(link["url"])
    page.get_by_label("Project API key").press_sequentially("sk-proj-northwind-4mQ7")
    page.get_by_label("Admin API key").press_sequentially("sk-admin-northwind-t2Zk")
    camera.take("connect", height=760)
    camera.take("connect-phone", height=800)
    page.get_by_role("button", name="Connect", exact=True).click()
    page.get_by_role("heading", name="OpenAI is connected").wait_for()


def make_server(camera: Camera) -> None:
    page = camera.page
    page.get_by_role("link", name="Make one").click()
    page.get_by_role("textbox", name="Name").fill(SERVER)
    page.get_by_label("Look only").check()
    with page.expect_response(lambda answer: answer.request.method == "POST"):
        page.locator("input[name=tags][value=billing]").check()
    friday = page.get_by_label("It ends").locator("option", has_text="On Friday").first
    page.get_by_label("It ends").select_option(friday.get_attribute("value"))
    page.wait_for_timeout(800)
    camera.take("server-form", height=900)
    camera.take("server-form-dark", height=900)
    page.get_by_role("button", name="Make the server").click()
    page.get_by_role("heading", name="Its address").wait_for()
    page.locator(".snippet summary").first.click()
    camera.take("server-made", height=900)


def main(wanted: set[str]) -> int:
    FOLDER.mkdir(parents=True, exist_ok=True)
    clock, world = HeldClock(), World(pace=0.0)
    clock.moment = MOMENT
    world.turn_to(MOMENT.timestamp())
    with TemporaryDirectory() as folder, opened(Path(folder), clock=clock, world=world) as house, chromium() as browser:
        live(house, clock, world)
        tour(Camera(browser, house, wanted))
        with opened(Path(folder) / "well") as well:
            health(Camera(browser, well, wanted or {"health"}))
    size = sum(each.stat().st_size for each in FOLDER.glob("*.png"))
    sys.stdout.write(f"{size / 1000:.0f} kB of pictures in {FOLDER}\n")
    return 0 if size <= MOST_BYTES else 1


if __name__ == "__main__":
    sys.exit(main(set(sys.argv[1:])))
