"""Connections that wait for their next request, by where they lead."""

from portico.upstream.wire import Wire

KEEP_ALIVE_SECONDS = 15
MOST_FREE = 500
Key = tuple[str, bool]  # an origin, and whether the operator vouches for it


class Pool:
    """The one that was used last is taken first, so that those that are not needed end by themselves."""

    def __init__(self) -> None:
        self._free: dict[Key, list[Wire]] = {}
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def take(self, key: Key, *, is_certain: bool) -> Wire | None:
        """`is_certain`: one of which it is known that the other side has not closed it. A busy loop hears that late."""
        while free := self._free.get(key):
            wire = free.pop()
            self._count -= 1
            if not is_certain or not wire.has_been_left:
                return wire
            wire.close()
        return None

    def put(self, key: Key, wire: Wire) -> None:
        if self._count >= MOST_FREE:
            wire.close()
            return
        self._free.setdefault(key, []).append(wire)
        self._count += 1
        wire.rest(KEEP_ALIVE_SECONDS)

    def forget(self, key: Key, wire: Wire) -> None:
        """It is closed; perhaps it was waiting here."""
        free = self._free.get(key, [])
        if wire in free:
            free.remove(wire)
            self._count -= 1
        if not free:
            self._free.pop(key, None)

    def close(self) -> None:
        for free in list(self._free.values()):
            for wire in list(free):
                wire.close()
