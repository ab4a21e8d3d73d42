"""Calls to a vendor that misbehaves, through every way in, and the answers that are defined for it."""

from dataclasses import dataclass
from typing import Any

import msgspec

from portico.store.requests import RequestFilter
from tests.handmade import Script, Vendor
from tests.stage import Stage
from tests.wire import Exchange

# Ways in. A list is read whole and reshaped; everything else may flow.
PLACES = ("list", "get", "custom", "passthrough")

INTERRUPTED = (502, "upstream_interrupted")
PROTOCOL = (502, "upstream_protocol")
TIMEOUT = (504, "upstream_timeout")
# Refused in the same way through every way in.
REFUSED: dict[str, tuple[int, str]] = {
    "close-at-once": INTERRUPTED,
    "close-in-headers": INTERRUPTED,
    "close-in-body": INTERRUPTED,
    "garbage-status": PROTOCOL,
    "length-and-chunked": PROTOCOL,
    "two-lengths": PROTOCOL,
    "nul-in-header": PROTOCOL,
    "long-line": PROTOCOL,
    "many-headers": PROTOCOL,
    "bad-chunk-size": PROTOCOL,
    "bytes-after-body": PROTOCOL,
    "body-on-204": PROTOCOL,
    "status-999": PROTOCOL,
    "dripping-header": TIMEOUT,
    "endless-continue": TIMEOUT,
    "stall-after-headers": TIMEOUT,
    "redirect-elsewhere": (502, "upstream_redirect_refused"),
}
# A list must be read whole, and is refused where it cannot be; anything else passes as it is.
READ_OR_PASSED: dict[str, tuple[int, str]] = {
    "close-in-chunk": INTERRUPTED,
    "truncated-gzip": (502, "upstream_bad_encoding"),
    "gzip-bomb": (502, "upstream_too_large"),
}
# Odd, but understood.
FINE = ("folded-header", "one-byte-a-second")
ELSEWHERE = ("no-tls",)


@dataclass(frozen=True)
class Told:
    """What a client was told: a status, headers, bytes, and whether they were cut short."""

    status: int
    headers: dict[str, str]
    content: bytes
    was_cut: bool

    @property
    def json(self) -> Any:
        return msgspec.json.decode(self.content)

    @property
    def code(self) -> str:
        """The code of one of our own refusals; empty where the answer is the vendor's."""
        return self.headers.get("x-gateway-error", "")


class Faulty:
    def __init__(self, stage: Stage, vendor: Vendor, accounts: dict[str, str]) -> None:
        """`accounts` by behaviour; the one named "" is at the vendor written out by hand."""
        self.stage, self.vendor, self.accounts = stage, vendor, accounts

    async def ask(self, place: str, behaviour: str = "", *, script: Script | None = None, verb: str = "GET") -> Told:
        if script is not None:
            self.vendor.perform(script)
        return await self.ask_account(place, self.accounts[behaviour], verb)

    async def ask_account(self, place: str, account: str, verb: str = "GET", **headers: str) -> Told:
        exchange = self.exchange(place, account, verb, **headers)
        status, got = await exchange.head()
        content, was_cut = await exchange.rest()
        return Told(status, got, content, was_cut)

    def exchange(self, place: str, account: str, verb: str = "GET", **headers: str) -> Exchange:
        target = {
            "list": f"/proxy/vector_stores?integrated_account_id={account}",
            "get": f"/proxy/vector_stores/v?integrated_account_id={account}",
            "custom": f"/custom/vector_stores?integrated_account_id={account}",
            "passthrough": f"/passthrough/{account}/vector_stores",
        }[place]
        sent = {"host": "portico.test", "authorization": f"Bearer {self.stage.client.token}"}
        return Exchange(self.stage.gateway, verb, target, sent | {k.replace("_", "-"): v for k, v in headers.items()})

    async def logged(self, account: str) -> list[tuple[int, str]]:
        """(status, code) of the account's rows in the request log, newest first."""
        parts = self.stage.gateway.parts
        await parts.recorder.flush()
        caller = await parts.lookup.caller(self.stage.client.token or "")
        rows = await parts.requests.page(caller.environment_id, "~", 1000, RequestFilter(account_id=(account,)))
        return [(row.status, row.code) for row in rows]


def is_refusal(told: Told, place: str, status: int, code: str) -> bool:
    """Whether this is our own refusal, whole, in the form of its way in."""
    body = told.json
    if place == "passthrough":
        shape = set(body["error"]) == {"message", "code", "type"} and body["error"]["type"] == "portico_error"
        said = (body["error"]["code"], bool(body["error"]["message"]))
    else:
        shape = set(body) == {"statusCode", "error", "message", "code", "request_id"}
        said = (body["code"], bool(body["message"]))
    return (
        (told.status, told.code, told.was_cut, body["statusCode"]) == (status, code, False, status)
        and said == (code, True)
        and shape
        and body["request_id"] == told.headers["x-portico-request-id"]
    )
