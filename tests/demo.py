"""The demo organization behind a gateway, with a clock that stands still and a look at what only the sandbox knows."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from portico.sandbox.keys import Key
from portico.sandbox.state import Organization, Project
from tests.conftest import HeldClock
from tests.faces.mcp.speaker import HOST, Maker
from tests.stage import Stage, open_stage

# A Wednesday in the middle of a month, of a quarter and of a day.
MOMENT = "2026-11-18T15:30:20+00:00"


@dataclass
class Demo(Stage):
    """The stage with what only the sandbox knows, to check answers against."""

    clock: HeldClock

    @property
    def maker(self) -> Maker:
        """Makes MCP servers of the account."""
        return Maker(self.client, self.account_id)

    @property
    def organization(self) -> Organization:
        return self.world.organization("demo")

    def project(self, name: str) -> Project:
        return next(each for each in self.organization.projects.values() if each.name == name)

    def key(self, name: str) -> Key:
        """The key of that name, of which there must be one."""
        (key,) = [each for each in self.world.keys.by_secret.values() if each.name == name]
        return key

    def user_id(self, email: str) -> str:
        return next(each.id for each in self.organization.users.values() if each.email.startswith(email))

    @property
    def now(self) -> int:
        return int(self.clock().timestamp())

    def listed(self, path: str) -> int:
        """How often a list was asked for since the last `clear`."""
        return sum(entry.verb == "GET" for entry in self.seen(path) if entry.raw_path.partition("?")[0] == path)

    def begin_again(self) -> None:
        """The organization is as it was at the beginning, at the held moment, and nothing of before is remembered."""
        self.world.reset()
        self.clock.moment = datetime.fromisoformat(MOMENT)
        self.world.turn_to(self.clock.moment.timestamp())
        self.gateway.parts.written.note(self.account_id)
        assert self.organization.projects
        self.clear()


@asynccontextmanager
async def open_demo(folder: Path) -> AsyncGenerator[Demo]:
    clock = HeldClock()
    clock.moment = datetime.fromisoformat(MOMENT)
    async with open_stage(folder, tenant="demo", clock=clock, public_url=f"https://{HOST}") as stage:
        yield Demo(**vars(stage), clock=clock)
