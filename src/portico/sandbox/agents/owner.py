"""On whose behalf something of the agents runs, so that it can go on when others look at it."""

from dataclasses import dataclass

from portico.sandbox.shelves import Collection, Kind, T
from portico.sandbox.state import Organization, Project, World
from portico.sandbox.wire import Ask


@dataclass(frozen=True, slots=True)
class Owner:
    world: World
    organization: Organization
    project: Project
    user_id: str
    key_id: str

    @classmethod
    def of(cls, ask: Ask) -> "Owner":
        return cls(ask.world, ask.organization, ask.project, ask.key.owner_id, ask.key.id)

    def new_id(self, prefix: str) -> str:
        return self.world.new_id(prefix)

    def held(self, kind: Kind[T]) -> Collection[T]:
        return self.project.shelf.of(kind)
