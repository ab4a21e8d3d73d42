"""The right to be the only one at something, on both engines and between replicas."""

import asyncio
from pathlib import Path
from typing import Any, cast

from portico.gateway.idempotency import Claim, Idempotency
from portico.store.database import Database
from portico.store.engines import open_database
from portico.store.replays import Replays
from tests.conftest import HeldClock
from tests.store.rows import make_home

LEASE_SECONDS = 900
PLACE = "composed:a:tool"


def replica(database: Database, clock: HeldClock) -> Idempotency:
    keyring = cast(Any, None)  # a hold keeps nothing that would have to be sealed
    return Idempotency(Replays(database), keyring, clock, lease_seconds=LEASE_SECONDS, keep_hours=24)


async def test_only_one_of_all_replicas_holds_a_thing_until_it_is_given_back_or_the_lease_ends(
    database: Database, database_url: str, tmp_path: Path, clock: HeldClock
) -> None:
    home = await make_home(database)
    second = await open_database(database_url, tmp_path)
    try:
        both = replica(database, clock), replica(second, clock)
        got = await asyncio.gather(*(each.hold(home.caller, PLACE, "project Larks") for each in both * 4))
        (held,) = [each for each in got if isinstance(each, Claim)]
        assert await both[1].hold(home.caller, PLACE, "project Owls") is not None
        await held.give_back()
        assert await both[1].hold(home.caller, PLACE, "project Larks") is not None
        assert await both[0].hold(home.caller, PLACE, "project Larks") is None
        clock.advance(seconds=LEASE_SECONDS + 1)
        assert await both[0].hold(home.caller, PLACE, "project Larks") is not None
    finally:
        await second.close()
