"""Collections of things: in order of creation, found by id, remembering where the deleted ones stood."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar, cast

from portico.sandbox.refusals import no_such

T = TypeVar("T")


# No slots: a frozen generic dataclass with slots can't be made through its alias on Python 3.11.
@dataclass(frozen=True, eq=False)
class Kind(Generic[T]):
    """Names a collection: `FILES = Kind[File]("file", "file-")`. The prefix begins the ids of its things.

    Things belong to the project of the key unless `organization_wide`.
    """

    noun: str
    prefix: str
    organization_wide: bool = False


@dataclass(frozen=True)
class Rows(Generic[T]):
    """Some of a collection, oldest first. `born` also places ids that are gone: a cursor outlives its row."""

    held: Mapping[str, T]
    born: Mapping[str, int]


def rows_of(held: Mapping[str, T]) -> Rows[T]:
    """Rows of things that are kept elsewhere, in the order given."""
    return Rows(held, {identity: place for place, identity in enumerate(held)})


class Collection(Generic[T]):
    def __init__(self, noun: str) -> None:
        self.noun = noun
        self._held: dict[str, T] = {}
        self._born: dict[str, int] = {}

    def __len__(self) -> int:
        return len(self._held)

    def __iter__(self) -> Iterator[T]:
        return iter(list(self._held.values()))

    def __contains__(self, identity: str) -> bool:
        return identity in self._held

    def add(self, identity: str, thing: T) -> T:
        """Keep a thing, as the newest; a thing with the same id is replaced where it stood."""
        self._born.setdefault(identity, len(self._born))
        self._held[identity] = thing
        return thing

    def look(self, identity: str) -> T | None:
        return self._held.get(identity)

    def get(self, identity: str) -> T:
        """The thing, or OpenAI's 404."""
        if identity not in self._held:
            raise no_such(self.noun, identity)
        return self._held[identity]

    def remove(self, identity: str) -> T:
        """Take a thing out and return it, or OpenAI's 404."""
        thing = self.get(identity)
        del self._held[identity]
        return thing

    def rows(self, where: Callable[[T], bool] | None = None) -> Rows[T]:
        if where is None:
            return Rows(dict(self._held), self._born)
        return Rows({identity: thing for identity, thing in self._held.items() if where(thing)}, self._born)


class Shelf:
    """All collections of one project or one organization."""

    def __init__(self) -> None:
        self._collections: dict[Kind[Any], Collection[Any]] = {}

    def of(self, kind: Kind[T]) -> Collection[T]:
        if kind not in self._collections:
            self._collections[kind] = Collection[Any](kind.noun)
        return cast("Collection[T]", self._collections[kind])
