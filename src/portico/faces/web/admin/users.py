"""Users, for owners: who may sign in, as what, where; and their sessions, which an owner can end."""

from typing import Any

from starlette.routing import Route

from portico.faces.web.admin.frame import Frame, Turn
from portico.faces.web.page import Redirect, Reply
from portico.model.person import ROLES
from portico.shapes import Json

PATH = "/admin/users"
MOST_SESSIONS = 200


def routes(frame: Frame) -> list[Route]:
    return [
        frame.route_at(PATH, show_all, {"create": create, "end": end_anybodys}),
        frame.route_at(
            PATH + "/{id}",
            show_one,
            {
                "change": change,
                "disable": disable,
                "enable": enable,
                "password": set_password,
                "end": end_session,
                "end-all": end_sessions,
                "link": link,
                "unlink": unlink,
            },
        ),
    ]


async def show_all(turn: Turn, **shown: Any) -> Reply:
    found = await turn.do("listUsers", query=turn.paging())
    return turn.page(
        "users.html",
        "users",
        users=found["result"],
        names=_names(turn),
        next_page=turn.next_page(found["next_cursor"]),
        cursor=turn.asked("cursor"),
        roles=_roles(),
        made={"name": "", "password": "", **shown},
        everybodys=(await turn.do("listAllSessions", query=[("limit", str(MOST_SESSIONS))]))["result"],
    )


async def create(turn: Turn) -> Reply:
    form = turn.visit.form
    body: Json = {
        "name": form.get("name", ""),
        "role": form.get("role", ""),
        "environments": turn.visit.every("environments"),
        "password": form.get("password", ""),
    }
    made = await turn.do("createUser", body=body)
    turn.visit.fields = []
    return await show_all(turn, name=made["name"], password=made["password"] or "as you set it")


async def end_anybodys(turn: Turn) -> Reply:
    form = turn.visit.form
    await turn.do("endUserSession", path={"id": form.get("user", ""), "session_id": form.get("session", "")})
    return Redirect(f"{PATH}?said=session-ended")


async def show_one(turn: Turn, **shown: Any) -> Reply:
    user = await turn.do("getUser", path=turn.ids)
    sessions = await turn.do("listUserSessions", path=turn.ids)
    return turn.page(
        "user.html",
        "users",
        user=user,
        sessions=sessions["result"],
        identities=(await turn.do("listUserIdentities", path=turn.ids))["result"],
        provider=turn.parts.provider.configured.label if turn.parts.provider else "",
        roles=_roles(),
        made={"password": "", **shown},
    )


async def change(turn: Turn) -> Reply:
    body: Json = {"role": turn.visit.form.get("role", ""), "environments": turn.visit.every("environments")}
    return await _changed(turn, body, "user-changed")


async def disable(turn: Turn) -> Reply:
    return await _changed(turn, {"is_disabled": True}, "user-disabled")


async def enable(turn: Turn) -> Reply:
    return await _changed(turn, {"is_disabled": False}, "user-enabled")


async def set_password(turn: Turn) -> Reply:
    made = await turn.do("setUserPassword", path=turn.ids)
    return await show_one(turn, password=made["password"])


async def end_session(turn: Turn) -> Reply:
    await turn.do("endUserSession", path={**turn.ids, "session_id": turn.visit.form.get("session", "")})
    return Redirect(f"{PATH}/{turn.ids['id']}?said=session-ended")


async def end_sessions(turn: Turn) -> Reply:
    await turn.do("endUserSessions", path=turn.ids)
    return Redirect(f"{PATH}/{turn.ids['id']}?said=sessions-ended")


async def link(turn: Turn) -> Reply:
    await turn.do("linkUser", path=turn.ids, body={"subject": turn.visit.form.get("subject", "")})
    return Redirect(f"{PATH}/{turn.ids['id']}?said=user-linked")


async def unlink(turn: Turn) -> Reply:
    await turn.do("unlinkUser", path=turn.ids)
    return Redirect(f"{PATH}/{turn.ids['id']}?said=user-unlinked")


async def _changed(turn: Turn, body: Json, said: str) -> Reply:
    await turn.do("updateUser", path=turn.ids, body=body)
    return Redirect(f"{PATH}/{turn.ids['id']}?said={said}")


def _roles() -> list[tuple[str, str, str]]:
    return [(name, name, meaning) for name, meaning in ROLES.items()]


def _names(turn: Turn) -> dict[str, str]:
    return {each.id: each.name for each in turn.environments}
