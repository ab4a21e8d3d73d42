"""One organization behind one gateway for all tests of the user directory."""

from collections.abc import AsyncGenerator

import pytest
import pytest_asyncio

from tests.stage import Stage, open_stage
from tests.toolbox.conftest import larkfield
from tests.unified.directory import Directory, filled

__all__ = ["larkfield"]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def stage(tmp_path_factory: pytest.TempPathFactory) -> AsyncGenerator[Stage]:
    async with open_stage(tmp_path_factory.mktemp("unified")) as opened:
        yield opened


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def directory(stage: Stage) -> Directory:
    """Owner and seven readers, one open invitation, a role, a group, two workspaces."""
    return await filled(stage)
