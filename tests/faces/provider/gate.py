"""A gateway whose people sign in at a provider of the tests, and how they do it."""

from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, cast
from urllib.parse import parse_qsl, quote, urlsplit

from portico.app import Portico
from portico.gateway.oidc.configured import read
from portico.gateway.oidc.provider import Provider
from portico.gateway.parts import Parts
from portico.settings import Settings
from tests.conftest import MASTER_KEY, HeldClock
from tests.faces.oauth.browser import HOST, Browser
from tests.gateways import Got, open_gateway
from tests.issuer import CLIENT, SECRET, Issuer

HOME = "/admin/me"


def settings_for(issuer: Issuer, folder: Path, **changes: Any) -> Settings:
    settings = Settings(
        data_dir=folder,
        master_key=MASTER_KEY,
        public_url=f"https://{HOST}",
        oidc_issuer=issuer.url,
        oidc_client_id=CLIENT,
        oidc_client_secret=SECRET,
        oidc_label="Larkfield",
        oidc_new_people="operator",
        oidc_environments=("*",),
    )
    return replace(settings, **changes)


class Gate:
    """The gateway and its provider. `set` changes what the operator says of it."""

    def __init__(self, gateway: Portico, issuer: Issuer) -> None:
        self.gateway, self.issuer = gateway, issuer
        self.clock = cast("HeldClock", gateway.parts.clock)

    @property
    def parts(self) -> Parts:
        return self.gateway.parts

    @property
    def provider(self) -> Provider:
        assert self.gateway.parts.provider is not None
        return self.gateway.parts.provider

    def set(self, **changes: Any) -> None:
        configured = read(replace(self.parts.settings, **changes))
        assert configured is not None
        self.provider.configured = configured

    def reset(self) -> None:
        """As in the beginning, and so much later that nothing is remembered of what was published."""
        self.issuer.reset()
        self.set()
        self.clock.advance(hours=25)

    def browser(self) -> Browser:
        return Browser(self.gateway)

    async def leave(self, browser: Browser, after: str = HOME) -> dict[str, str]:
        """To the provider; what it is asked."""
        got = await browser.open(f"/sign-in/provider?next={quote(after, safe='')}")
        assert got.status == 303, browser.text
        place = urlsplit(got.headers["location"])
        assert f"{place.scheme}://{place.netloc}" == self.issuer.url
        return dict(parse_qsl(place.query))

    async def back(self, browser: Browser, asked: dict[str, str]) -> Got:
        """The provider says yes, and the browser goes where it is sent."""
        return await browser.open(self.issuer.authorize(asked))

    async def come(self, browser: Browser | None = None, after: str = HOME) -> Browser:
        """Through the provider and back, however that ends."""
        browser = browser or self.browser()
        await self.back(browser, await self.leave(browser, after))
        return browser

    async def refused(self, browser: Browser | None = None) -> str:
        """What stands on the sign-in page; nobody is in."""
        browser = await self.come(browser)
        text = browser.text
        assert browser.page.status >= 400, browser.page.headers
        assert "Sign in with Larkfield" in text
        assert (await browser.open(HOME)).status == 303
        return text

    async def acts(self) -> list[str]:
        """The audit trail's newest, the newest first."""
        first = await self.parts.operators.first_environment()
        assert first is not None
        return [each.act for each in await self.parts.audit.page(first.id, 2**53, 8)]


@asynccontextmanager
async def gate(issuer: Issuer, folder: Path, clock: HeldClock, **changes: Any) -> AsyncGenerator[Gate]:
    async with AsyncExitStack() as stack:
        gateway = await open_gateway(stack, settings_for(issuer, folder, **changes), clock=clock)
        yield Gate(gateway, issuer)
