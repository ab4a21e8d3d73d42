"""One stage for all tests of a module: the gateway, its sandbox and a connected account."""

from collections.abc import AsyncGenerator

import pytest
import pytest_asyncio

from tests.stage import Stage, open_stage


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shared_stage(tmp_path_factory: pytest.TempPathFactory) -> AsyncGenerator[Stage]:
    async with open_stage(tmp_path_factory.mktemp("stage")) as stage:
        yield stage


@pytest.fixture
def stage(shared_stage: Stage) -> Stage:
    """The module's stage, without the faults and the memory of the test before."""
    shared_stage.clear()
    return shared_stage
