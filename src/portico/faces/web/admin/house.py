"""What belongs to the whole Portico, for owners: its health, its settings, and new keys for all that is sealed."""

from typing import get_args

from starlette.routing import Route

from portico.faces.web.admin import words
from portico.faces.web.admin.frame import Frame, Turn
from portico.faces.web.page import Redirect, Reply
from portico.store.rotations import What

KEYS = "/admin/keys"
WHATS: dict[What, str] = {
    "all": "The root key and every data key",
    "data": "The data keys, which seal the environments' secrets",
    "root": "The root key, which wraps all others",
}
# State of a rotation → (tone of its badge, what it means).
ROTATIONS = {
    "waiting": ("warn", "A worker will take it up, or it waits for what is said below."),
    "working": ("warn", "Everything that is sealed is being sealed anew. No call fails meanwhile."),
    "settling": ("good", "Everything has new keys. The old ones stay readable for an hour, then they are destroyed."),
    "done": ("good", "Everything has new keys, and the old ones are gone."),
}


def routes(frame: Frame) -> list[Route]:
    return [
        frame.route_at("/admin/health", health),
        frame.route_at("/admin/settings", settings),
        frame.route_at(KEYS, keys, {"rotate": rotate}),
    ]


async def health(turn: Turn) -> Reply:
    return turn.page("health.html", "health", status=await turn.do("getStatus"), jobs=words.JOBS)


async def settings(turn: Turn) -> Reply:
    found = (await turn.do("listSettings"))["result"]
    return turn.page("settings.html", "settings", settings=found)


async def keys(turn: Turn) -> Reply:
    found = await turn.do("getKeys")
    last = found["rotation"]
    return turn.page(
        "keys.html",
        "keys",
        found=found,
        rotation=last,
        rotations=ROTATIONS,
        is_under_way=bool(last) and last["state"] in {"waiting", "working"},
        whats=[(name, WHATS[name]) for name in get_args(What)],
    )


async def rotate(turn: Turn) -> Reply:
    await turn.do("rotateKeys", body={"what": turn.visit.form.get("what", "all")})
    return Redirect(f"{KEYS}?said=rotation-begun")
