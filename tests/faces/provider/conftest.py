"""One gateway and one provider for all of these tests; each finds both as in the beginning."""

from collections.abc import AsyncGenerator

import pytest
import pytest_asyncio

from tests.conftest import HeldClock
from tests.faces.oauth.program import person
from tests.faces.provider.gate import Gate, gate
from tests.issuer import issuing


@pytest_asyncio.fixture(scope="package", loop_scope="package")
async def opened(tmp_path_factory: pytest.TempPathFactory) -> AsyncGenerator[Gate]:
    clock = HeldClock()
    with issuing(clock) as issuer:
        async with gate(issuer, tmp_path_factory.mktemp("data"), clock) as made:
            await person(made.gateway, "keeper")
            yield made


@pytest.fixture
def door(opened: Gate) -> Gate:
    opened.reset()
    return opened
