"""/link-page: which sites may show the pages on which customers connect, and how they look."""

from typing import Any

from msgspec import UNSET, Struct, UnsetType, structs

from portico.faces.endpoint import Asked, Endpoint
from portico.gateway import embedding
from portico.store.link_pages import LinkPage

TAG = "Link tokens"


class LinkPageBody(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`allowed_origins`: the sites that may show the page, such as `https://app.example`; what is left out stays."""

    allowed_origins: list[str] | UnsetType = UNSET


class LinkPageShown(Struct, frozen=True, kw_only=True):
    allowed_origins: list[str]


def show(page: LinkPage) -> dict[str, Any]:
    return {"allowed_origins": list(page.allowed_origins)}


async def get_link_page(asked: Asked) -> Any:
    return show(await asked.parts.environments.link_pages.get(asked.environment_id))


async def update_link_page(asked: Asked) -> Any:
    body: LinkPageBody = asked.body
    parts = asked.parts
    page = await parts.environments.link_pages.get(asked.environment_id)
    if body.allowed_origins is not UNSET:
        page = structs.replace(page, allowed_origins=embedding.checked_origins(body.allowed_origins))
    async with parts.database.transaction() as session:
        await parts.environments.link_pages.put(session, asked.environment_id, page, None, parts.clock())
        await parts.audit.add(
            session, asked.caller, "link_page.updated", asked.environment_id, parts.clock(),
            allowed_origins=list(page.allowed_origins),
        )  # fmt: skip
    return show(page)


ENDPOINTS = (
    Endpoint(
        verb="GET", path="/link-page", name="getLinkPage", summary="Get what the link page is like", tag=TAG,
        handler=get_link_page, returns=LinkPageShown, scope="accounts:read",
    ),
    Endpoint(
        verb="PATCH", path="/link-page", name="updateLinkPage", summary="Change what the link page is like", tag=TAG,
        description="No site may show the page in a frame, or hear how it went, unless its origin is allowed here.",
        handler=update_link_page, body=LinkPageBody, returns=LinkPageShown, scope="accounts",
    ),
)  # fmt: skip
