"""Texts of tenants, admins, programs and vendors that try to become markup or script: in every field, on every page."""

import csv
import io
from collections.abc import Generator, Sequence
from typing import TYPE_CHECKING
from urllib.parse import urlencode

import pytest

from portico.store.statement import Statement
from tests.outside.browsing import DESK
from tests.outside.furnished import Furnished, Words, call_again, furnish, name_again
from tests.outside.mcp_house import opened
from tests.outside.payloads import MARK, PAYLOADS
from tests.outside.test_oauth_in_a_browser import sign_in
from tests.outside.visitor import Visitor
from tests.outside.walk import FORMS, Walk, fill_in
from tests.size import IS_FULL

if TYPE_CHECKING:
    from playwright.sync_api import Browser, ConsoleMessage, Page

pytestmark = [pytest.mark.outside, pytest.mark.browser, pytest.mark.timeout(3600 if IS_FULL else 900)]
RAN = "a text ran"
ALL = " ".join(PAYLOADS)
# In the everyday suite many stand in one text: as many as the log keeps of what somebody else has worded. Where a name
# must be short, each stands alone, always.
LOGGED = 1 if IS_FULL else 4
SHORT = frozenset({"environment", "token", "user", "server", "client"})
# What a house is furnished with at once, how many examples of a page are walked, and how many pages of calls.
FURNISHED: Sequence[str] = PAYLOADS if IS_FULL else (ALL,)
EXAMPLES, QUERIES, CALLS = (len(PAYLOADS) + 5, 1, 60) if IS_FULL else (1, 0, 6)
_FORGET = Statement("DELETE FROM counted_attempts")
# What may say no: names that stand in addresses, and what is sent in headers and addresses and so must be ASCII without
# backslashes.
NAMES = frozenset({"secret", "secret link"})
ASCII = frozenset({"webhook", "broken"})
# Whatever has become more than text: our mark, a handler, an address that runs or leads away.
FOREIGN = """(mark) => [...document.querySelectorAll("*")].flatMap((each) => {
  const found = [...each.attributes].filter(({name}) => name === mark || name.startsWith("on")).map(({name}) => name);
  for (const name of ["href", "src", "action", "formAction", "data"]) {
    const led = typeof each[name] === "string" ? each[name] : "";
    if (/^(javascript|vbscript|data):|^https?:..foreign\\.example/i.test(led)) found.push(name);
  }
  return found.map((name) => `${name} in ${each.outerHTML.slice(0, 150)}`);
})"""


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Generator[list[Furnished]]:
    """A house in which everything has been called everything; what was furnished whole comes first."""
    with opened(tmp_path_factory.mktemp("foreign"), allowed_webhook_urls=("http://127.0.0.1:9",)) as house:
        person = Visitor(house)
        whole: list[Furnished] = []
        for text in FURNISHED:
            house.do(house.portico.parts.database.run(_FORGET))  # else only so many programs may register
            whole.append(furnish(house, words_of(text), person))
        if not IS_FULL:
            whole += [name_again(whole[0], words_of(text)) for text in PAYLOADS[1:]]
            whole += [call_again(whole[0], words_of(text)) for text in joined(LOGGED)]
        for formula in (each for each in PAYLOADS if each[0] in "=@"):
            use(whole[0], formula)
        yield whole


def use(made: Furnished, tenant: str) -> None:
    """A call that costs something, of an account of this name."""
    body = {"tenant_id": tenant, "integration": "openai", "context": {"api_key": "sk-proj-demo"}}
    account_id = made.put("tenant", "/integrated-account", body)["id"]
    asked = {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "Hello"}]}
    made.called("model", "POST", f"/proxy/chat_completions?integrated_account_id={account_id}", asked)


@pytest.fixture(scope="module")
def walked(browser: "Browser", stage: list[Furnished]) -> "Guard":
    """Every page that there is, with the browser told to let everything run: only escaping stands in the way."""
    guard = Guard(browser, stage[0], most=EXAMPLES, queries=QUERIES)
    guard.walk.go([guard.start, *calls(stage[0]), *doors(stage)])
    guard.page.goto(f"{guard.start}/log")
    while guard.page.locator("a[rel=next]").count():
        guard.inspect()
        guard.page.locator("a[rel=next]").click()
    guard.inspect()
    return guard


