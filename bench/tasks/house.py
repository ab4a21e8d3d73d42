"""The demo organization behind a gateway, with one server that has every comfort and one that has next to none."""

import asyncio
from collections import Counter
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, get_args

import aiohttp
from tests.conftest import HeldClock
from tests.demo import MOMENT, Demo
from tests.faces.mcp.speaker import HOST
from tests.forms import form
from tests.gateways import Got, exchange
from tests.stage import open_stage

from bench.tasks.player import Player
from portico.model.server import Comfort
from portico.sandbox.charges import charges
from portico.sandbox.state import Project, Usage, World

# Without files nothing that is not text would come at all: the plain server has them, and is asked for base64.
PLAIN = [word for word in get_args(Comfort) if word != "files"]
MOST_CHARACTERS = 1_000_000


@dataclass
class House(Demo):
    """`plain` offers the vendor's calls as they are, `eased` what a server offers unless it is told otherwise."""

    async def players(self) -> tuple[Player, Player]:
        plain: dict[str, Any] = {"comforts_off": PLAIN, "secrets": "reveal", "result_limit": MOST_CHARACTERS}
        servers = [await self.maker.server(**config) for config in (plain, {})]
        first, second = [Player(server, await server.tools(), self.pass_) for server in servers]
        return first, second

    def pass_(self, seconds: float) -> None:
        self.clock.advance(seconds=seconds)
        self.world.advance(seconds)

    async def fetched(self, url: str) -> Got:
        """What lies at a link: ours, or one of the vendor's."""
        if HOST in url:
            path = "/" + url.partition("//")[2].partition("/")[2]
            return await exchange(self.gateway, "GET", path, "", {"host": HOST}, b"")
        async with aiohttp.ClientSession() as session, session.get(url) as answer:
            return Got(answer.status, {}, await answer.read())

    async def kept(self, content: bytes, name: str) -> str:
        """The id of a file that a person has put into the gateway."""
        body, kind = form(("file", name, "application/octet-stream", content))
        got = await self.client.send("POST", "/file", content=body, headers={"content-type": kind})
        assert got.status == 201, got.content
        return got.json["id"]

    def used(self, start: int, end: int | None = None) -> list[Usage]:
        """The sandbox's own book, from then on."""
        last = self.now if end is None else end
        return [each for each in self.organization.all_usage() if start <= each.at <= last]

    def spent(self, start: int) -> tuple[dict[str, int], dict[str, int]]:
        """Nano-dollars by the projects' names and by line item, the dearest first."""
        projects, items = Counter[str](), Counter[str]()
        for row in self.used(start):
            for charge in charges(row):
                projects[row.project_id] += charge.nano_dollars
                items[charge.line_item] += charge.nano_dollars
        held = self.organization.projects
        return {held[each].name: sums for each, sums in projects.most_common()}, dict(items.most_common())

    def active(self) -> list[Project]:
        return [each for each in self.organization.projects.values() if each.status == "active"]

    def moment(self, text: str) -> int:
        return int(datetime.fromisoformat(f"{text}T00:00:00+00:00").timestamp())


@asynccontextmanager
async def open_house(folder: Path) -> AsyncGenerator[House]:
    """Time stands still but for whoever waits, so that every run costs the same."""
    clock = HeldClock()
    clock.moment = datetime.fromisoformat(MOMENT)

    def pause(world: World) -> Callable[[float], Awaitable[None]]:
        async def pause(seconds: float) -> None:
            clock.advance(seconds=seconds)
            world.advance(seconds)
            await asyncio.sleep(0)

        return pause

    opened = open_stage(folder, tenant="demo", clock=clock, pause=pause, public_url=f"https://{HOST}")
    async with opened as stage:
        yield House(**vars(stage), clock=clock)
