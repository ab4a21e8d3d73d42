"""What is kept ready for the Unified API: the mappings that come with Portico, and a fence for others."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from portico.errors import Failure
from portico.shapes import Json

Shipped = Mapping[str, Mapping[str, Json]]  # integration → model → resource → method → mapping


class Fenced(Protocol):
    """Runs expressions; those of a tenant within limits of time and memory. `tenant` empty: they are ours."""

    async def run(self, tree: Any, scope: Json, name: str, items: Sequence[bytes], tenant: str) -> list[Any]: ...

    async def check(self, tree: Any, path: str, tenant: str) -> list[Failure]: ...

    async def close(self) -> None: ...


@dataclass(frozen=True, kw_only=True)
class Mappings:
    shipped: Shipped
    fence: Fenced
