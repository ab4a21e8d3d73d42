"""Goes through every page as a person could: from link to link, looking at each in both colours, on a desk and a phone.

Nothing is listed by hand but where to begin: the pages are those that are served, so a new one is walked by itself, and
one that no link leads to is told.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Literal
from urllib.parse import urlsplit

from starlette.routing import Route

from portico.faces.web.site import Site
from tests.outside.browsing import DESK, PHONE
from tests.outside.mcp_house import House
from tests.size import IS_FULL

if TYPE_CHECKING:
    from playwright.sync_api import Page, ViewportSize

SCRIPT = (Path(__file__).parent / "accessible.js").read_text("utf-8")
# Of every page as many examples, and as many more with a query.
MOST_EXAMPLES, MOST_QUERIES = 2, 1
# Pages that ask the vendor for a lot, or say the same of every account: one is enough, and but for the full form it is
# not looked at with a query, too.
SLOW = re.compile(r"/usage|/tools|/new$")
# Notes what the browser would else only tell its console, and every shift of what was on the screen already.
WATCH = """
  window.shifts = []; window.violations = [];
  new PerformanceObserver((list) => list.getEntries().forEach((each) => each.hadRecentInput || shifts.push(each.value)))
    .observe({type: "layout-shift", buffered: true});
  document.addEventListener("securitypolicyviolation", (each) =>
    violations.push(`${each.violatedDirective} ${each.blockedURI} ${each.sample}`));
