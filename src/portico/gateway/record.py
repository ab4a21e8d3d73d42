"""One row and one set of counters for every call, also for one that was refused, failed or left.

The row is put together in memory and written in batches away from the hot path. What cannot be written is counted.
"""

import asyncio
import time
from collections.abc import AsyncIterator

from portico.clock import Clock, to_milliseconds
from portico.errors import ClientLeft, Refusal, VendorFailure
from portico.gateway.lookup import Connected
from portico.gateway.metrics import Metrics
from portico.log import logger
from portico.model.call import Answer, Call
from portico.model.caller import Caller
from portico.model.operation import Operation
from portico.store.ids import new_id
from portico.store.requests import RequestRow, Requests

CLIENT_LEFT = 499
MOST_WAITING = 50_000
_BATCH = 500
_PAUSE_SECONDS = 0.5
_log = logger("record")


class Entry:
    """What is known about one call so far. `close` happens exactly once, when the last byte has left."""

    __slots__ = (
        "_call", "_caller", "_connected", "_is_closed", "_operation", "_path", "_recorder", "_started", "_verb",
        "bytes_in", "bytes_out", "vendor_request_id", "vendor_seconds", "vendor_status",
    )  # fmt: skip

    def __init__(self, recorder: "Recorder", caller: Caller, call: Call) -> None:
        self._recorder, self._caller, self._call = recorder, caller, call
        self._connected: Connected | None = None
        self._operation: Operation | None = None
        self._verb = self._path = ""
        self._started = time.perf_counter()
        self._is_closed = False
        self.bytes_in = self.bytes_out = 0
        self.vendor_status = 0
        self.vendor_request_id = ""
        self.vendor_seconds = 0.0

    def found(self, connected: Connected, operation: Operation | None, verb: str, path: str) -> None:
        self._connected, self._operation, self._verb, self._path = connected, operation, verb, path

    def finish(self, answer: Answer) -> Answer:
        """Closes now, or when the answer's stream has ended or was left."""
        if answer.stream is None:
            self.bytes_out += len(answer.content or b"")
            self.close(answer.status, "")
            return answer
        answer.stream = self._counted(answer.stream, answer.status)
        return answer

    def fail(self, problem: BaseException) -> None:
        if isinstance(problem, VendorFailure):
            self.close(problem.vendor_status, problem.code)
        elif isinstance(problem, Refusal):
            self.close(problem.status, problem.code)
        elif isinstance(problem, asyncio.CancelledError | GeneratorExit | ClientLeft):
            self.close(CLIENT_LEFT, "client_left")
        else:
            self.close(500, "internal")

    async def _counted(self, stream: AsyncIterator[bytes], status: int) -> AsyncIterator[bytes]:
        try:
            async for piece in stream:
                self.bytes_out += len(piece)
                yield piece
        except BaseException as problem:
            self.fail(problem)
            raise
        finally:
            if hasattr(stream, "aclose"):
                await stream.aclose()  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType] -- generators have it
        self.close(status, "")

    def close(self, status: int, code: str) -> None:
        if self._is_closed:
            return
        self._is_closed = True
        seconds = time.perf_counter() - self._started
        self._recorder.metrics.count(self._call.face, status, seconds)
        self._recorder.put(self._row(status, code, seconds))

    def _row(self, status: int, code: str, seconds: float) -> RequestRow:
        call, operation, account = self._call, self._operation, self._connected.account if self._connected else None
        return RequestRow(
            id=call.request_id or new_id(),
            environment_id=self._caller.environment_id,
            at=to_milliseconds(self._recorder.clock()),
            account_id=account.id if account else "",
            tenant_id=account.tenant_id if account else "",
            integration=account.integration if account else "",
            face=call.face,
            resource=operation.resource if operation else call.resource,
            method=operation.method if operation else call.method,
            verb=self._verb,
            path=self._path,
            tool=call.tool,
            server_id=call.server_id,
            client=call.client,
            token_id=self._caller.token_id,
            request_id=call.request_id,
            trace_id="",
            status=status,
            code=code,
            vendor_status=self.vendor_status,
            vendor_request_id=self.vendor_request_id,
            bytes_in=self.bytes_in,
            bytes_out=self.bytes_out,
            duration_us=int(seconds * 1e6),
            vendor_us=int(self.vendor_seconds * 1e6),
        )


class Recorder:
    """Collects rows and writes them every half second, and once more before the process stops."""

    def __init__(self, requests: Requests, metrics: Metrics, clock: Clock) -> None:
        self.metrics, self.clock = metrics, clock
        self._requests = requests
        self._waiting: list[RequestRow] = []
        self._task: asyncio.Task[None] | None = None
        self._writing = asyncio.Lock()

    def open(self, caller: Caller, call: Call) -> Entry:
        return Entry(self, caller, call)

    def put(self, row: RequestRow) -> None:
        if len(self._waiting) >= MOST_WAITING:
            self.metrics.rows_dropped.inc()
            return
        self._waiting.append(row)

    async def start(self) -> None:
        self._task = asyncio.create_task(self._run())

    async def stop(self) -> None:
        """Nothing that was recorded is lost on a clean stop."""
        if self._task:
            async with self._writing:  # never in the middle of a batch, which would be lost
                self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        await self.flush()

    async def flush(self) -> None:
        """Everything recorded up to now is in the database when this returns, or still waiting and said so."""
        async with self._writing:
            while self._waiting:
                batch, self._waiting = self._waiting[:_BATCH], self._waiting[_BATCH:]
                try:
                    await self._requests.add(batch)
                except Refusal as problem:
                    self._waiting = batch + self._waiting
                    _log.warning("request log not written", reason=problem.sentence, waiting=len(self._waiting))
                    return

    async def _run(self) -> None:
        while True:
            await asyncio.sleep(_PAUSE_SECONDS)
            try:
                await self.flush()
            except Exception:
                self.metrics.rows_dropped.inc(len(self._waiting))
                self._waiting.clear()
                _log.exception("rows of the request log were lost")
