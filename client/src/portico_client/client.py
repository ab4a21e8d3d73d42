"""The clients: `Portico`, whose calls return, and `AsyncPortico`, whose calls are awaited."""

import os
from collections.abc import Awaitable, Callable
from typing import Any, Generic, Self

import httpx2

from portico_client.admin.all import Admin
from portico_client.drivers import Awaiting, AwaitingDriver, Blocking, BlockingDriver, Driver, Mode, Target
from portico_client.files import KeptFiles
from portico_client.hot import NO_ACCOUNT, Custom, Proxy, Unified
from portico_client.retry import Retry
from portico_client.tools import Tools
from portico_client.toolset import HasTools
from portico_client.wire import segment

DEFAULT_URL = "http://127.0.0.1:8700"


class Account(HasTools[Mode], Generic[Mode]):
    """One account's side of the gateway: its vendor's API, its tools. `account_id` empty: an account token's own."""

    def __init__(self, driver: Driver[Mode], account_id: str) -> None:
        self.account_id = account_id
        self.url = driver.target.url
        self.proxy: Proxy[Mode] = Proxy(driver, account_id)
        self.unified: Unified[Mode] = Unified(driver, account_id)
        self.custom: Custom[Mode] = Custom(driver, account_id)
        self.tools: Tools[Mode] = Tools(driver, account_id)

    @property
    def passthrough_url(self) -> str:
        """The base URL for the vendor's own SDK: `OpenAI(base_url=account.passthrough_url, api_key=token)`."""
        if not self.account_id:
            raise ValueError(NO_ACCOUNT)
        return f"{self.url}/passthrough/{segment(self.account_id)}"


class Client(Account[Mode], Admin[Mode]):
    """What both clients are: the admin API, and the account that they speak for by default."""

    def __init__(self, driver: Driver[Mode], account_id: str) -> None:
        super().__init__(driver, account_id)
        self.add_groups(driver)
        self.kept_files: KeptFiles[Mode] = KeptFiles(driver, account_id)
        self._shared = driver

    def of(self, account_id: str) -> Account[Mode]:
        """Another account, through the same connections."""
        return Account(self._shared, account_id)


class Portico(Client[Blocking]):
    """A client whose calls return when they are done.

    `url` and `token` default to PORTICO_URL and PORTICO_TOKEN, `account_id` to PORTICO_ACCOUNT; an account token needs
    no account. `timeout`: seconds of silence after which a call ends. `retry`: patience, where you want it.
    """

    def __init__(
        self,
        url: str = "",
        token: str = "",
        *,
        account_id: str = "",
        timeout: float | None = None,
        retry: Retry | None = None,
        transport: httpx2.BaseTransport | None = None,
        pause: Callable[[float], None] | None = None,
    ) -> None:
        self._driver = BlockingDriver(_target(url, token, timeout, retry), transport, pause)
        super().__init__(self._driver, _account(account_id))

    def close(self) -> None:
        self._driver.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_problem: Any) -> None:
        self.close()


class AsyncPortico(Client[Awaiting]):
    """A client whose calls are awaited; otherwise as `Portico`."""

    def __init__(
        self,
        url: str = "",
        token: str = "",
        *,
        account_id: str = "",
        timeout: float | None = None,
        retry: Retry | None = None,
        transport: httpx2.AsyncBaseTransport | None = None,
        pause: Callable[[float], Awaitable[None]] | None = None,
    ) -> None:
        self._driver = AwaitingDriver(_target(url, token, timeout, retry), transport, pause)
        super().__init__(self._driver, _account(account_id))

    async def close(self) -> None:
        await self._driver.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_problem: Any) -> None:
        await self.close()


def _target(url: str, token: str, timeout: float | None, retry: Retry | None) -> Target:
    known = token or os.environ.get("PORTICO_TOKEN", "")
    if not known:
        raise ValueError("There is no token: give Portico(url, token) an API token or an account token, or set "
                         "PORTICO_TOKEN.")  # fmt: skip
    place = url or os.environ.get("PORTICO_URL", "") or DEFAULT_URL
    return Target(place.rstrip("/"), known, timeout, retry)


def _account(account_id: str) -> str:
    return account_id or os.environ.get("PORTICO_ACCOUNT", "")