"""
LINKS = """() => [...document.querySelectorAll("a[href]")].map((each) => each.href).concat(
  [...document.querySelectorAll("form[method=get]")].map((each) => {
    const fields = [...new FormData(each)].filter(([, text]) => text);
    return each.action.split("?")[0] + "?" + new URLSearchParams(fields);
  }))"""

# The acts of the page's forms that have something to fill in.
FORMS = """() => [...document.querySelectorAll("main form[method=post]")]
  .filter((form) => [...form.elements].some((each) => /^(text|password|url|number|email|search)/.test(each.type)))
  .flatMap((form) => [...form.querySelectorAll("button[name=do]:not([formtarget])")].map((each) => each.value))
  .filter((each, place, all) => all.indexOf(each) === place)"""
FILL = """([name, text]) => {
  const button = document.querySelector(name), form = button.form;
  form.noValidate = true; delete form.dataset.preview;
  for (const each of form.querySelectorAll("input, textarea")) {
    if (/hidden|checkbox|radio|file/.test(each.type)) continue;
    each.type = "text"; each.value = text;
  }
  form.requestSubmit(button);
}"""


@dataclass
class Seen:
    """What there was to see at one address."""

    address: str
    pattern: str
    status: int
    title: str
    complaints: list[str] = field(default_factory=list[str])
    strangers: list[str] = field(default_factory=list[str])
    shifts: float = 0.0
    findings: list[str] = field(default_factory=list[str])
    text: str = ""
    # Where a redirect led.
    final: str = ""

    def __str__(self) -> str:
        return f"{self.address} ({self.pattern})"


class Walk:
    """`page` is the browser's, signed in or not. `looks`: in which colours and sizes each page is looked at, `again`:
    and further examples of it, if not the same. `most`: how many examples of a page. `queries`: how many more with a
    query. `after`: what is done on each. `within`: the one environment whose pages are wanted."""

    def __init__(
        self, house: House, page: "Page", looks: "Sequence[Look]" = (), *, again: "Sequence[Look] | None" = None,
        most: int = MOST_EXAMPLES, queries: int = MOST_QUERIES, after: Callable[[], None] = lambda: None,
        within: str = "",
    ) -> None:  # fmt: skip
        self.house, self.page, self.looks, self.after, self.within = house, page, looks, after, within
        self.again = looks if again is None else again
        self.most, self.queries = most, queries
        self.map = Map(house)
        self.seen: list[Seen] = []
        self.left_out: Counter[str] = Counter()
        self._complaints: list[str] = []
        self._strangers: list[str] = []
        page.add_init_script(WATCH)
        page.on("console", lambda each: self._complain(each.text) if each.type in {"error", "warning"} else None)
        page.on("pageerror", lambda problem: self._complaints.append(str(problem)))
        page.on("request", lambda each: self._note(each.url))

    def go(self, starts: Iterable[str]) -> None:
        """From these addresses on, as far as links and searches lead."""
        waiting = list(starts)
        known = set(waiting)
        while waiting:
            for address in self.look(waiting.pop(0)):
                if address not in known and self._is_wanted(address):
                    waiting.append(address)
                known.add(address)

    def look(self, address: str) -> list[str]:
        """Open one address; where it leads to."""
        pattern = self.map.of(address)
        if pattern.endswith("/csv"):
            got = self.page.request.get(address)
            assert "text/csv" in got.headers["content-type"], address
            self.seen.append(Seen(address, pattern, got.status, address, final=address))
            return []
        self._complaints, self._strangers = [], []
        answer = self.page.goto(address)
        assert answer is not None
        self.page.locator("[data-whole]").wait_for(state="detached")  # what takes long comes by itself
        self.seen.append(self.note(address, pattern, answer.status))
        self.after()
        return [each.partition("#")[0] for each in self.page.evaluate(LINKS)]

    def note(self, address: str, pattern: str, status: int) -> Seen:
        """The page that is open, as it is."""
        violations = [f"policy: {each}" for each in self.page.evaluate("violations")]
        seen = Seen(
            address, pattern, status, self.page.title(), [*self._complaints, *violations], [*self._strangers],
            sum(self.page.evaluate("shifts")),
        )  # fmt: skip
        seen.final = self.page.url
        seen.text = self.page.locator("body").inner_text()
        looks = self.again if any(each.pattern == pattern for each in self.seen) else self.looks
        seen.findings = looked_at(self.page, looks) if looks else []
        return seen

    def first_of_each(self) -> list[str]:
        """One example of every admin page."""
        found: dict[str, str] = {}
        for each in self.seen:
            if is_admin(each):
                found.setdefault(each.pattern, each.address)
        return list(found.values())

    def _is_wanted(self, address: str) -> bool:
        """Not yet seen often enough, and ours."""
        pattern = self.map.of(address)
        if not address.startswith(self.house.url) or not pattern:
            return False
        if self.within and pattern.startswith("/admin/{environment}/") and f"/admin/{self.within}/" not in address:
            return False
        key = pattern + ("?" if urlsplit(address).query else "")
        self.left_out[key] += 1
        if key.endswith("?"):
            is_enough = SLOW.search(pattern) and self.left_out[pattern] and not IS_FULL
            return not is_enough and self.left_out[key] <= self.queries
        return self.left_out[key] <= (1 if SLOW.search(pattern) else self.most)

    def _complain(self, text: str) -> None:
        # That a page says no is not the page's fault.
        if not text.startswith("Failed to load resource"):
            self._complaints.append(text)

    def _note(self, url: str) -> None:
        if not url.startswith((self.house.url, "data:", "blob:")):
            self._strangers.append(url)


def is_admin(seen: Seen) -> bool:
    return seen.status == 200 and seen.pattern.startswith("/admin") and not seen.pattern.endswith("/csv")


Look = tuple[Literal["light", "dark"], "ViewportSize"]
EVERY_LOOK: tuple[Look, ...] = (("light", DESK), ("dark", DESK), ("light", PHONE), ("dark", PHONE))
TWO_LOOKS: tuple[Look, ...] = (("light", DESK), ("dark", PHONE))


def looked_at(page: "Page", looks: Sequence[Look] = EVERY_LOOK) -> list[str]:
    """What the accessibility script finds, each once, with the circumstances in which it is so."""
    found: dict[str, list[str]] = {}
    page.keyboard.press("Tab")
    now = at_rest = TWO_LOOKS[0]
    for look in looks:
        scheme, size = now = turned(page, now, look)
        for rule, where, what in page.evaluate(SCRIPT, size == DESK):
            found.setdefault(f"{rule}: {where} {what}".strip(), []).append(f"{scheme} {size['width']}")
    turned(page, now, at_rest)
    return [f"{each} [{', '.join(where)}]" for each, where in found.items()]


def turned(page: "Page", now: Look, wanted: Look) -> Look:
    """From one look to another: to lay a page out anew takes longer than to look at it."""
    if wanted[0] != now[0]:
        page.emulate_media(color_scheme=wanted[0])
    if wanted[1] != now[1]:
        page.set_viewport_size(wanted[1])
    return wanted


def fill_in(page: "Page", act: str, text: str) -> bool:
    """Send the form that does this with the same text in every field; False where there is none. A form that does but
    one thing has no name for it."""
    button = f'main button[name=do][value="{act}"]' if act else "main form[method=post] button:not([name])"
    if page.locator(button).count() == 0:
        return False
    with page.expect_navigation():
        page.evaluate(FILL, [button, text])
    return True


class Map:
    """Every page that can be opened."""

    def __init__(self, house: House) -> None:
        self.patterns: dict[str, Route] = {}
        for route in house.portico.routes:
            if isinstance(route, Route) and is_page(route) and "GET" in (route.methods or ()):
                self.patterns[route.path] = route
        self._known: dict[str, str] = {}

    def of(self, address: str) -> str:
        """Which page that is; empty where it is none."""
        path = urlsplit(address).path
        if path not in self._known:
            found = (each.path for each in self.patterns.values() if each.path_regex.match(path))
            self._known[path] = next(found, "")
        return self._known[path]


def is_page(route: Route) -> bool:
    """Whether people see it, and not programs."""
    return type(route.endpoint).__module__ == Site.__module__
