"""/link-page: which sites may show the pages on which customers connect, and how they look."""

from typing import Any

from msgspec import UNSET, Struct, UnsetType, structs

from portico.faces.endpoint import Asked, Endpoint
from portico.gateway import embedding, looks
from portico.store.link_pages import LinkPage

TAG = "Link tokens"


class LinkPageBody(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is left out stays; an empty text takes back what was set.

    `allowed_origins`: the sites that may show the page, such as `https://app.example`. Colours are `#rrggbb`; `logo` is
    a picture as `data:image/png;base64,…`.
    """

    allowed_origins: list[str] | UnsetType = UNSET
    name: str | UnsetType = UNSET
    main_color: str | UnsetType = UNSET
    paper_color: str | UnsetType = UNSET
    logo: str | UnsetType = UNSET


class LinkPageShown(Struct, frozen=True, kw_only=True):
    allowed_origins: list[str]
    name: str
    main_color: str
    paper_color: str
    logo_url: str | None


def show(page: LinkPage, public_url: str) -> dict[str, Any]:
    logo = f"{public_url.rstrip('/')}/look/logo/{page.logo_digest}" if page.logo_digest else None
    return {
        "allowed_origins": list(page.allowed_origins),
        "name": page.name,
        "main_color": page.main_color,
        "paper_color": page.paper_color,
        "logo_url": logo,
    }


async def get_link_page(asked: Asked) -> Any:
    page = await asked.parts.environments.link_pages.get(asked.environment_id)
    return show(page, asked.parts.settings.public_url)


async def update_link_page(asked: Asked) -> Any:
    body: LinkPageBody = asked.body
    parts = asked.parts
    page = changed(await parts.environments.link_pages.get(asked.environment_id), body)
    logo = None if body.logo is UNSET else looks.checked_logo(body.logo)
    if logo is not None:
        page = structs.replace(page, logo_type=logo.content_type, logo_digest=logo.digest)
    fields = [name for name in body.__struct_fields__ if getattr(body, name) is not UNSET]
    async with parts.database.transaction() as session:
        await parts.environments.link_pages.put(session, asked.environment_id, page, logo, parts.clock())
        await parts.audit.add(
            session, asked.caller, "link_page.updated", asked.environment_id, parts.clock(),
            fields=fields, allowed_origins=list(page.allowed_origins),
        )  # fmt: skip
    return show(page, parts.settings.public_url)


def changed(page: LinkPage, body: LinkPageBody) -> LinkPage:
    """All but the logo."""
    if body.allowed_origins is not UNSET:
        page = structs.replace(page, allowed_origins=embedding.checked_origins(body.allowed_origins))
    if body.name is not UNSET:
        page = structs.replace(page, name=looks.checked_name(body.name))
    if body.main_color is not UNSET:
        page = structs.replace(page, main_color=looks.checked_main(body.main_color))
    if body.paper_color is not UNSET:
        page = structs.replace(page, paper_color=looks.checked_paper(body.paper_color))
    return page


ENDPOINTS = (
    Endpoint(
        verb="GET", path="/link-page", name="getLinkPage", summary="Get what the link page is like", tag=TAG,
        handler=get_link_page, returns=LinkPageShown, scope="accounts:read",
    ),
    Endpoint(
        verb="PATCH", path="/link-page", name="updateLinkPage", summary="Change what the link page is like", tag=TAG,
        description="No site may show the page in a frame, or hear how it went, unless its origin is allowed here. "
        "Name, logo and colours are those of the page and of one-time links.",
        handler=update_link_page, body=LinkPageBody, returns=LinkPageShown, scope="accounts",
    ),
)  # fmt: skip
