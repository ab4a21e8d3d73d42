"""Tools composed of several operations: what one is, and what it may do while it runs.

Every call that one makes goes the one path, for the same caller, account, face and server as the tool itself, and is
held to the server's constraints. It is no way around anything.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any, Protocol, TypeVar
from zoneinfo import ZoneInfo

import msgspec
from msgspec import Struct

from portico.errors import NotAllowed, Refusal, VendorGarbled
from portico.gateway.connect import Proof
from portico.gateway.lookup import Connected
from portico.gateway.seen import Left
from portico.model.call import Answer, Upload
from portico.model.operation import Effect, Lifecycle, NameRule, Operation, PageStyle, Parameter, ToolName, Wait
from portico.shapes import Json, is_list, is_record
from portico.toolbox.once import Once
from portico.toolbox.progress import Report
from portico.toolbox.shown_once import Hand

T = TypeVar("T")
# As many calls of one tool are under way at a time: quick, and far from what a vendor takes for an attack.
AT_ONCE = 6
PAGE_ITEMS = 100
MOST_PAGES = 500
# Money and ratios must not pass through binary fractions.
_decoder = msgspec.json.Decoder(float_hook=Decimal)


class Composed(Struct, frozen=True, kw_only=True):
    """One such tool. `run` gives the value that is shown; what is left out of it stands in the context's notes.

    `group` is the filter word that it answers to. The fields below `run` are what operations have and these do not.
    """

    integration: str
    resource: str
    method: str
    tool: ToolName
    title: str
    says: str
    alias: str
    effect: Effect
    tags: tuple[str, ...]
    credentials: tuple[str, ...]
    parameters: tuple[Parameter, ...]
    times: tuple[str, ...] = ()
    secrets: tuple[str, ...] = ()
    asks: str = ""
    run: Callable[["Context", Json], Awaitable[Json]]
    path_parameters: tuple[str, ...] = ()
    identity: str = ""
    content_types: tuple[str, ...] = ()
    page: PageStyle | None = None
    lifecycle: Lifecycle = Lifecycle()
    wait: Wait | None = None
    follows: tuple[str, ...] = ()
    comfort: str = ""  # the word that switches it off on a server
    # By what a report can be split as it is asked for at first; empty: by everything that its `by` takes.
    splits: tuple[str, ...] = ()

    @property
    def key(self) -> str:
        return f"{self.resource}.{self.method}"

    @property
    def group(self) -> str:
        return "read" if self.effect == "read" else "custom"

    @property
    def gives_bytes(self) -> bool:
        return False

    @property
    def is_repeatable(self) -> bool:
        return self.effect == "read"


class Send(Protocol):
    """One operation, sent the one path. `dry_run`: the answer is the request as it would be sent.

    `takes_back`: it undoes what this run did.
    """

    async def __call__(
        self,
        operation: Operation,
        arguments: Json,
        *,
        idempotency_key: str = "",
        dry_run: bool = False,
        takes_back: bool = False,
    ) -> Answer: ...


class Prove(Protocol):
    """One harmless call with a key that the account does not hold (yet)."""

    async def __call__(self, credential: str, key: str) -> Proof: ...


class Asked(Struct, frozen=True, kw_only=True):
    """One run of a composed tool: for whom, when, and by what means it reaches the gateway.

    `left` tells what the vendor last said is left for a model; `go_on` waits for what was begun earlier; `hand` takes
    the keys that are shown once.
    """

    connected: Connected
    effect: Effect
    now: datetime
    zone: ZoneInfo
    send: Send
    prove: Prove
    once: Once
    hand: Hand
    left: Callable[[str], Left | None]
    go_on: Callable[[Json], Awaitable[tuple[Json, Operation]]]
    is_dry_run: bool = False
    uploads: Mapping[str, Sequence[Upload]] = {}
    report: Report | None = None


class Context:
    """What a composed tool works with. Names and times in its arguments are ids and Unix seconds already.

    `looked` is the operation whose answer the tool gives as its own, if it does.
    """

    def __init__(self, asked: Asked) -> None:
        self.asked = asked
        self.connected, self.now, self.zone = asked.connected, asked.now, asked.zone
        self.is_dry_run = asked.is_dry_run
        self.incomplete: list[Json] = []
        self.looked: Operation | None = None
        self._gate = asyncio.Semaphore(AT_ONCE)
        self._lists: dict[str, tuple[asyncio.Lock, list[Json] | None]] = {}
        self._calls = 0

    async def call(self, key: str, arguments: Json, *, idempotency_key: str = "", takes_back: bool = False) -> Any:
        """The answer of one operation (`projects.list`); numbers with a fraction are Decimals."""
        answer = await self._answer(self._operation(key), arguments, idempotency_key, takes_back=takes_back)
        return _read(answer.content or b"null")

    async def content(self, key: str, arguments: Json) -> bytes:
        """The answer of one operation as it came."""
        return (await self._answer(self._operation(key), arguments)).content or b""

    async def preview(self, key: str, arguments: Json) -> Json:
        """The request that this call would be."""
        answer = await self.asked.send(self._operation(key), arguments, dry_run=True)
        shown: Json = msgspec.json.decode(answer.content or b"{}")["request"]
        return {name: shown[name] for name in ("method", "url", "body") if name in shown}

    async def pages(self, key: str, arguments: Json | None = None, *, size: int = PAGE_ITEMS) -> list[Json]:
        """All items of a list, page after page; the same list is fetched once, however often it is asked for."""
        wanted = repr((key, sorted((arguments or {}).items())))
        lock, _ = self._lists.setdefault(wanted, (asyncio.Lock(), None))
        async with lock:
            known = self._lists[wanted][1]
            if known is None:
                known = await self._pages(self._operation(key), arguments or {}, size)
                self._lists[wanted] = (lock, known)
        return known

    async def names(self, key: str, arguments: Json | None = None) -> dict[str, str]:
        """What the items of a list are called, by id."""
        rule = self.connected.view.integration.names.get(key, NameRule())
        items = await self.pages(key, arguments)
        return {str(each.get(rule.id)): str(each.get(rule.fields[0]) or "") for each in items}

    async def attempt(self, what: str, work: Awaitable[T], otherwise: T) -> T:
        """What the work gives; where it is refused, `otherwise`, and the answer will name what is missing."""
        try:
            return await work
        except Refusal as problem:
            self.note(what, problem.sentence)
            return otherwise

    def note(self, what: str, reason: str) -> None:
        """Something that should be in the answer is not."""
        told: Json = {"what": what, "reason": reason}
        if told not in self.incomplete:
            self.incomplete.append(told)

    def _operation(self, key: str) -> Operation:
        resource, _, method = key.partition(".")
        operation = self.connected.view.find(resource, method)
        if self.asked.effect == "read" and operation.effect != "read":
            raise NotAllowed(f"{operation.tool.name} changes something, and this tool only reads.")
        return operation

    async def _answer(
        self, operation: Operation, arguments: Json, idempotency_key: str = "", *, takes_back: bool = False
    ) -> Answer:
        async with self._gate:
            answer = await self.asked.send(operation, arguments, idempotency_key=idempotency_key, takes_back=takes_back)
        self._calls += 1
        if self.asked.report is not None:
            self.asked.report(float(self._calls), None, operation.title)
        return answer

    async def _pages(self, operation: Operation, arguments: Json, size: int) -> list[Json]:
        items: list[Json] = []
        asking = dict(arguments)
        if operation.page and operation.page.limit and any(each.name == "limit" for each in operation.parameters):
            asking.setdefault("limit", size)
        for _ in range(MOST_PAGES):
            answer = await self._answer(operation, asking)
            if answer.page is None:
                break
            found: Any = _read(answer.page.items)
            items += [each for each in found if is_record(each)] if is_list(found) else []
            if answer.page.next_cursor is None:
                break
            asking["next_cursor"] = answer.page.next_cursor
        else:
            self.note(operation.title, f"only the first {len(items)} were read")
        return items


def _read(content: bytes) -> Any:
    try:
        return _decoder.decode(content)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        raise VendorGarbled from None
