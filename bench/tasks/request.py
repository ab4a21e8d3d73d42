"""One thing that somebody asks for: how it is done with plain calls, how with the comforts, and what is right."""

from typing import Any, ClassVar

from bench.tasks.house import House
from bench.tasks.player import Player


class Request:
    """A request says in `asked` what is wanted. Both ways give the same answer, from what the tools told alone; the
    right one comes from the sandbox's own books."""

    asked: ClassVar[str]
    # Whether it changes something: then the organization is as it was at the beginning before each way.
    changes: ClassVar[bool] = False

    def __init__(self, house: House) -> None:
        self.house = house

    async def prepare(self) -> None:
        """What must be there before somebody can ask."""

    async def plainly(self, agent: Player) -> Any:
        raise NotImplementedError

    async def with_comforts(self, agent: Player) -> Any:
        raise NotImplementedError

    def right(self) -> Any:
        raise NotImplementedError

    async def check(self, answer: Any, agent: Player) -> None:
        assert answer == self.right(), (answer, self.right())


async def ids_of_projects(agent: Player) -> dict[str, str]:
    """Ids by names, as somebody must know them who cannot say names."""
    return {each["name"]: each["id"] for each in await agent.pages("list_all_openai_projects", {"limit": 100})}
