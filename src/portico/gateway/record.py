"""One row and one set of counters for every call, also for one that was refused, failed, left or answered again.

The row is put together in memory and written in batches away from the hot path. What cannot be written is counted.
"""

import asyncio
import time
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from types import TracebackType

from msgspec import structs

from portico.clock import Clock, to_milliseconds
from portico.errors import AlreadyExists, ClientLeft, Refusal, Unavailable, VendorFailure
from portico.gateway.bodies import Keeper
from portico.gateway.heard import Heard
from portico.gateway.limits import Limits
from portico.gateway.lookup import Connected
from portico.gateway.meter import NOTHING, Meter, Used
from portico.gateway.metrics import Metrics
from portico.gateway.tracing import Tracing
from portico.log import logger, redact
from portico.model.call import Answer, Call
from portico.model.caller import Caller
from portico.model.operation import Operation
from portico.model.price import PriceBook
from portico.model.request import RequestRow
from portico.store.ids import Sequence as Ids
from portico.store.requests import Requests
from portico.tasks import end
from portico.upstream.transport import UpstreamRequest

CLIENT_LEFT = 499
MOST_WAITING = 50_000
STOP_SECONDS = 10.0
# After so much of that, bodies are given up so that at least the rows are written.
BODIES_SECONDS = 5.0
# How long somebody who looks waits for what is still to be written.
LOOK_SECONDS = 2.0
COMPLAIN_SECONDS = 60.0
_LONGEST_TEXT = 300
_BATCH = 500
_PAUSE_SECONDS = 0.5
_log = logger("record")


