"""Calls under way in this process, so that a client of the handshake era can end one of its own by its id.

Such a client says `notifications/cancelled` in a request of its own, and there are no sessions to tell clients apart.
So a call is ended only where it is certain which one is meant: the same server, credential, address, program and id,
and no second call that answers to all of these. Whoever closes the stream instead needs none of this.
"""

import asyncio
from collections.abc import Awaitable
from typing import Any, TypeVar

import msgspec
from msgspec import UNSET

from portico.faces.mcp.wire import Message, ProtocolFault

T = TypeVar("T")
# JSON-RPC leaves it free, and the language server protocol uses it for this very thing.
CANCELLED = -32800
Place = tuple[str, ...]


class _Call:
    __slots__ = ("is_ended", "task")

    def __init__(self, task: "asyncio.Task[Any] | None") -> None:
        self.task, self.is_ended = task, False


class Running:
    def __init__(self) -> None:
        self._calls: dict[tuple[Place, str], list[_Call]] = {}

    async def run(self, place: Place, message: Message, work: Awaitable[T]) -> T:
        """The work's result; ProtocolFault where its client ended it in the meantime."""
        key, call = (place, _id_of(message)), _Call(asyncio.current_task())
        self._calls.setdefault(key, []).append(call)
        try:
            return await work
        except asyncio.CancelledError:
            if not call.is_ended or call.task is None:
                raise
            call.task.uncancel()
            raise ProtocolFault(CANCELLED, "The client cancelled this call.") from None
        finally:
            self._drop(key, call)

    def end(self, place: Place, message: Message) -> bool:
        """What `notifications/cancelled` asks for. Whether there was exactly one such call."""
        wanted: Any = message.arguments.get("requestId")
        found = self._calls.get((place, _written(wanted)), [])
        if len(found) != 1 or found[0].is_ended or found[0].task is None:
            return False
        found[0].is_ended = True
        found[0].task.cancel()
        return True

    def _drop(self, key: tuple[Place, str], call: _Call) -> None:
        left = [each for each in self._calls[key] if each is not call]
        if left:
            self._calls[key] = left
        else:
            del self._calls[key]


def _id_of(message: Message) -> str:
    return "" if message.id is UNSET else _written(msgspec.json.decode(message.id))


def _written(identity: Any) -> str:
    """An id however it was spelt: `1` and `1.0` differ, an escaped letter and the letter do not."""
    return msgspec.json.encode(identity).decode()
