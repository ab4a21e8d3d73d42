"""Several processes on one listener: started again where one dies, and each told to stop as a single one is."""

import logging
import multiprocessing
import os
import signal
import socket
import threading
from multiprocessing.connection import wait
from typing import Any

import uvicorn
from uvicorn.config import STARTUP_FAILURE
from uvicorn.supervisors.multiprocess import Multiprocess, Process

from portico.faces.server import Server
from portico.settings import Settings

_log = logging.getLogger("uvicorn.error")


class Worker(Process):
    def __init__(self, config: uvicorn.Config, sockets: list[socket.socket], settings: Settings) -> None:
        self._drain_seconds, self._grace_seconds = settings.drain_seconds, settings.grace_seconds
        super().__init__(config, sockets)

    def target(self, sockets: list[socket.socket] | None = None) -> None:
        threading.Thread(target=_end_with_parent, daemon=True).start()
        super().target(sockets)

    @property
    def server(self) -> uvicorn.Server:
        if self._server is None:
            self._server = Server(
                self.config,
                drain_seconds=self._drain_seconds,
                grace_seconds=self._grace_seconds,
                on_drain=self._drain,
                has_process=True,
            )
        return self._server

    def _drain(self) -> None:
        application: Any = getattr(self.config, "loaded_app", None)
        if application is not None:
            application.drain()


class Supervisor(Multiprocess):
    def __init__(self, config: uvicorn.Config, listener: socket.socket, settings: Settings) -> None:
        super().__init__(config, [listener])
        self._settings = settings

    def _started(self) -> Worker:
        worker = Worker(self.config, self.sockets, self._settings)
        worker.start()
        return worker

    def init_processes(self) -> None:
        self.processes.extend(self._started() for _ in range(self.processes_num))

    def keep_subprocess_alive(self) -> None:
        for place, worker in enumerate(self.processes):
            if self.should_exit.is_set():
                return
            if worker.is_alive(timeout=self.config.timeout_worker_healthcheck):
                continue
            worker.kill()
            worker.join()
            if worker.exitcode == STARTUP_FAILURE:  # it would fail in the same way again
                self.should_exit.set()
                return
            _log.warning("a worker died and is replaced")
            self.processes[place] = self._started()

    def restart_all(self) -> None:
        """At SIGHUP: each worker goes once its successor serves."""
        for place, earlier in enumerate(self.processes):
            worker = self._started()
            if not worker.wait_until_ready(self.config.timeout_worker_healthcheck, self.should_exit):
                worker.kill()
                worker.join()
                return
            earlier.terminate()
            earlier.join()
            self.processes[place] = worker


def _end_with_parent() -> None:
    """A supervisor that was killed could stop nobody: without this its workers would hold the port for good."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        wait([parent.sentinel])
        os.kill(os.getpid(), signal.SIGTERM)
