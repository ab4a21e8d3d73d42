"""Every page in a real browser: with much to see and with nothing, in both colours, on a desk and a phone; and what it
says to whoever asks for something that is not there."""

import re
from collections import defaultdict
from collections.abc import Generator, Iterable
from typing import TYPE_CHECKING, Literal
from urllib.parse import urlsplit

import pytest

from portico.gateway.signing_in import make_setup_code
from tests.outside.browsing import DESK, keep
from tests.outside.client_envs import NotInstallable, node_env
from tests.outside.furnished import Furnished, furnish, tell_story
from tests.outside.mcp_house import PASSWORD, PERSON, House, opened
from tests.outside.test_oauth_in_a_browser import sign_in
from tests.outside.walk import EVERY_LOOK, FORMS, SCRIPT, TWO_LOOKS, Seen, Walk, fill_in, is_admin, looked_at
from tests.size import IS_FULL, SEED, dice

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = [pytest.mark.outside, pytest.mark.browser, pytest.mark.timeout(600)]
NOWHERE = "00000000-0000-7000-8000-000000000000"
MOST_SHIFT = 0.1
# In the everyday suite one example of each page, light on a desk and dark on a phone; what shows such a page once more,
# with a query or with nothing to see, in one of them.
EXAMPLES, LOOKS = (2, EVERY_LOOK) if IS_FULL else (1, TWO_LOOKS)
AGAIN, BARE = (LOOKS, TWO_LOOKS) if IS_FULL else (TWO_LOOKS[:1], TWO_LOOKS[1:])
# And axe sees one page of so many; which ones is left to chance, so that all have their turn.
AXE_OF = 1 if IS_FULL else 3
SCHEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")


@pytest.fixture(scope="module")
def rich(tmp_path_factory: pytest.TempPathFactory) -> Generator[Furnished]:
    """A house in which much has happened."""
    folder = tmp_path_factory.mktemp("rich")
    with opened(folder, allowed_webhook_urls=("http://127.0.0.1:9",)) as house:
        tell_story(house)
        yield furnish(house)


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Generator[House]:
    """A house that was opened this minute, without anybody in it."""
    with opened(tmp_path_factory.mktemp("empty"), is_empty=True) as house:
        yield house


@pytest.fixture(scope="module")
def owner(browser: "Browser") -> Generator["Page"]:
    context = browser.new_context(viewport=DESK)
    yield context.new_page()
    context.close()


class Closer:
    """Looks more closely at the first example of every admin page, as long as it is open: what its forms do, by
    address, and what axe finds on it."""

    def __init__(self, page: "Page") -> None:
        self.page = page
        self.patterns: set[str] = set()
        self.forms: dict[str, list[str]] = {}
        self.findings: dict[str, list[str]] = defaultdict(list)
        self.turn, self.tried = dice().randrange(AXE_OF), 0
        self.axe, self.lacks = "", ""
        try:
            self.axe = (node_env("axe").folder / "node_modules" / "axe-core" / "axe.min.js").read_text("utf-8")
        except NotInstallable as problem:
            self.lacks = str(problem)

    def look(self, seen: Seen) -> None:
        if is_admin(seen) and seen.pattern not in self.patterns:
            self.patterns.add(seen.pattern)
            self.forms[seen.address] = self.page.evaluate(FORMS)
            if len(self.patterns) % AXE_OF == self.turn:
                self.run_axe()

    def run_axe(self) -> None:
        """In the everyday suite in one of the colours, and without what takes it the longest, how well text can be
        read: our own script looks at that, on each page and in both colours."""
        if not self.axe:
            return
        self.tried += 1
        self.page.evaluate(self.axe)
        rules = {} if IS_FULL else {"color-contrast": {"enabled": False}}
        for scheme in SCHEMES if IS_FULL else SCHEMES[self.tried % 2 :][:1]:
            self.page.emulate_media(color_scheme=scheme)
            for each in self.page.evaluate(AXE, rules):
                self.findings[each].append(f"{scheme} {urlsplit(self.page.url).path}")
        self.page.emulate_media(color_scheme="light")


@pytest.fixture(scope="module")
def closer(owner: "Page") -> Closer:
    return Closer(owner)


@pytest.fixture(scope="module")
def walked(owner: "Page", rich: Furnished, closer: Closer) -> Walk:
    """All pages of the rich house, as its owner sees them."""
    walk = Walk(rich.house, owner, LOOKS, again=AGAIN, most=EXAMPLES, after=lambda: closer.look(walk.seen[-1]))
    walk.look(f"{rich.house.url}/sign-in")
    sign_in(owner)
    walk.go([f"{rich.house.url}/admin", *rich.starts])
    return walk


