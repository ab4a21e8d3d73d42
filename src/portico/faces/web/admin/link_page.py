"""The link page of an environment: which sites may show it, and its name, logo and colours, with a preview."""

from msgspec import structs
from starlette.routing import Route

from portico.errors import Failure, InvalidArguments
from portico.faces.admin.link_pages import LinkPageBody, changed
from portico.faces.web.admin.frame import Frame, Turn
from portico.faces.web.connect import preview as form_of
from portico.faces.web.look import look_of
from portico.faces.web.page import Reply
from portico.gateway import looks
from portico.shapes import Json

PATH = "/link-page"


def routes(frame: Frame) -> list[Route]:
    return [frame.route(PATH, show, {"link": make_link, "change": change, "preview": preview})]


async def show(turn: Turn, made: Json | None = None) -> Reply:
    page = await turn.do("getLinkPage")
    return turn.page(
        "link_page.html",
        "link-page",
        page=page,
        made=made,
        logo=(await _look(turn))["logo"],
        most_kilobytes=looks.MOST_LOGO_BYTES // 1024,
        script=f"{turn.parts.settings.public_url.rstrip('/')}/embed.js",
    )


async def make_link(turn: Turn) -> Reply:
    """For a customer to connect their account by; its address is shown once."""
    tenant = turn.visit.form.get("tenant_id", "").strip()
    if not tenant:
        raise InvalidArguments([Failure("tenant_id", "must not be empty", "your own id or name for the customer")])
    made = await turn.do("createLinkToken", body={"tenant_id": tenant})
    turn.visit.fields = []
    return await show(turn, {**made, "tenant": tenant})


async def change(turn: Turn) -> Reply:
    form = turn.visit.form
    body = _body(turn)
    if logo := form.get("logo", ""):
        body["logo"] = logo
    elif form.get("without_logo"):
        body["logo"] = ""
    await turn.do("updateLinkPage", body=body)
    return turn.back(PATH, "link-page-changed")


async def preview(turn: Turn) -> Reply:
    """With what the form says now; a new logo is seen once it is saved."""
    await turn.do("getLinkPage")
    body = LinkPageBody(**_body(turn))
    page = changed(await turn.parts.environments.link_pages.get(turn.environment.id), body)
    if turn.visit.form.get("without_logo"):
        page = structs.replace(page, logo_digest="")
    names = list(turn.parts.views.shipped)
    if not names:
        raise InvalidArguments([Failure("", "there is no integration to show the form of")])
    return form_of(turn.parts.views.shipped[names[0]], look_of(page))


def _body(turn: Turn) -> Json:
    form = turn.visit.form
    given: Json = {name: form.get(name, "") for name in ("name", "main_color", "paper_color")}
    return given | {"allowed_origins": form.get("allowed_origins", "").replace(",", " ").split()}


async def _look(turn: Turn) -> Json:
    return look_of(await turn.parts.environments.link_pages.get(turn.environment.id))
