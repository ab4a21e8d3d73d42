"""Every admin page, and the address that stands for all that there is not."""

from starlette.routing import Route

from portico.errors import NotFound
from portico.faces.web.admin import (
    account_usage,
    accounts,
    approvals,
    audit,
    environments,
    house,
    limits,
    link_page,
    log,
    mappings,
    me,
    overview,
    servers,
    tokens,
    tools,
    usage,
    users,
    webhooks,
)
from portico.faces.web.admin.frame import Frame
from portico.faces.web.page import Redirect, Reply
from portico.faces.web.visit import Visit

# What belongs to no environment comes first: its addresses would else be taken for an environment's id.
_PAGES = (
    environments, users, house, me, overview, accounts, account_usage, mappings, servers, approvals, tools, usage,
    limits, log, webhooks, audit, tokens, link_page,
)  # fmt: skip


def routes(frame: Frame) -> list[Route]:
    site = frame.site

    async def nothing(visit: Visit) -> Reply:
        visit.needed()
        raise NotFound(f"There is no page at {visit.incoming.path}.")

    async def begin(visit: Visit) -> Reply:
        return Redirect("/admin")

    found = [route for pages in _PAGES for route in pages.routes(frame)]
    return [*found, site.route("/", get=begin), site.route("/admin/{rest:path}", get=nothing)]