@pytest.fixture(scope="module")
def walked_empty(browser: "Browser", empty: House) -> Generator[Walk]:
    """The same of the empty house, from its very first page on."""
    context = browser.new_context(viewport=DESK)
    page = context.new_page()
    walk = Walk(empty, page, BARE)
    walk.look(f"{empty.url}/admin")
    page.get_by_label("Setup code").fill(empty.do(make_setup_code(empty.portico.parts)))
    page.get_by_label("Your name or e-mail").fill(PERSON)
    page.get_by_label("A password").fill(PASSWORD)
    page.get_by_role("button", name="Make me the owner").click()
    page.get_by_role("navigation", name="Admin").wait_for()
    walk.go([f"{empty.url}/admin"])
    for name in ("", "/accounts", "/servers", "/log", "/approvals", "/usage"):
        page.goto(f"{empty.url}/admin/{environment_of(empty)}{name}")
        keep(page, f"empty{name.replace('/', '-')}")
    yield walk
    context.close()


def environment_of(house: House) -> str:
    return house.ask("GET", "/environment")["result"][0]["id"]


def unused(seen: Iterable[Seen]) -> dict[str, list[str]]:
    """What was found, and the first places where."""
    findings: dict[str, list[str]] = defaultdict(list)
    for each in seen:
        for finding in each.findings:
            findings[finding].append(each.address)
    return {finding: places[:3] for finding, places in findings.items()}


def is_quiet(seen: Iterable[Seen]) -> None:
    for each in seen:
        assert (each.complaints, each.strangers, each.shifts < MOST_SHIFT) == ([], [], True), each


def test_links_lead_to_every_page(rich: Furnished, walked: Walk) -> None:
    assert rich.refused == {}
    missed = set(walked.map.patterns) - {each.pattern for each in walked.seen}
    assert missed == set(), "no link leads there: link to it, or say in `furnished` where it begins"


def test_pages_are_quiet_and_nothing_on_them_jumps(walked: Walk) -> None:
    """No error, no breach of the policy, no other host, no shift of what one reads already."""
    is_quiet(walked.seen)
    is_a_link = ("/one-time/", "/approve/")  # leads nowhere, or can be spent
    is_asked_wrongly = ("/connect", "/authorize", "/admin/{environment}", "/admin/{rest:path}", "/usage")
    for each in walked.seen:
        assert each.status == 200 or each.pattern.endswith(is_asked_wrongly) or each.pattern.startswith(is_a_link), each


def test_everybody_can_use_every_page(walked: Walk) -> None:
    assert unused(walked.seen) == {}


def test_titles_tell_pages_apart(walked: Walk) -> None:
    titles: dict[str, set[str]] = defaultdict(set)
    for each in walked.seen:
        if each.status == 200:
            titles[each.title].add(urlsplit(each.final).path)
    assert {title: paths for title, paths in titles.items() if len(paths) > 1} == {}


def test_an_empty_house_says_what_to_do_first(walked_empty: Walk) -> None:
    is_quiet(walked_empty.seen)
    assert unused(walked_empty.seen) == {}
    assert {each.status for each in walked_empty.seen} == {200}
    place = f"/admin/{environment_of(walked_empty.house)}"
    told = {urlsplit(each.address).path.removeprefix(place): each.text for each in walked_empty.seen}
    for page, sentence in {
        "/accounts": "No accounts yet", "/servers": "No MCP servers yet", "/tools": "No account, no tools",
        "/approvals": "waits", "/log": "written down here", "/usage": "Nothing was used", "/webhooks": "None yet",
    }.items():  # fmt: skip
        assert sentence in told[page], (page, told[page])


def test_what_is_not_there_is_said_on_a_page(rich: Furnished, walked: Walk, owner: "Page") -> None:
    """Of every page that names something: an id that nothing has."""
    before, walked.looks = len(walked.seen), LOOKS if IS_FULL else ()
    named = [
        each for each in walked.map.patterns if "{" in each.replace("{environment}", "") and not each.endswith("/csv")
    ]
    for pattern in named:
        path = re.sub(r"\{[^}]+\}", NOWHERE, pattern.replace("{environment}", rich.environment))
        walked.look(f"{rich.house.url}{path}")
        assert owner.get_by_role("alert").inner_text().strip().endswith("."), path
    asked = walked.seen[before:]
    assert {each.status for each in asked} <= {404, 410}
    is_quiet(asked)
    assert unused(asked) == {}


def test_whoever_comes_with_an_address_alone_is_served_as_well(browser: "Browser", rich: Furnished) -> None:
    """Customers, readers of a key and those who approve, who are signed in nowhere: the page, and the one behind its
    button."""
    context = browser.new_context(viewport=DESK)
    page = context.new_page()
    walk = Walk(rich.house, page, LOOKS)
    for part, button, said in (
        ("/connect?link_token=", "Connect", "is connected"),
        ("/one-time/", "Show it once", "Copy it now"),
        ("/approve/", "Approve", "goes through"),
    ):
        address = next(each for each in rich.starts if part in each)
        walk.look(address)
        if part.startswith("/connect"):
            page.get_by_label("Project API key").fill("sk-proj-demo")
        with page.expect_navigation():
            page.get_by_role("button", name=button, exact=True).click()
        walk.seen.append(walk.note(page.url, walk.map.of(page.url), 200))
        assert said in walk.seen[-1].text
    page.goto(f"{rich.house.url}/docs")
    page.get_by_role("group").filter(has_text="/environment").first.click()
    walk.seen.append(walk.note(page.url, "/docs", 200))
    is_quiet(walk.seen)
    assert unused(walk.seen) == {}
    context.close()


