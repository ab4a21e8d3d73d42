"""Every hostile mapping that is known, at the fence's own limits: each ends by itself and hurts nobody."""

import pytest

from portico.unified.fence import WALL_SECONDS
from tests.unified.test_mapping import ENDLESS, HUNGRY, hostile

pytestmark = pytest.mark.outside


@pytest.mark.parametrize("expression", [*ENDLESS, *HUNGRY], ids=lambda each: each[:30])
async def test_hostile_mapping_ends_within_its_limits(expression: str) -> None:
    await hostile(expression, WALL_SECONDS)
