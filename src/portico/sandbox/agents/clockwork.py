"""Lets a session live up to a moment of the clock: runs its scripts in order of time, whenever someone looks."""

import asyncio
import hashlib
from collections.abc import AsyncIterator

from portico.sandbox.agents.session import Process, Script, Session, Until
from portico.sandbox.shapes import Json

LOOK_SECONDS = 0.02
# How long a stream stays open with nothing to tell: between turns, and while a turn is waiting for something.
QUIET_SECONDS = 5.0
WAITING_SECONDS = 30.0
LEAST_QUIET_SECONDS = 0.4


def catch_up(session: Session, now: float) -> Session:
    while (process := _next(session, now)) is not None:
        session.moment = max(session.moment, process.due or 0.0)
        _step(session, process)
        session.tell_status()
    session.moment = max(session.moment, now)
    return session


def start(session: Session, script: Script, turn_id: str | None = None) -> None:
    """Begin a script now, in the time of the session; its first step is taken by the next `catch_up`."""
    session.started += 1
    if not session.is_registered:
        session.is_registered = True
        session.owner.project.pending.append(lambda now: _settle(session, now))
    session.processes.append(Process(script, session.started, session.moment, turn_id))


def wake(session: Session) -> None:
    """Let all scripts that wait for something look again."""
    for process in session.processes:
        if process.due is None:
            process.due = session.moment


def stop(session: Session, turn_id: str) -> None:
    """End the scripts of a turn where they are."""
    for process in [process for process in session.processes if process.turn_id == turn_id]:
        process.script.close()
        session.processes.remove(process)


def listen(session: Session) -> list[Json]:
    """From now on, every event of the session is put into this list."""
    heard: list[Json] = []
    session.listeners.append(heard)
    return heard


async def follow(session: Session, heard: list[Json], is_padded: bool, one_turn: bool = False) -> AsyncIterator[Json]:
    """Give out what is heard as the clock goes on, until it has been quiet for long, or until the turn is over."""
    try:
        quiet = 0.0
        while quiet < _patience(session) and _is_there(session):
            catch_up(session, session.owner.world.time())
            while heard:
                event = heard.pop(0)
                quiet = 0.0
                yield {**event, "obfuscation": _padding(event)} if is_padded else event
                if one_turn and event["type"] in ("agent.session.idle", "agent.session.failed"):
                    return
            if one_turn and session.status in ("idle", "failed"):
                return
            await asyncio.sleep(LOOK_SECONDS)
            quiet += LOOK_SECONDS
    finally:
        session.listeners.remove(heard)


def _settle(session: Session, now: float) -> bool:
    catch_up(session, now)
    session.is_registered = bool(session.processes)
    return not session.is_registered


def _next(session: Session, now: float) -> Process | None:
    ripe = [process for process in session.processes if process.due is not None and process.due <= now]
    return min(ripe, key=lambda process: (process.due, process.number), default=None)


def _step(session: Session, process: Process) -> None:
    try:
        pause = next(process.script)
    except StopIteration:
        session.processes.remove(process)
        return
    if isinstance(pause, Until):
        process.due = max(pause.moment, session.moment)
    else:
        process.due = None if pause is None else session.moment + pause * session.owner.world.pace


def _patience(session: Session) -> float:
    if session.status in ("idle", "failed"):
        return max(LEAST_QUIET_SECONDS, QUIET_SECONDS * min(1.0, session.owner.world.pace))
    return WAITING_SECONDS


def _is_there(session: Session) -> bool:
    """False after a deletion, and after the whole world was put back to its beginning."""
    organization = session.owner.organization
    return not session.is_deleted and any(each is organization for each in session.owner.world.organizations.values())


def _padding(event: Json) -> str:
    """Letters of varying number, which hide the length of what is said."""
    digest = hashlib.sha256(event["event_id"].encode()).hexdigest()
    return digest[: 8 + int(digest[0], 16)]
