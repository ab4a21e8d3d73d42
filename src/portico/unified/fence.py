"""Where mappings are run: ours in this process, item by item; a tenant's in a limited process of their own.

A tenant waits only for itself: one environment has one piece of work in the fenced processes at a time, and whatever
takes too long there is ended with its process.
"""

import asyncio
import contextlib
import os
import sys
from collections import OrderedDict
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import msgspec

from portico.errors import Failure, MappingFailed, Refusal, Unavailable
from portico.log import logger
from portico.shapes import Json
from portico.unified import mapping
from portico.unified.child import LENGTH

PROCESSES = 2
WALL_SECONDS = 3.0
START_SECONDS = 20.0
MOST_BYTES = 5 * 1024 * 1024
ITEMS_AT_ONCE = 50
_MOST_GATES = 10_000
_PROGRAM = "portico.unified.child"
_encoder = msgspec.json.Encoder(decimal_format="number")
_decoder = msgspec.json.Decoder(float_hook=Decimal)
_log = logger("unified")


class TooSlow(Exception):
    """The process did not answer in time, or ended over its limits."""


class Fence:
    """Runs trees of expressions on items of JSON."""

    def __init__(self, wall_seconds: float = WALL_SECONDS) -> None:
        self._wall_seconds = wall_seconds
        self._idle: list[_Process] = []
        self._room = asyncio.Semaphore(PROCESSES)
        self._gates: OrderedDict[str, asyncio.Lock] = OrderedDict()

    async def run(self, tree: Any, scope: Json, name: str, items: Sequence[bytes], tenant: str) -> list[Any]:
        """What the tree makes of each item, which stands in the scope under that name. `tenant` empty: it is ours."""
        if not tenant:
            return await self._run_here(tree, scope, name, items)
        results: list[Any] = []
        for start in range(0, len(items), ITEMS_AT_ONCE):
            raw = [msgspec.Raw(each) for each in items[start : start + ITEMS_AT_ONCE]]
            work = {"kind": "run", "tree": tree, "scope": scope, "name": name, "items": raw}
            results += await self._ask(work, tenant)
        return results

    async def check(self, tree: Any, path: str, tenant: str) -> list[Failure]:
        """Every expression that cannot be compiled. Reading what somebody else wrote is done behind the fence too."""
        try:
            faults = await self._ask({"kind": "check", "tree": tree, "path": path}, tenant)
        except MappingFailed as problem:
            return [Failure(path, problem.sentence)]
        return [Failure(place, f"is not a mapping: {words}", "JSONata") for place, words in faults]

    async def close(self) -> None:
        for process in self._idle:
            await process.end()
        self._idle.clear()

    async def _run_here(self, tree: Any, scope: Json, name: str, items: Sequence[bytes]) -> list[Any]:
        results: list[Any] = []
        read: Json = mapping.read(_encoder.encode(scope))
        for item in items:
            results.append(mapping.run(tree, read | {name: mapping.read(item)}, mapping.OUR_MILLISECONDS))
            await asyncio.sleep(0)  # others come first between two records
        return results

    async def _ask(self, work: Json, tenant: str) -> Any:
        content = _encoder.encode(work)
        if len(content) > MOST_BYTES:
            raise MappingFailed(f"A mapping of one's own takes {MOST_BYTES // 1_048_576} MB of records at most.")
        async with self._gate(tenant), self._room:
            told = await self._with_process(content)
        if "problem" in told:
            raise MappingFailed(str(told["problem"]))
        return told["result"]

    async def _with_process(self, content: bytes) -> Json:
        process = self._idle.pop() if self._idle else await _start()
        try:
            told = await process.ask(content, self._wall_seconds)
        except TooSlow:
            raise MappingFailed("The mapping takes too long, or needs more memory than it may have.") from None
        finally:
            if process.is_usable:
                self._idle.append(process)
            else:
                await process.end()
        return told

    def _gate(self, tenant: str) -> asyncio.Lock:
        gate = self._gates.setdefault(tenant, asyncio.Lock())
        self._gates.move_to_end(tenant)
        if len(self._gates) > _MOST_GATES:
            oldest = next(iter(self._gates))
            if not self._gates[oldest].locked():
                del self._gates[oldest]
        return gate


class _Process:
    """One fenced process. It is usable until something went wrong with it."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self.is_usable = True

    async def ask(self, content: bytes, seconds: float) -> Json:
        usable, self.is_usable = self.is_usable, False  # until the whole answer has come, also if nobody waits for it
        if not usable or self._process.stdin is None or self._process.stdout is None:
            raise TooSlow
        try:
            async with asyncio.timeout(seconds):
                self._process.stdin.write(LENGTH.pack(len(content)) + content)
                await self._process.stdin.drain()
                head = await self._process.stdout.readexactly(LENGTH.size)
                size = LENGTH.unpack(head)[0]
                if size > MOST_BYTES:
                    raise MappingFailed(f"The mapping gives more than {MOST_BYTES // 1_048_576} MB.")
                answer = await self._process.stdout.readexactly(size)
        except (TimeoutError, OSError, asyncio.IncompleteReadError) as problem:
            raise TooSlow from problem
        told: Json = _decoder.decode(answer)
        self.is_usable = "too much memory" not in str(told.get("problem", ""))
        return told

    async def end(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            self._process.kill()
        if self._process.stdin is not None:
            self._process.stdin.close()
        await self._process.wait()
        transport: Any = getattr(self._process, "_transport", None)
        if transport is not None:
            transport.close()


async def _start() -> _Process:
    """A process that knows where its code is and nothing else of this one."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-P", "-m", _PROGRAM, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL, cwd="/", env={"PYTHONPATH": os.pathsep.join(sys.path)},
        limit=MOST_BYTES,
    )  # fmt: skip
    started = _Process(process)
    try:
        await started.ask(_encoder.encode({"kind": "check", "tree": "1", "path": ""}), START_SECONDS)
    except (TooSlow, Refusal) as problem:
        await started.end()
        _log.error("the process for mappings does not start", code=process.returncode)
        raise Unavailable("The process that runs changed mappings does not start.") from problem
    return started