def joined(count: int) -> list[str]:
    """All of them, so many in one text."""
    return [" ".join(PAYLOADS[at : at + count]) for at in range(0, len(PAYLOADS), count)]


def words_of(text: str) -> Words:
    """The same everywhere, as far as it goes: names are short, and addresses have no spaces."""

    def called(what: str) -> str:
        if what in SHORT:
            return text if text in PAYLOADS else PAYLOADS[0]
        found = {
            "webhook": f"/?{text.replace(' ', '/')[:1500]}", "event": f"vendor:{text[:90]}",
            "reason": text[:500], "redirect": text[:900],
        }  # fmt: skip
        return found.get(what, text)

    return called


class Guard:
    """Notes what ran, and what has become markup, on every page that it walks."""

    def __init__(
        self, browser: "Browser", made: Furnished, *, most: int = 1, queries: int = 0, is_unprotected: bool = True
    ) -> None:
        self.ran: list[str] = []
        self.foreign: list[str] = []
        self.texts: list[str] = []
        # What the forms of each page do, by its address.
        self.forms: dict[str, list[str]] = {}
        context = browser.new_context(viewport=DESK, bypass_csp=is_unprotected)
        # Pages are large here, and the machine may have other things to do.
        context.set_default_timeout(120_000)
        context.add_init_script(f"window.ran = window.alert = () => console.error('{RAN}')")
        # Whoever is led away stays, so that the page can be told.
        context.route("**://foreign.example/**", lambda asked: asked.abort("aborted"))
        self.page: Page = context.new_page()
        self.page.on("console", self._hear)
        self.start = f"{made.house.url}/admin/{made.environment}"
        self.walk = Walk(made.house, self.page, most=most, queries=queries, after=self._look, within=made.environment)
        self.page.goto(f"{made.house.url}/sign-in")
        sign_in(self.page)

    def _hear(self, message: "ConsoleMessage") -> None:
        if message.text == RAN:
            self.ran.append(self.page.url)

    def _look(self) -> None:
        self.inspect(self.walk.seen[-1].text)
        self.forms[self.walk.seen[-1].address] = self.page.evaluate(FORMS)

    def inspect(self, text: str = "") -> None:
        self.foreign += [f"{each} at {self.page.url}" for each in self.page.evaluate(FOREIGN, MARK)]
        self.texts.append(text or self.page.locator("body").inner_text())

    def is_well(self) -> None:
        assert self.ran == []
        assert self.foreign == []
        complaints = {each.address: each.complaints + each.strangers for each in self.walk.seen}
        assert {address: found for address, found in complaints.items() if found} == {}
        assert {each.address: each.status for each in self.walk.seen if each.status >= 500} == {}


def test_the_guard_notices(browser: "Browser", stage: list[Furnished]) -> None:
    guard = Guard(browser, stage[0])
    guard.page.set_content(f"<p>{PAYLOADS[2]}</p><a href='{PAYLOADS[37]}'>x</a>")
    guard.inspect()
    assert len(guard.foreign) == 3
    assert guard.ran != []
    guard.page.context.close()


def test_every_field_takes_them_or_says_no(stage: list[Furnished]) -> None:
    """Else the rest would prove nothing."""
    refused = {
        f"{kind}: {said}"
        for each in stage
        for kind, said in each.refused.items()
        if not said.startswith("4") or not (kind in NAMES or (kind in ASCII and is_strange(each.words(kind))))
    }
    assert refused == set()


def is_strange(text: str) -> bool:
    return not text.isascii() or "\\" in text


def test_nothing_runs_even_where_the_policy_is_off(walked: "Guard") -> None:
    shown = "\n".join(walked.texts)
    assert [each for each in PAYLOADS if each not in shown] == []
    walked.is_well()


def doors(stage: list[Furnished]) -> list[str]:
    """The pages that no link leads to: those of customers and programs, and those that say an address's words back."""
    return [start for each in stage for start in each.starts]


