"""New keys for everything that is sealed, while everything runs: begun by somebody, carried on by any worker.

What is left to do is always found in the database itself, so a rotation that was cut off anywhere goes on from there.
Old keys stay readable for an hour, for whatever was under way, and are destroyed once nothing uses them.
"""

from datetime import timedelta
from typing import Any

from msgspec import structs

from portico.clock import iso
from portico.errors import Refusal
from portico.gateway import resealing
from portico.gateway.heartbeat import LIVING_SECONDS
from portico.gateway.parts import Parts
from portico.model.account import EnvironmentId
from portico.model.caller import Caller
from portico.store.database import Session
from portico.store.ids import new_id
from portico.store.keys import RootKey
from portico.store.replicas import Replicas
from portico.store.rotations import Rotation, Rotations, What
from portico.vault.envelope import KeyWrapper

JOB = "rotate"
# Jobs that belong to no environment.
EVERYWHERE = EnvironmentId("")
SETTLE = timedelta(hours=1)
REWRAP_BATCH = 50


class RotationUnderWay(Refusal):
    """Keys are being rotated already; `portico keys status` shows how far that is."""

    status = 409
    code = "rotation_under_way"


async def begin(caller: Caller, what: What, parts: Parts) -> Rotation:
    """Write down that keys are to be rotated; a worker takes it up. KeyRefused where there is no new root key."""
    rotations, moment = Rotations(parts.database), parts.clock()
    await _check_none_under_way(rotations)
    target = await _new_root(parts) if what != "data" else None
    rotation = Rotation(
        id=new_id(),
        what=what,
        state="waiting",
        root_key=target.id if target else "",
        started_by=caller.name,
        started_at=moment,
        updated_at=moment,
    )
    async with parts.database.transaction() as session:
        await parts.database.lock_schema(session)
        await _check_none_under_way(rotations, session)
        await rotations.add(session, rotation)
        await parts.later.jobs.add(session, EVERYWHERE, JOB, rotation.id, moment)
        await parts.audit.add(session, caller, "keys.rotation_started", rotation.id, moment, what=what)
    return rotation


async def carry_on(rotation: Rotation, parts: Parts) -> Rotation:
    """As far as it goes now; its state tells what is next. Any number of times, from wherever it was cut off."""
    if rotation.state == "done":
        return rotation
    if rotation.state == "settling":
        return await _retire(rotation, parts)
    if waits_for := await _switch_root(rotation, parts):
        return await _written(structs.replace(rotation, state="waiting", note=waits_for), parts)
    if rotation.what != "root":
        await _make_data_keys(rotation, parts)
    total = rotation.done + await resealing.count(parts.database)
    rotation = await _written(structs.replace(rotation, state="working", note="", total=total), parts)
    await _rewrap(rotation, parts)
    swept = await _reseal(rotation, parts)
    note = f"{swept.unreadable} values could not be opened and keep their old key." if swept.unreadable else ""
    done = rotation.done + swept.done
    ended = structs.replace(
        rotation, state="settling", note=note, done=done, total=max(done, rotation.total), settled_at=parts.clock()
    )
    return await _written(ended, parts)


async def status(parts: Parts) -> dict[str, Any]:
    """Every root key, the data keys counted, and the last rotation."""
    rotations = Rotations(parts.database)
    held = set(parts.keyring.roots.ids())
    counts, last = await rotations.counts(), await rotations.last()
    replicas = await Replicas(parts.database).living(LIVING_SECONDS)
    return {
        "root_keys": [_shown_root(each, held, parts) for each in await parts.keyring.keys.roots()],
        "data_keys": {
            "in_use": counts.in_use,
            "superseded": counts.superseded,
            "retired": counts.retired,
            "oldest_in_use": iso(counts.oldest_in_use) if counts.oldest_in_use else None,
        },
        "rotation": shown(last[0]) if last else None,
        "replicas": [{"id": each.id, "host": each.host, "version": each.version, "root_keys": list(each.root_keys)}
                     for each in replicas],
    }  # fmt: skip


def shown(rotation: Rotation) -> dict[str, Any]:
    return {
        "id": rotation.id,
        "what": rotation.what,
        "state": rotation.state,
        "root_key": rotation.root_key or None,
        "total": rotation.total,
        "done": rotation.done,
        "note": rotation.note or None,
        "started_by": rotation.started_by,
        "started_at": iso(rotation.started_at),
        "updated_at": iso(rotation.updated_at),
        "settled_at": iso(rotation.settled_at) if rotation.settled_at else None,
        "finished_at": iso(rotation.finished_at) if rotation.finished_at else None,
    }


def _shown_root(root: RootKey, held: set[str], parts: Parts) -> dict[str, Any]:
    state = "retired" if root.retired_at else "superseded" if root.superseded_at else "in use"
    return {
        "id": root.id,
        "state": state,
        "is_held": root.id in held or parts.keyring.roots.get(root.id) is not None,
        "created_at": iso(root.created_at),
        "superseded_at": iso(root.superseded_at) if root.superseded_at else None,
        "retired_at": iso(root.retired_at) if root.retired_at else None,
    }


