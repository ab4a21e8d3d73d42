"""Rotations of keys, carried on by whichever worker takes them up."""

from datetime import timedelta

from portico.gateway import rotation
from portico.gateway.parts import Parts
from portico.jobs.outcome import DONE, Outcome
from portico.store.jobs import Job
from portico.store.rotations import Rotations

LOOK_AGAIN = timedelta(seconds=2)


class Rotator:
    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    async def rotate(self, job: Job) -> Outcome:
        found = await Rotations(self._parts.database).get(job.subject)
        if found is None:
            return DONE
        carried = await rotation.carry_on(found, self._parts)
        if carried.state == "done":
            return DONE
        if carried.state == "settling" and carried.settled_at is not None:
            return Outcome(again_at=carried.settled_at + rotation.SETTLE)
        return Outcome(again_at=self._parts.clock() + LOOK_AGAIN)
