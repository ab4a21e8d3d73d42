"""An agent that follows a script: it calls tools over MCP and counts what passes through a model's context."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from msgspec import Struct
from tests.faces.mcp.speaker import Json, Speaker

from portico.toolbox.discovery import tokens_in


class Cost(Struct, frozen=True):
    """What one request took. Tokens are of definitions, arguments and results."""

    calls: int = 0
    definitions: int = 0
    arguments: int = 0
    results: int = 0

    @property
    def tokens(self) -> int:
        return self.definitions + self.arguments + self.results


@dataclass
class Player:
    """On one server, whose tools it knows. `pass_` lets time pass, as an agent does that looks again later."""

    server: Speaker
    tools: dict[str, Json]
    pass_: Callable[[float], None]
    used: set[str] = field(default_factory=set[str])
    said: list[Json] = field(default_factory=list[Json])
    seen: list[Json] = field(default_factory=list[Json])

    def begin(self) -> None:
        """Another request, with an empty context."""
        self.used, self.said, self.seen = set(), [], []

    @property
    def cost(self) -> Cost:
        """A definition counts once for each tool that was used: a client that loads more pays more, either way."""
        shown = [self.tools[name] for name in sorted(self.used)]
        return Cost(
            calls=len(self.said),
            definitions=tokens_in(*([each["name"], each["description"], each["inputSchema"]] for each in shown)),
            arguments=tokens_in(*self.said),
            results=tokens_in(*self.seen),
        )

    async def ask(self, name: str, arguments: Json | None = None) -> Json:
        self.used.add(name)
        self.said.append({"name": name, "arguments": arguments or {}})
        self.seen.append(await self.server.value(name, arguments))
        return self.seen[-1]

    async def pages(self, name: str, arguments: Json | None = None) -> list[Any]:
        """All items of a list, page after page."""
        items: list[Any] = []
        cursor: Json = {}
        while True:
            page = await self.ask(name, {**(arguments or {}), **cursor})
            items += page["result"]
            if not page.get("next_cursor"):
                return items
            cursor = {"next_cursor": page["next_cursor"]}


def rows(table: Json) -> list[Json]:
    """A table's rows by the names of its columns."""
    return [dict(zip(table["columns"], row, strict=True)) for row in table["rows"]]