async def _check_none_under_way(rotations: Rotations, session: Session | None = None) -> None:
    last = await rotations.last(session)
    if last and last[0].state in {"waiting", "working"}:
        raise RotationUnderWay


async def _new_root(parts: Parts) -> KeyWrapper:
    """The root key to rotate to: one that was given and is not in use yet, or one made now."""
    roots = parts.keyring.roots
    known = {each.id for each in await parts.keyring.keys.roots()}
    wanted = await roots.wanted()
    if wanted.id not in known:
        return wanted
    if roots.service is not None:
        return await roots.service.rotate()
    if roots.local()[0].id not in known:
        return roots.local()[0]
    return roots.add_to_file()


async def _switch_root(rotation: Rotation, parts: Parts) -> str:
    """What it still waits for; "" once the new root key is in use."""
    target, keys = rotation.root_key, parts.keyring.keys
    current = await keys.current_root()
    if not target or (current is not None and current.id == target):
        return ""
    root = parts.keyring.roots.get(target)
    if root is None:
        return f"This process does not hold the root key {target}."
    if parts.keyring.roots.service is None or not parts.keyring.roots.service.owns(target):
        living = await Replicas(parts.database).living(LIVING_SECONDS)
        if behind := [each.host for each in living if target not in each.root_keys]:
            return f"{', '.join(sorted(behind))} does not hold the root key {target} yet: restart it with both keys."
    pepper = await parts.keyring.wrap_pepper(root)
    async with parts.database.transaction() as session:
        await keys.use_root(session, root.id, pepper, parts.clock())
        await parts.changes.tell(session, "keys")
    parts.changes.apply("keys")
    return ""


async def _make_data_keys(rotation: Rotation, parts: Parts) -> None:
    """One for each environment whose own is older than the rotation."""
    rotations = Rotations(parts.database)
    for environment_id in await rotations.outdated(rotation.started_at):
        made = await parts.keyring.make(environment_id)
        async with parts.database.transaction() as session:
            await rotations.supersede(session, made, rotation.started_at, parts.clock())
            await parts.changes.tell(session, "keys")
    parts.changes.apply("keys")


async def _rewrap(rotation: Rotation, parts: Parts) -> None:
    if not rotation.root_key:
        return
    rotations, root = Rotations(parts.database), parts.keyring.roots.get(rotation.root_key)
    while root is not None and (found := await rotations.wrapped_elsewhere(root.id, REWRAP_BATCH)):
        fresh = [(key, await parts.keyring.rewrapped(key, root)) for key in found]
        async with parts.database.transaction() as session:
            for key, wrapped in fresh:
                await parts.keyring.keys.rewrap(session, key, wrapped, root.id)


async def _reseal(rotation: Rotation, parts: Parts) -> resealing.Swept:
    rotations = Rotations(parts.database)

    async def progress(session: Session, done: int) -> None:
        counted = structs.replace(rotation, done=rotation.done + done)
        await rotations.update(session, counted, parts.clock())

    return await resealing.sweep(parts.database, parts.keyring, progress)


async def _retire(rotation: Rotation, parts: Parts) -> Rotation:
    """Destroy what nothing uses any more. What was written late under an old key gets a new one first."""
    moment = parts.clock()
    if rotation.settled_at is not None and moment < rotation.settled_at + SETTLE:
        return rotation
    await _rewrap(rotation, parts)
    swept = await _reseal(rotation, parts)
    rotation = structs.replace(rotation, done=rotation.done + swept.done)
    async with parts.database.transaction() as session:
        kept = await _retire_data_keys(session, moment, parts)
        kept += await _retire_roots(session, rotation, parts)
        note = f"{kept} old keys are still used by values that cannot be opened, and stay." if kept else ""
        ended = structs.replace(rotation, state="done", note=note, finished_at=moment)
        await Rotations(parts.database).update(session, ended, moment)
        await parts.changes.tell(session, "keys")
    parts.changes.apply("keys")
    return ended


async def _retire_data_keys(session: Session, moment: Any, parts: Parts) -> int:
    rotations, kept = Rotations(parts.database), 0
    for key in await rotations.superseded(moment - SETTLE):
        if await resealing.uses_of(session, key):
            kept += 1
        else:
            await rotations.retire(session, key, moment)
    return kept


async def _retire_roots(session: Session, rotation: Rotation, parts: Parts) -> int:
    if not rotation.root_key:
        return 0
    rotations, kept = Rotations(parts.database), 0
    for root in await parts.keyring.keys.roots(session):
        if root.superseded_at is None or root.retired_at is not None or root.id == rotation.root_key:
            continue
        if await rotations.wrapped_by(session, root.id):
            kept += 1
        else:
            await parts.keyring.keys.retire_root(session, root.id, parts.clock())
    return kept


async def _written(rotation: Rotation, parts: Parts) -> Rotation:
    async with parts.database.transaction() as session:
        await Rotations(parts.database).update(session, rotation, parts.clock())
    return rotation
