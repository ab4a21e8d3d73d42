"""/link-token: a link by which a customer connects their account themselves. Its text is shown once."""

from typing import Any
from urllib.parse import urlencode

from msgspec import Struct, structs

from portico.clock import iso
from portico.errors import Failure, InvalidArguments
from portico.faces.admin.account_bodies import Region
from portico.faces.endpoint import Asked, Endpoint, missing
from portico.gateway import linking
from portico.gateway.accounts import installation_for
from portico.gateway.secrets import PROTECTED
from portico.model.account import AccountId
from portico.shapes import Json

TAG = "Link tokens"


class LinkBody(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Either `tenant_id`, for a new account, or `integrated_account_id`, to connect that one again.

    Without `integration` whoever uses the link chooses from what the environment offers. `context`: what the new
    account is to have beside the keys that are given, such as `organization`; what is given on the page wins. `region`
    is of a new account, and means nothing where one is connected again. The rest is for clients of the reference: a
    unified model says there which scopes OAuth asks for, which is nothing where keys are pasted; the other two may be
    empty only.
    """

    tenant_id: str = ""
    integration: str = ""
    integrated_account_id: str = ""
    persist_previous_context: bool = False
    redirect_uri: str = ""
    context: Json = {}
    region: Region = ""
    scopes: list[str] | None = None
    environment_unified_model_id: list[str] | str | None = None
    unified_model_id: str | None = None
    truto_static_gate_id: str | None = None


class LinkMade(Struct, frozen=True, kw_only=True):
    link_token: str
    url: str
    expires_at: str


async def create_link_token(asked: Asked) -> Any:
    body: LinkBody = asked.body
    _check_not_honoured(body)
    parts, tenant = asked.parts, body.tenant_id.strip()
    if bool(tenant) == bool(body.integrated_account_id):
        raise InvalidArguments(
            [Failure("", "needs exactly one of tenant_id (a new account) and integrated_account_id (to connect again)")]
        )
    if body.integrated_account_id:
        wanted = AccountId(body.integrated_account_id)
        account = await parts.accounts.get(asked.environment_id, wanted)
        if account is None:
            raise missing("integrated account", wanted)
        if body.context:
            raise InvalidArguments(
                [Failure("context", "is for a new account; PATCH /integrated-account/{id} changes that of one")]
            )
        about = {"integration": account.integration, "tenant_id": account.tenant_id}
        keeps = body.persist_previous_context
    else:
        if body.integration:
            await installation_for(asked.caller, body.integration, "", parts)
        await _check_context(asked, body)
        about, wanted, keeps = {"integration": body.integration, "tenant_id": tenant}, AccountId(""), False
    link = linking.new_link(asked.environment_id, parts, **about, redirect_uri=body.redirect_uri)
    link = structs.replace(link, account_id=wanted, keeps_context=keeps, context=body.context, region=body.region)
    text = await linking.make(asked.caller, link, parts)
    place = parts.settings.public_url.rstrip("/")
    return {
        "link_token": text,
        "url": f"{place}/connect?{urlencode({'link_token': text})}",
        "expires_at": iso(link.expires_at),
    }


def _check_not_honoured(body: LinkBody) -> None:
    """What the reference takes and nothing here could keep: whoever asks for it must not believe that it holds."""
    if failures := [Failure(name, why) for name, why in _NOT_HONOURED.items() if getattr(body, name)]:
        raise InvalidArguments(failures)


_NOT_HONOURED = {
    "scopes": "cannot be asked for: a pasted key may do what its maker allowed it. Leave it out, ask your customer for "
    "a key with those permissions, and hold agents back with the methods and tags of their MCP server",
    "truto_static_gate_id": "is of no gate here: calls leave from where the gateway runs, so its address is the one to "
    "allow. Leave it out",
}


async def _check_context(asked: Asked, body: LinkBody) -> None:
    """Nothing that whoever opens the link is to give: this is kept as it stands until then."""
    if not body.context:
        return
    if not body.integration:
        raise InvalidArguments([Failure("integration", "is required with context: what may stand there depends on it")])
    view = await asked.parts.views.base(asked.environment_id, body.integration)
    secrets = PROTECTED | {each.name for each in view.integration.context if each.secret}
    if given := sorted(body.context.keys() & secrets):
        raise InvalidArguments(
            [Failure(f"context.{name}", "is a secret: whoever opens the link gives it") for name in given]
        )


ENDPOINTS = (
    Endpoint(
        verb="POST", path="/link-token", name="createLinkToken", summary="Make a link for connecting an account",
        tag=TAG, description="It works once, within seven days. Send `url` to whoever holds the keys.",
        handler=create_link_token, body=LinkBody, returns=LinkMade, scope="accounts", status=201,
    ),
)  # fmt: skip
