"""Keeps the ids of the demo's jobs the same from run to run, whatever else has drawn from the world's random source."""

import random
from collections.abc import Generator
from contextlib import contextmanager

from portico.sandbox.state import World


@contextmanager
def steady(world: World, name: str) -> Generator[None]:
    """As long as the block lasts, the world draws from a source of that name."""
    usual = world.random
    # Like the source whose place it takes: for ids that repeat, not for secrets.
    world.random = random.Random(name)  # noqa: S311 -- invented data
    try:
        yield
    finally:
        world.random = usual