def test_a_form_that_was_refused_says_why_where_it_was_filled_in(walked: Walk, owner: "Page", closer: Closer) -> None:
    """Every form that somebody writes into, filled with what cannot be, and sent with each of its buttons."""
    assert walked.first_of_each() == list(closer.forms)
    sent: list[str] = []
    for address, names in closer.forms.items():
        for place, name in enumerate(names):
            owner.goto(address)
            if not fill_in(owner, name, "\u0007 no such thing " * 20):
                continue
            sent.append(f"{name} at {address}")
            where = f"{sent[-1]}: {owner.title()}"
            said = owner.locator("main [role=alert], main [role=status], main .once, main #result")
            assert said.count(), where
            assert "Internal" not in owner.locator("main").inner_text(), where
            if IS_FULL or place == 0:
                assert looked_at(owner, TWO_LOOKS[:1]) == [], where
    assert len(sent) > 20, sent


@pytest.mark.parametrize(
    ("rule", "html"),
    [
        ("has no name", "<button></button>"),
        ("has no name", "<input placeholder=Name>"),
        ("picture without alt", "<img src=x>"),
        ("id used twice", "<p id=a></p><p id=a></p>"),
        ("aria-describedby of nothing", "<label>A<input aria-describedby=gone></label>"),
        ("heading level skipped", "<h3>Deep</h3>"),
        ("not one h1", "<h1>Another</h1>"),
        ("landmark without name", "<section aria-label=''>x</section>"),
        ("landmarks with one name", "<nav aria-label=A></nav><nav aria-label=A></nav>"),
        ("table without headers", "<table aria-label=T><tr><td>1</td></tr></table>"),
        ("header without scope", "<table aria-label=T><thead><tr><th>1</th></tr></thead></table>"),
        ("positive tabindex", "<a href=/ tabindex=2>Far</a>"),
        ("not reached by the keyboard", "<a href=/ tabindex=-1>Far</a>"),
        ("scrolled by mice only", "<div style='overflow:auto;width:50px'><p style='width:500px'>Wide</p></div>"),
        ("text too faint", "<p style='color:#8a8a8a'>Faint</p>"),
        ("placeholder too faint", "<label>A <input placeholder=B style='background:#999'></label>"),
        ("see-through text", "<p style='opacity:.9'>Faint</p>"),
        ("edge of a field too faint", "<label>A <input style='border:1px solid #ccc'></label>"),
        ("small and close to another", "<button class=low>A</button><button class=low>B</button>"),
        ("sticks out sideways", "<p style='width:3000px'>Wide</p>"),
        ("focus not seen", "<button style='outline:none'>A</button>"),
        ("text outside every landmark", "</main>Lost"),
    ],
)  # fmt: skip
def test_the_script_that_looks_finds_what_is_wrong(owner: "Page", rule: str, html: str) -> None:
    owner.goto("about:blank")
    style = (
        "<style>button, input, a { outline: 3px solid black; border: 1px solid black }"
        ".low { display: block; height: 9px; padding: 0 }</style>"
    )
    page = f"<!doctype html><html lang=en><title>A page</title>{style}<a class=skip href='#m'>Skip</a>"
    owner.set_content(f"{page}<main id=m tabindex=-1><h1>A page</h1>{html}</main></html>")
    assert rule in {each[0] for each in owner.evaluate(SCRIPT, True)}
    owner.set_content(f"{page}<main id=m tabindex=-1><h1>A page</h1><p>Well.</p></main></html>")
    assert owner.evaluate(SCRIPT, True) == []


def test_axe_finds_nothing_either(walked: Walk, owner: "Page", closer: Closer) -> None:
    """The usual checker, where it can be installed."""
    if closer.lacks:
        pytest.skip(f"accessibility by axe-core: {closer.lacks}")
    owner.goto(f"{walked.house.url}/access")
    closer.run_axe()
    assert closer.tried > len(closer.patterns) // AXE_OF > 5
    assert {each: places[:2] for each, places in closer.findings.items()} == {}, f"PORTICO_SEED={SEED}"


AXE = """async (rules) => (await axe.run(document, {resultTypes: ["violations"], rules})).violations
  .flatMap((each) => each.nodes.map((node) => `${each.impact} ${each.id}: ${node.html.slice(0, 150)}`))"""
