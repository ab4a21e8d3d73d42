"""Replicas behind a balancer that are replaced one by one under load: no client notices."""

import signal
import subprocess
from collections.abc import Generator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest

from portico.sandbox.serve import running
from portico.sandbox.state import World
from tests.conftest import MASTER_KEY
from tests.outside.balancer import Balancer, balancing
from tests.outside.clients_at_work import TOKEN, Crowd, place_at
from tests.postgres import PostgresServer
from tests.programs import gateway
from tests.size import IS_FULL

pytestmark = [pytest.mark.outside, pytest.mark.postgres, pytest.mark.chaos, pytest.mark.timeout(300)]

ROUNDS, CLIENTS, BETWEEN = (5, 16, 400) if IS_FULL else (1, 4, 40)


@dataclass
class Fleet:
    """The replicas that run, behind their balancer."""

    balancer: Balancer
    environment: dict[str, str]
    world: World

    def replica(self, stack: ExitStack) -> tuple[ExitStack, str]:
        """One more, on a stack of its own that ends it."""
        own = stack.enter_context(ExitStack())
        process, url = own.enter_context(gateway(self.environment))
        own.callback(self._end, process, url)
        self.balancer.add(url)
        return own, url

    def _end(self, process: "subprocess.Popen[str]", url: str) -> None:
        """As an orchestrator does: told once, and waited for."""
        process.send_signal(signal.SIGTERM)
        code = process.wait(30)
        self.balancer.remove(url)
        assert code == 0


@pytest.fixture
def fleet(postgres_server: PostgresServer, tmp_path: Path) -> Generator[Fleet]:
    world = World(pace=0.0)
    with ExitStack() as stack:
        url = stack.enter_context(postgres_server.database())
        sandbox_url = stack.enter_context(running(world))
        balancer = stack.enter_context(balancing())
        environment = {
            "PORTICO_DATA_DIR": str(tmp_path),
            "PORTICO_DATABASE_URL": url,
            "PORTICO_MASTER_KEY": MASTER_KEY,
            "PORTICO_BOOTSTRAP_TOKEN": TOKEN,
            "PORTICO_VENDOR_BASE_URLS": f"openai={sandbox_url}/v1",
            "PORTICO_DRAIN_SECONDS": "1",
            "PORTICO_LOG_LEVEL": "error",
        }
        yield Fleet(balancer, environment, world)


def test_no_client_notices_that_replicas_are_replaced(fleet: Fleet) -> None:
    with ExitStack() as stack:
        running_now = [fleet.replica(stack) for _ in range(2)]
        crowd = Crowd(place_at(fleet.balancer.url), CLIENTS)
        crowd.start()
        for _ in range(ROUNDS):
            for _ in range(2):
                crowd.settle(BETWEEN)
                running_now.append(fleet.replica(stack))
                running_now.pop(0)[0].close()
        crowd.settle(BETWEEN)
        crowd.stop()
    assert crowd.problems == []
    assert min(crowd.served[each] for each in ("list", "chat", "stream", "tool", "write")) > 0
    names = {project.name for project in fleet.world.organization("stage").projects.values()}
    assert set(crowd.made) <= names
