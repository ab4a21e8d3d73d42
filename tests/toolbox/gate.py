"""A stage with vector stores to be deleted, and with brakes: something can happen on it while a call waits."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from portico.sandbox.state import World
from tests.conftest import HeldClock
from tests.faces.mcp.speaker import HOST, Json, Maker, Speaker
from tests.stage import Stage, open_stage

DELETE, UPDATE, GET = (
    "delete_a_openai_vector_store_by_id",
    "update_a_openai_vector_store_by_id",
    "get_single_openai_vector_store_by_id",
)
CREATE, LIST = "create_a_openai_vector_store", "list_all_openai_vector_stores"


@dataclass
class Gate:
    """A stage on which something can happen while a call waits."""

    stage: Stage
    clock: HeldClock
    meanwhile: list[Callable[[], Awaitable[Any]]] = field(default_factory=list[Callable[[], Awaitable[Any]]])
    waited: float = 0.0
    pause_seconds: float = 0.0  # in earnest, so that a program's answer has time to arrive

    async def server(self, confirm: str = "destructive", **config: Any) -> Speaker:
        return await Maker(self.stage.client, self.stage.account_id).server(confirm=confirm, **config)

    async def store(self, name: str) -> str:
        return (await self.stage.value(CREATE, {"name": name, "metadata": {"team": "blue", "keep": "yes"}}))["id"]

    async def approvals(self, state: str = "pending") -> list[Json]:
        got = await self.stage.client.get("/approval", state=state, limit=1000)
        assert got.status == 200
        return got.json["result"]

    async def decide(self, deed: str = "approve", reason: str = "") -> Json:
        """On the newest that waits."""
        newest = (await self.approvals())[0]
        got = await self.stage.client.post(f"/approval/{newest['id']}/{deed}", {"reason": reason})
        assert got.status == 200, got.content
        return got.json

    async def exists(self, store: str) -> bool:
        return not (await self.stage.tool(GET, {"id": store}))["is_error"]


@asynccontextmanager
async def open_gate(folder: Path) -> AsyncGenerator[Gate]:
    clock, gates = HeldClock(), list[Gate]()

    def pausing(world: World) -> Any:
        async def pause(seconds: float) -> None:
            gate = gates[0]
            gate.waited += seconds
            if gate.meanwhile:
                await gate.meanwhile.pop(0)()
            await asyncio.sleep(gate.pause_seconds)

        return pause

    async with open_stage(folder, clock=clock, pause=pausing, public_url=f"https://{HOST}") as stage:
        gates.append(Gate(stage, clock))
        yield gates[0]
