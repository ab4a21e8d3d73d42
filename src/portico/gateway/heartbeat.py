"""Each process says every few seconds that it lives and which root keys it holds, and looks whether they still open."""

import asyncio
import os
import socket
import time

from portico.errors import Refusal
from portico.gateway.keyring import Keyring
from portico.gateway.metrics import Metrics
from portico.log import logger
from portico.store.database import Database
from portico.store.ids import new_id
from portico.store.replicas import Replica, Replicas
from portico.tasks import end
from portico.version import VERSION

BEAT_SECONDS = 5.0
LIVING_SECONDS = 15.0
_log = logger("heartbeat")


class Heartbeat:
    def __init__(self, database: Database, keyring: Keyring, metrics: Metrics) -> None:
        self._replicas, self._keyring, self._metrics = Replicas(database), keyring, metrics
        self.id = new_id()
        self._host = f"{socket.gethostname()}:{os.getpid()}"
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        loop = asyncio.get_running_loop()
        self._metrics.watch("portico_tasks", "Tasks of the event loop.", lambda: len(asyncio.all_tasks(loop)))
        await self._tell()
        self._task = asyncio.create_task(self._beat())

    async def stop(self) -> None:
        if self._task is None:
            return
        await end([self._task])
        try:
            await self._replicas.leave(self.id)
        except Refusal:
            return  # it will be taken for dead soon

    async def _beat(self) -> None:
        while True:
            due = time.monotonic() + BEAT_SECONDS
            await asyncio.sleep(BEAT_SECONDS)
            self._metrics.loop_late.set(max(0.0, time.monotonic() - due))
            try:
                await self._tell()
                await self._look_at_keys()
            except Exception as problem:
                reason = problem.sentence if isinstance(problem, Refusal) else repr(problem)
                _log.warning("the sign of life was not taken", reason=reason)

    async def _look_at_keys(self) -> None:
        service = self._keyring.roots.service
        if service is not None:
            await service.tend()
        if service is not None or self._keyring.trouble:
            await self._keyring.check()

    async def _tell(self) -> None:
        await self._replicas.tell(
            Replica(
                id=self.id,
                host=self._host,
                version=VERSION,
                root_keys=tuple(self._keyring.roots.ids()),
                started_at_ms=0,
            )
        )
