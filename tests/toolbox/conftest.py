"""One gateway for a whole module: `desk`, where time passes only when somebody waits, or `demo`, where it stands still.

Modules that use one carry `pytestmark = pytest.mark.asyncio(loop_scope="module")`.
"""

import asyncio
from collections.abc import AsyncGenerator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

import pytest
import pytest_asyncio

from portico.sandbox.state import DEMO, World
from tests.conftest import HeldClock
from tests.demo import Demo, open_demo
from tests.faces.mcp.speaker import HOST, Json, Maker, Speaker
from tests.gateways import connect_account
from tests.stage import Stage, open_stage
from tests.toolbox.gate import Gate, open_gate


@dataclass
class Time:
    """The gateway's clock and the sandbox's, turned together by whoever pauses. `pauses` is how long each pause was."""

    clock: HeldClock = field(default_factory=HeldClock)
    pauses: list[float] = field(default_factory=list[float])
    stands_still: bool = False
    worlds: list[World] = field(default_factory=list[World])

    def pause(self, world: World) -> Any:
        self.worlds.append(world)

        async def pause(seconds: float) -> None:
            self.pauses.append(seconds)
            if self.stands_still:
                await asyncio.Event().wait()
            self.pass_(seconds)
            await asyncio.sleep(0)

        return pause

    def pass_(self, seconds: float) -> None:
        self.clock.advance(seconds=seconds)
        for world in self.worlds:
            world.advance(seconds)

    @property
    def waited(self) -> float:
        return sum(self.pauses)


@dataclass
class Desk:
    """A stage with its time and with an MCP server that offers everything."""

    stage: Stage
    time: Time
    maker: Maker
    mcp: Speaker
    asks: dict[str, str] = field(default_factory=dict[str, str])

    async def tool(self, name: str, arguments: Json | None = None, **query: str) -> Json:
        """The whole result of a tool at the tools endpoint."""
        path = f"/integrated-account/{self.stage.account_id}/tools/{name}"
        got = await self.stage.client.post(path, arguments or {}, **(self.asks | query))
        assert got.status == 200, got.content
        return got.json

    async def value(self, name: str, arguments: Json | None = None, **query: str) -> Json:
        result = await self.tool(name, arguments, **query)
        assert not result["is_error"], result
        return result["structured"]

    async def refusal(self, name: str, arguments: Json | None = None) -> Json:
        result = await self.tool(name, arguments)
        assert result["is_error"], result
        return result["structured"]


@pytest.fixture(scope="module")
def time() -> Time:
    return Time()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def desk(time: Time, tmp_path_factory: pytest.TempPathFactory) -> AsyncGenerator[Desk]:
    folder = tmp_path_factory.mktemp("desk")
    async with open_stage(folder, clock=time.clock, pause=time.pause, public_url=f"https://{HOST}") as stage:
        maker = Maker(stage.client, stage.account_id)
        yield Desk(stage, time, maker, await maker.server())


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def larkfield(tmp_path_factory: pytest.TempPathFactory) -> AsyncGenerator[Desk]:
    """A desk in the demo organization, whose ninety days end in the middle of a month and of a day."""
    time = Time()
    time.clock.moment = datetime(2026, 11, 18, 9, 30, 7, tzinfo=UTC)

    def pause(world: World) -> Any:
        world.turn_to(time.clock.moment.timestamp())
        return time.pause(world)

    folder = tmp_path_factory.mktemp("larkfield")
    async with open_stage(folder, clock=time.clock, pause=pause, public_url=f"https://{HOST}") as stage:
        account = await connect_account(stage.client, DEMO)
        demo = replace(stage, account_id=account["id"])
        maker = Maker(demo.client, demo.account_id)
        yield Desk(demo, time, maker, await maker.server(secrets="reveal"), {"secrets": "reveal"})


@pytest.fixture(autouse=True)
def rested(request: pytest.FixtureRequest) -> None:
    """No test sees another's pauses and faults."""
    for name in {"desk", "larkfield"} & set(request.fixturenames):
        desk: Desk = request.getfixturevalue(name)
        desk.time.pauses.clear()
        desk.time.stands_still = False
        desk.stage.clear()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shared_demo(tmp_path_factory: pytest.TempPathFactory) -> AsyncGenerator[Demo]:
    async with open_demo(tmp_path_factory.mktemp("demo")) as demo:
        yield demo


@pytest.fixture
def demo(shared_demo: Demo) -> Demo:
    shared_demo.begin_again()
    return shared_demo


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shared_gate(tmp_path_factory: pytest.TempPathFactory) -> AsyncGenerator[Gate]:
    async with open_gate(tmp_path_factory.mktemp("gate")) as gate:
        yield gate


@pytest.fixture
def gate(shared_gate: Gate) -> Gate:
    shared_gate.meanwhile.clear()
    shared_gate.waited = shared_gate.pause_seconds = 0.0
    shared_gate.clock.advance(hours=2)  # whatever waited is over
    shared_gate.stage.clear()
    return shared_gate