class Entry:
    """What is known about one call so far. It is closed exactly once, when the last byte has left.

    Whoever opens it as held closes it by leaving its `with` block; otherwise the call's answer closes it.
    """

    __slots__ = (
        "_caller", "_code", "_is_closed", "_is_held", "_is_replay", "_operation", "_path", "_problem",
        "_recorder", "_results", "_started", "_status", "_verb", "bytes_in", "bytes_out", "call", "connected", "heard",
        "meter", "trace", "vendor_request_id", "vendor_seconds", "vendor_status",
    )  # fmt: skip

    def __init__(self, recorder: "Recorder", caller: Caller, call: Call, *, is_held: bool) -> None:
        self._recorder, self._caller, self.call = recorder, caller, call
        self.connected: Connected | None = None
        self._operation: Operation | None = None
        self._verb = self._path = self._code = self._problem = ""
        self._started = time.perf_counter()
        self._is_closed = self._is_replay = False
        self._is_held = is_held
        self._status = 200
        self._results: int | None = None
        self.meter: Meter | None = None
        self.heard: Heard | None = None
        self.bytes_in = self.bytes_out = 0
        self.vendor_status = 0
        self.vendor_request_id = ""
        self.vendor_seconds = 0.0
        self.trace = recorder.tracing.begin(call) if recorder.tracing else None
        recorder.metrics.in_flight += 1

    def __enter__(self) -> "Entry":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        if problem is not None:
            self.fail(problem)
        self.close()

    def came(self, verb: str, path: str) -> None:
        """By which address, as long as nothing better is known."""
        self._verb, self._path = verb, path

    def found(self, operation: Operation | None, verb: str, path: str) -> None:
        self._operation, self._verb, self._path = operation, verb, path

    def listen(self, request: UpstreamRequest | None = None) -> None:
        """From now on, where bodies of this account's calls are kept: to what was asked, and to the answer to come."""
        if self.connected is None or not self.connected.account.keeps_bodies:
            return
        account, integration = self.connected.account, self.connected.view.integration
        self.heard = Heard(account.id, integration, self._operation)
        if request is None:
            self.heard.asked(self.call)
        else:
            self.heard.asks(request)

    def finish(self, answer: Answer) -> Answer:
        """Closes now, or when the answer's stream has ended or was left; a held one only counts."""
        self._status, self._is_replay = answer.status, answer.is_replay
        self._code = "vendor_failure" if answer.status >= 400 else ""
        self._results = answer.page.count if answer.page else None
        if self.heard is not None:
            self.heard.answers(answer)
        if answer.stream is not None:
            answer.stream = self._counted(answer.stream)
            return answer
        content = answer.content or b""
        self.bytes_out += len(content)
        if self.meter is not None and content:
            self.meter.feed(content)
        if not self._is_held:
            self.close()
        return answer

    def fail(self, problem: BaseException) -> None:
        if self._is_closed:
            return
        if isinstance(problem, VendorFailure) and self.heard is not None:
            self.heard.fails(problem.vendor_status, problem.raw)
        if isinstance(problem, Refusal):
            self._status = problem.vendor_status if isinstance(problem, VendorFailure) else problem.status
            self._code, self._problem = problem.code, _clean(problem.sentence)
        elif isinstance(problem, asyncio.CancelledError | GeneratorExit | ClientLeft):
            self._status, self._code = CLIENT_LEFT, "client_left"
        else:
            self._status, self._code = 500, "internal"
        self.close()

    def refuse(self, status: int, code: str, sentence: str) -> None:
        """For what a face refuses in words of its own protocol."""
        self._status, self._code, self._problem = status, code, _clean(sentence)
        self.close()

    async def _counted(self, stream: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
        meter, heard = self.meter, self.heard
        try:
            async for piece in stream:
                self.bytes_out += len(piece)
                if meter is not None:
                    meter.feed(piece)
                if heard is not None:
                    heard.hears(piece)
                yield piece
        except GeneratorExit as problem:
            if not self._is_held:  # whoever holds it knows why nobody wants the rest
                self.fail(problem)
            raise
        except BaseException as problem:
            self.fail(problem)
            raise
        finally:
            if isinstance(stream, AsyncGenerator):
                await stream.aclose()
        if not self._is_held:
            self.close()

    def close(self) -> None:
        if self._is_closed:
            return
        self._is_closed = True
        seconds = time.perf_counter() - self._started
        used = self.meter.used() if self.meter else NOTHING
        row = self._row(seconds, used)
        self._recorder.metrics.in_flight -= 1
        self._recorder.metrics.called(row)
        if self.trace is not None:
            self.trace.end(row)
        if self.heard is None:
            self.listen()
        self._recorder.put(row, self.heard)

    def _row(self, seconds: float, used: Used) -> RequestRow:
        call, operation, account = self.call, self._operation, self.connected.account if self.connected else None
        moment = to_milliseconds(self._recorder.clock())
        return RequestRow(
            id=self._recorder.ids.at(moment * 1_000_000),
            environment_id=self._caller.environment_id,
            at=moment,
            account_id=account.id if account else _clean(call.account_id),
            tenant_id=account.tenant_id if account else "",
            integration=account.integration if account else "",
            face=call.face,
            resource=operation.resource if operation else _clean(call.resource),
            method=operation.method if operation else _clean(call.method),
            verb=self._verb,
            path=operation.path if operation else _clean(self._path),
            tool=_clean(call.tool),
            server_id=call.server_id,
            client=_clean(call.client),
            token_id=self._caller.token_id,
            request_id=call.request_id,
            trace_id=self.trace.id if self.trace else call.trace_id,
            status=self._status,
            code=self._code,
            vendor_status=self.vendor_status,
            vendor_request_id=_clean(self.vendor_request_id),
            bytes_in=self.bytes_in,
            bytes_out=self.bytes_out,
            duration_us=int(seconds * 1e6),
            vendor_us=int(self.vendor_seconds * 1e6),
            status_class=self._status // 100,
            problem=self._problem,
            is_replay=self._is_replay,
            model=_clean(used.model),
            input_tokens=used.input_tokens,
            cached_tokens=used.cached_tokens,
            output_tokens=used.output_tokens,
            is_estimated=used.is_estimated,
            cost_nanos=self._cost(used),
            result_count=self._results,
        )

    def _cost(self, used: Used) -> int | None:
        """What the tokens cost by the price list of the day; None where there were none, or it has no price."""
        if self.connected is None or not used.tokens:
            return None
        integration = self.connected.view.integration
        day = self._recorder.clock().date()
        price = self._recorder.prices.of(integration.name, integration.prices, day, used.model)
        return price.nanos(used.input_tokens, used.cached_tokens, used.output_tokens) if price else None


class Recorder:
    """Collects rows and writes them every half second, and once more before the process stops."""

    def __init__(self, requests: Requests, metrics: Metrics, clock: Clock, limits: Limits, keeper: Keeper) -> None:
        self.metrics, self.clock, self.ids, self.prices = metrics, clock, Ids(), PriceBook()
        self._keeper = keeper
        self.tracing: Tracing | None = None
        self._requests, self._limits = requests, limits
        self._waiting: list[RequestRow] = []
        self._taken = 0
        self._complained_at: float | None = None
        self._task: asyncio.Task[None] | None = None
        self._looks: set[asyncio.Task[None]] = set()
        self._writing = asyncio.Lock()
        metrics.watch("portico_request_rows_waiting", "Rows not yet written.", lambda: len(self._waiting))

    def open(self, caller: Caller, call: Call, *, is_held: bool = False) -> Entry:
        return Entry(self, caller, call, is_held=is_held)

    def put(self, row: RequestRow, heard: Heard | None = None) -> None:
        if len(self._waiting) >= MOST_WAITING:
            self.metrics.rows_dropped.inc()
            return
        self._waiting.append(row)
        self._taken += 1
        if heard is not None:
            self._keeper.hold(row.id, heard)
        self._limits.note(row)

    async def start(self) -> None:
        self._task = asyncio.create_task(self._run())

    async def stop(self) -> None:
        """Nothing that was recorded is lost on a clean stop; a database that does not answer is not waited for long."""
        hurry = asyncio.get_running_loop().call_later(BODIES_SECONDS, self._keeper.give_up)
        try:
            async with asyncio.timeout(STOP_SECONDS):
                if self._task:
                    async with self._writing:  # never in the middle of a batch, which would be lost
                        self._task.cancel()
                    await end([self._task])
                left = len(self._waiting) + 1
                while 0 < len(self._waiting) < left:
                    left = len(self._waiting)
                    await self.flush()
        except TimeoutError:
            if self._task:
                self._task.cancel()
        finally:
            hurry.cancel()
        if self._waiting:
            self._lose(len(self._waiting))
            self._waiting.clear()

    async def flush(self) -> None:
        """Everything recorded up to now is in the database when this returns, or still waiting and said so.

        What is recorded meanwhile is left to the next one: where calls come as quickly as they can be written, there
        would be no end.
        """
        wanted = self._taken
        async with self._writing:
            while self._waiting and self._taken - len(self._waiting) < wanted:
                batch, self._waiting = self._waiting[:_BATCH], self._waiting[_BATCH:]
                left = batch
                try:
                    left = await self._write(batch)
                finally:
                    self._waiting = [*left, *self._waiting]
                if left:
                    return

    async def catch_up(self) -> None:
        """For whoever looks, so that a call made just now is there; where much is still to be written, not all is."""
        look = asyncio.create_task(self.flush())
        self._looks.add(look)
        look.add_done_callback(self._looks.discard)
        done, _ = await asyncio.wait({look}, timeout=LOOK_SECONDS)
        if done:
            look.result()

    async def _write(self, batch: list[RequestRow]) -> list[RequestRow]:
        """Those that are still to be written: none, or all that the database was away for."""
        try:
            await self._add(batch)
        except Unavailable as problem:
            self._complain(problem, len(batch) + len(self._waiting))
            return batch
        except Exception as problem:
            _log.warning("rows of the request log are written one by one", reason=repr(problem), rows=len(batch))
            return await self._write_singly(batch)
        if self._complained_at is not None:
            self._complained_at = None
            _log.warning("request log written again")
        return []

    def _complain(self, problem: Unavailable, waiting: int) -> None:
        """Tried twice a second, said once a minute: a disk that is full should not be filled with that."""
        now = time.monotonic()
        if self._complained_at is None or now - self._complained_at >= COMPLAIN_SECONDS:
            self._complained_at = now
            _log.warning("request log not written", reason=problem.sentence, waiting=waiting)

    async def _add(self, rows: list[RequestRow]) -> None:
        owed = await self._limits.owed(rows)
        written, kept = await self._keeper.sealed(rows)
        uses = await self._requests.add(written, owed, kept)
        self._keeper.forget(rows)
        try:
            await self._limits.written(owed, uses)
        except Unavailable as problem:
            _log.warning("a budget's level is told later", reason=problem.sentence)

    async def _write_singly(self, batch: Sequence[RequestRow]) -> list[RequestRow]:
        """So that one row that the database does not take costs none of the others."""
        for place, row in enumerate(batch):
            for spelling in (row, _plain(row)):
                try:
                    await self._add([spelling])
                except AlreadyExists:
                    break  # it was written, and only the word of it was lost
                except Unavailable:
                    return list(batch[place:])
                except Exception as problem:
                    _log.warning("a row of the request log cannot be written", reason=repr(problem), row=row.id)
                else:
                    break
            else:
                self._lose(1)
            self._keeper.forget([row])
        return []

    def _lose(self, count: int) -> None:
        self.metrics.rows_dropped.inc(count)
        _log.error("rows of the request log were lost", rows=count)

    async def _run(self) -> None:
        while True:
            await asyncio.sleep(_PAUSE_SECONDS)
            try:
                await self.flush()
            except Exception:
                _log.exception("the request log cannot be written")


def _plain(row: RequestRow) -> RequestRow:
    """The row with nothing in its texts that a database may not take: zero bytes, halves of characters."""
    texts = {name: value for name, value in structs.asdict(row).items() if isinstance(value, str)}
    plain = {name: text.encode("utf-8", "replace").decode().replace("\0", "�") for name, text in texts.items()}
    return structs.replace(row, **plain)


def _clean(text: str) -> str:
    """Of what somebody else has worded: not too much, and no key that was written where none belongs."""
    return redact(text if len(text) <= _LONGEST_TEXT else text[: _LONGEST_TEXT - 1] + "…") if text else ""
