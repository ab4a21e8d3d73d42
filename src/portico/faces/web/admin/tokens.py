"""API tokens of an environment: what programs of one's own call Portico with."""

from datetime import timedelta
from typing import Any

from starlette.routing import Route

from portico.clock import iso
from portico.faces.web.admin.frame import Frame, Turn
from portico.faces.web.page import Reply
from portico.model.caller import DEFAULT_SCOPES, SCOPES
from portico.shapes import Json

LIVES = (("", "Never"), ("1", "In a day"), ("30", "In 30 days"), ("90", "In 90 days"), ("365", "In a year"))


def routes(frame: Frame) -> list[Route]:
    return [frame.route("/tokens", show, {"create": create, "revoke": revoke})]


async def show(turn: Turn, **shown: Any) -> Reply:
    is_allowed = turn.may("listApiTokens")
    found: Json = (
        await turn.do("listApiTokens", query=turn.paging()) if is_allowed else {"result": [], "next_cursor": None}
    )
    scopes = [(name, f"{name}: {meaning}") for name, meaning in SCOPES.items() if turn.caller.may(name)]
    return turn.page(
        "tokens.html",
        "tokens",
        is_allowed=is_allowed,
        tokens=found["result"],
        next_page=turn.next_page(found["next_cursor"]),
        cursor=turn.asked("cursor"),
        scopes=scopes,
        usual=DEFAULT_SCOPES & turn.caller.scopes,
        lives=LIVES,
        made={"token": "", "name": "", **shown},
        url=turn.parts.settings.public_url.rstrip("/"),
    )


async def create(turn: Turn) -> Reply:
    days = turn.visit.form.get("life", "")
    ends = {"expires_at": iso(turn.parts.clock() + timedelta(days=int(days)))} if days in dict(LIVES) and days else {}
    body: Json = {"name": turn.visit.form.get("name", ""), "scopes": turn.visit.every("scopes"), **ends}
    made = await turn.do("createApiToken", body=body)
    turn.visit.fields = []
    return await show(turn, token=made["token"], name=made["name"])


async def revoke(turn: Turn) -> Reply:
    await turn.do("revokeApiToken", path={"id": turn.visit.form.get("token", "")})
    return turn.back("/tokens", "token-revoked")