def calls(stage: Furnished) -> list[str]:
    """Pages of calls from all over the log."""
    found = stage.house.ask("GET", "/log?limit=1000")["result"]
    step = max(1, len(found) // CALLS)
    return [f"{stage.house.url}/admin/{stage.environment}/log/{row['id']}" for row in found[::step]]


@pytest.mark.skipif(not IS_FULL, reason="the full form: that nothing has become markup is seen above already")
def test_the_policy_has_nothing_to_stop(browser: "Browser", stage: list[Furnished]) -> None:
    """With it, a text that has become markup would be a breach: there is none."""
    guard = Guard(browser, stage[0], is_unprotected=False)
    guard.walk.go([guard.start, *stage[0].starts])
    guard.is_well()
    guard.page.context.close()


def test_forms_say_them_back_as_texts(walked: "Guard") -> None:
    """Every form of every page, with a character in front that no field takes, so that it is said back and not done."""
    sent = 0
    for address in walked.walk.first_of_each():
        for act in walked.forms[address]:
            for text in spoken():
                # What was said back has the same forms, mostly.
                if walked.page.url != address or not fill_in(walked.page, act, text):
                    walked.page.goto(address)
                    if not fill_in(walked.page, act, text):
                        continue
                walked.inspect()
                sent += 1
    assert sent >= 15
    walked.is_well()


def spoken() -> list[str]:
    return [f"\u0007{each}" for each in joined(5 if IS_FULL else len(PAYLOADS))]


def test_forms_of_strangers_say_them_back_as_texts(browser: "Browser", stage: list[Furnished]) -> None:
    """Those that nobody needs to be signed in for."""
    guard = Guard(browser, stage[0])
    guard.page.context.clear_cookies()
    is_asked = ("/connect?link_token=", "/sign-in")
    doors = [f"{stage[0].house.url}/sign-in?next=/admin", *stage[0].starts]
    for address in (each for each in doors if any(part in each for part in is_asked)):
        for text in spoken():
            guard.page.goto(address)
            if fill_in(guard.page, "", text):
                guard.inspect()
    assert any("onerror" in each for each in guard.texts)
    guard.is_well()
    guard.page.context.close()


def test_a_preview_that_is_typed_into_is_text(walked: "Guard", stage: list[Furnished]) -> None:
    """The one place where a script of ours puts an answer into the page."""
    page = walked.page
    page.goto(f"{walked.start}/accounts/{stage[0].account_id}/servers/new")
    page.locator("details").evaluate_all("all => all.forEach((each) => each.open = true)")
    for text in PAYLOADS if IS_FULL else (PAYLOADS[0], ALL):
        for field in ("name", "arguments", "tools"):
            if page.locator(f"main [name={field}]:is(input:not([type]), input[type=text], textarea)").count():
                with page.expect_response(lambda answer: answer.request.method == "POST"):
                    page.locator(f"main [name={field}]").first.fill(text)
                walked.inspect()
    assert ALL in page.locator("main").inner_text()
    walked.is_well()


def test_the_look_of_customers_pages_is_text(walked: "Guard", stage: list[Furnished]) -> None:
    door = next(start for start in stage[0].starts if "/connect?" in start)
    for payload in PAYLOADS if IS_FULL else PAYLOADS[::5]:
        name = payload[:60].strip()
        if stage[0].put("look", "/link-page", {"name": name}, "PATCH"):
            walked.page.goto(door)
            assert name in walked.page.title()
            walked.inspect()
    walked.is_well()


def test_no_cell_of_a_download_is_a_formula(walked: "Guard") -> None:
    cells: list[str] = []
    for by in ("tenant", "day,tenant,model"):
        text = walked.page.request.get(f"{walked.start}/usage/csv?{urlencode({'by': by})}").text()
        cells += [cell for row in csv.reader(io.StringIO(text)) for cell in row]
    assert any("HYPERLINK" in each for each in cells)
    assert [each for each in cells if each.startswith(("=", "+", "-", "@", "\t", "\r"))] == []
