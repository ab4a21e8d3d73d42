"""`portico keys …`: the keys that seal everything. Works on the database itself, for whoever sits at the machine."""

import asyncio
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from portico.cli.api import JsonOption
from portico.cli.local import opened
from portico.cli.progress import told
from portico.cli.say import complain, say, say_json, say_table
from portico.cli.serve import run
from portico.store.rotations import What

if TYPE_CHECKING:
    from portico.gateway.parts import Parts
    from portico.store.rotations import Rotation

_LOOK_SECONDS = 0.2
WhatOption = Annotated[What, Parameter(name="--what", help="root, data or all.")]


def status(*, json: JsonOption = False) -> int:
    """Show which keys there are, who holds them, and how far the last rotation is."""

    async def main() -> int:
        from portico.gateway import rotation

        async with opened() as portico:
            found = await rotation.status(portico.parts)
        say_json(found) if json else _tell(found)
        return 0

    return run(main())


def rotate(*, what: WhatOption = "all", json: JsonOption = False) -> int:
    """Give everything that is sealed new keys, while everything runs; goes on with a rotation that was cut off.

    Serving processes may go on as they are. Interrupted here, it is carried on by any of them.
    """

    async def main() -> int:
        async with opened() as portico:
            ended = await _rotate(portico.parts, what)
        if json:
            from portico.gateway.rotation import shown

            say_json(shown(ended))
        else:
            say(_outcome(ended))
        return 0

    return run(main())


async def _rotate(parts: "Parts", what: What) -> "Rotation":
    from portico.gateway import rotation
    from portico.gateway.bootstrap import ensure_first_environment
    from portico.gateway.later import system_caller
    from portico.store.rotations import Rotations

    rotations = Rotations(parts.database)
    caller = system_caller((await ensure_first_environment(parts)).id)
    try:
        begun = await rotation.begin(caller, what, parts)
    except rotation.RotationUnderWay:
        begun = (await rotations.last())[0]
        complain("A rotation is under way already; going on with it.")
    return await _follow(parts, begun.id)


async def _follow(parts: "Parts", rotation_id: str) -> "Rotation":
    """Work on it, or look on while somebody else does."""
    from portico.gateway.rotation import JOB
    from portico.jobs.worker import Worker
    from portico.store.rotations import Rotations

    rotations, worker = Rotations(parts.database), Worker(parts)
    working: asyncio.Task[bool] | None = None
    with told("Rotating keys") as progress:
        while True:
            found = await rotations.get(rotation_id)
            if found is None or (found.state in {"settling", "done"} and (working is None or working.done())):
                break
            progress.count(found.done, found.total, found.note)
            if working is None or working.done():
                working = asyncio.create_task(worker.work_on(JOB, rotation_id))
            await asyncio.wait([working], timeout=_LOOK_SECONDS)
            if working.done() and not working.result():
                await asyncio.sleep(_LOOK_SECONDS)
    if found is None:
        raise RuntimeError("The rotation is gone.")
    return found


def _outcome(rotation: "Rotation") -> str:
    sentences = ["1 value has a new key." if rotation.done == 1 else f"{rotation.done} values have new keys."]
    if rotation.root_key:
        sentences.append(f"The root key is {rotation.root_key} now.")
    if rotation.state == "settling":
        sentences.append(
            "Old keys stay readable for an hour, for what was under way; then a serving process (or this command, run "
            "again) destroys those that nothing uses. Keep the old root key until `portico keys status` calls it "
            "retired, and longer if you want to restore older backups."
        )
    return " ".join([*sentences, rotation.note]).strip()


def _tell(found: dict[str, Any]) -> None:
    rows = [
        (each["id"], each["state"], "yes" if each["is_held"] else "no", each["created_at"][:19])
        for each in found["root_keys"]
    ]
    say_table(("root key", "state", "held here", "since"), rows, "There are no root keys.")
    data = found["data_keys"]
    say(f"Data keys: {data['in_use']} in use, {data['superseded']} superseded, {data['retired']} retired.")
    for each in found["replicas"]:
        say(f"Serving: {each['host']} (version {each['version']}), holds {', '.join(each['root_keys']) or 'Vault'}.")
    last = found["rotation"]
    if last:
        note = f" {last['note']}" if last["note"] else ""
        say(f"Last rotation ({last['what']}): {last['state']}, {last['done']} of {last['total']} values.{note}")
