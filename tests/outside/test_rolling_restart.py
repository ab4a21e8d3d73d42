"""Replicas behind a balancer that are replaced one by one under load: no client notices, and each would without the
drain."""

import signal
import subprocess
from collections.abc import Generator
from contextlib import ExitStack
from dataclasses import dataclass
from http.client import HTTPException
from pathlib import Path

import pytest

from portico.sandbox.serve import running
from portico.sandbox.state import World
from tests.conftest import MASTER_KEY
from tests.outside.balancer import Balancer, balancing
from tests.outside.clients_at_work import TOKEN, Client, Crowd, Place, place_at
from tests.postgres import PostgresServer
from tests.programs import gateway
from tests.size import IS_FULL

pytestmark = [pytest.mark.outside, pytest.mark.postgres, pytest.mark.chaos, pytest.mark.timeout(300)]

ROUNDS, CLIENTS, BETWEEN = (12, 16, 400) if IS_FULL else (1, 4, 40)
# Clients that never rest never meet a connection that was closed meanwhile.
PAUSE_SECONDS = 0.1


@dataclass
class Fleet:
    """The replicas that run, behind their balancer."""

    balancer: Balancer
    environment: dict[str, str]
    world: World

    def replica(self, stack: ExitStack) -> "Replica":
        own = stack.enter_context(ExitStack())
        process, url = own.enter_context(gateway(self.environment))
        self.balancer.add(url)
        return Replica(self.balancer, process, url, own)


@dataclass
class Replica:
    balancer: Balancer
    process: "subprocess.Popen[str]"
    url: str
    stack: ExitStack

    def end(self, told: signal.Signals = signal.SIGTERM) -> None:
        """As an orchestrator does: told once, and waited for. Told by SIGINT it ends without a drain."""
        self.process.send_signal(told)
        code = self.process.wait(30)
        self.balancer.remove(self.url)
        self.stack.close()
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
        replicas = [fleet.replica(stack) for _ in range(2)]
        place = place_at(fleet.balancer.url)
        crowd = Crowd(place, CLIENTS, PAUSE_SECONDS)
        crowd.start()
        for _ in range(ROUNDS):
            for _ in range(2):
                crowd.settle(BETWEEN)
                replicas.append(fleet.replica(stack))
                replicas.pop(0).end()
        crowd.settle(BETWEEN)
        crowd.stop()
        assert crowd.problems == []
        assert min(crowd.served[each] for each in ("list", "chat", "stream", "tool", "write")) > 0
        names = {project.name for project in fleet.world.organization("stage").projects.values()}
        assert set(crowd.made) <= names
        assert errors_without_drain(replicas[0], place) == 1, "replicas that leave at once are not noticed either"
        replicas[1].end()


def errors_without_drain(replica: Replica, place: Place) -> int:
    """Clients that rest, one at each of two replicas, of which one leaves at once: so many are not served any more."""
    clients = [Client(place) for _ in range(2)]
    assert [each.ask("list", "") for each in clients] == ["", ""]
    replica.end(signal.SIGINT)
    failed = 0
    for client in clients:
        try:
            assert client.ask("list", "") == ""
        except (OSError, HTTPException):
            failed += 1
        client.connection.close()
    return failed
