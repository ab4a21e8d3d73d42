"""A browser of a few lines over ASGI: keeps its cookie, reads the forms of a page, and sends them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from html.parser import HTMLParser
from types import MappingProxyType
from urllib.parse import parse_qsl, urlencode, urlsplit

from portico.app import Portico
from tests.gateways import Got, exchange

HOST = "portico.test"
ORIGIN = f"https://{HOST}"


@dataclass
class Form:
    """Where it goes, what it holds before anybody touches it, and which boxes are not ticked yet."""

    action: str = ""
    fields: dict[str, str] = field(default_factory=dict[str, str])
    unticked: dict[str, str] = field(default_factory=dict[str, str])


class _Forms(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[Form] = []
        self.text: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        name = given.get("name") or ""
        if tag == "form":
            self.found.append(Form(given.get("action") or ""))
        elif tag == "input" and self.found and name and "disabled" not in given:
            form = self.found[-1]
            is_unticked = given.get("type") in {"checkbox", "radio"} and "checked" not in given
            (form.unticked if is_unticked else form.fields)[name] = given.get("value") or ""

    def handle_data(self, data: str) -> None:
        self.text.append(data)


@dataclass
class Browser:
    """One visitor. `page` is the last answer, `path` where it was."""

    gateway: Portico
    cookie: str = ""
    page: Got = field(default_factory=lambda: Got(0, {}, b""))
    path: str = ""

    async def open(self, target: str, **headers: str) -> Got:
        """A path, or an address of ours; redirects are not followed."""
        return await self.send("GET", target.removeprefix(ORIGIN), b"", headers)

    async def follow(self) -> Got:
        assert self.page.status == 303, self.page.content
        return await self.open(self.page.headers["location"])

    async def submit(
        self,
        action: str = "",
        more: Mapping[str, str] = MappingProxyType({}),
        *,
        headers: dict[str, str] | None = None,
        **filled: str | None,
    ) -> Got:
        """The page's form (the one with that action), with these fields filled in; None leaves one out."""
        form = self.form(action)
        fields = {name: text for name, text in (form.fields | dict(more) | filled).items() if text is not None}
        sent = {"content-type": "application/x-www-form-urlencoded", "origin": ORIGIN} | (headers or {})
        return await self.send("POST", form.action or self.path, urlencode(fields).encode(), sent)

    def form(self, action: str = "") -> Form:
        """The form with exactly this path; without one, the last of the page."""
        found = self._parsed.found
        return next(each for each in reversed(found) if not action or urlsplit(each.action).path == action)

    @property
    def forms(self) -> list[Form]:
        return self._parsed.found

    @property
    def text(self) -> str:
        """What a person reads, with single blanks."""
        return " ".join("".join(self._parsed.text).split())

    @property
    def _parsed(self) -> _Forms:
        parser = _Forms()
        parser.feed(self.page.content.decode())
        return parser

    async def sign_in(self, name: str, password: str) -> Got:
        await self.open("/sign-in")
        return await self.submit("/sign-in", name=name, password=password)

    async def send(self, verb: str, target: str, content: bytes, headers: dict[str, str]) -> Got:
        sent = {"host": HOST, "content-length": str(len(content)), **headers}
        if self.cookie:
            sent["cookie"] = self.cookie
        self.page = await exchange(self.gateway, verb, target, "", {n.lower(): v for n, v in sent.items()}, content)
        if set_cookie := self.page.headers.get("set-cookie"):
            self.cookie = set_cookie.partition(";")[0]
        if verb == "GET":
            self.path = target
        return self.page


def forms_in(content: bytes) -> list[Form]:
    parser = _Forms()
    parser.feed(content.decode())
    return parser.found


def answer_of(got: Got) -> tuple[str, dict[str, str]]:
    """Where a program's answer is sent, and what it says."""
    assert got.status == 303, got.content
    address, _, query = got.headers["location"].partition("?")
    return address, dict(parse_qsl(query))
