"""Links for connecting: made by whoever holds an API token, used once by whoever holds the keys."""

from collections.abc import Sequence
from datetime import timedelta

from msgspec import Struct

from portico.catalog.find import View
from portico.clock import to_milliseconds
from portico.errors import Failure, InvalidArguments, Refusal
from portico.gateway import accounts
from portico.gateway.oauth import redirects
from portico.gateway.parts import Parts
from portico.model.account import Account, AccountId, EnvironmentId
from portico.model.caller import Caller
from portico.shapes import Json
from portico.store import link_tokens
from portico.store.database import Session
from portico.store.ids import new_id
from portico.store.link_tokens import LinkToken
from portico.vault import tokens

LIFE = timedelta(days=7)
_AGAIN = "relink"
_MOST_OFFERED = 1000


class LinkRefused(Refusal):
    """This link does not work: it was used already, it has expired, or it was not copied whole. Ask for a new one."""

    status = 410
    code = "invalid_token"


class Can(Struct, frozen=True, kw_only=True):
    """What an account's keys open: how many operations that look and that change, and what other keys would add."""

    looks: int
    changes: int
    missing: list[tuple[str, int]]


async def make(caller: Caller, link: LinkToken, parts: Parts) -> str:
    """Keep the link; its text, which is nowhere else."""
    check_redirect(link.redirect_uri)
    text = tokens.make("link")
    async with parts.database.transaction() as session:
        await link_tokens.add(session, link, tokens.digest(text, parts.keyring.pepper))
        await parts.audit.add(
            session, caller, "link_token.created", link.id, parts.clock(),
            tenant_id=link.tenant_id, integrated_account_id=link.account_id,
        )  # fmt: skip
    return text


def check_redirect(uri: str) -> None:
    """Where a person may be sent afterwards: a site over TLS, or a program on their own computer."""
    if not uri:
        return
    if redirects.read(uri) is None:
        allowed = "an https:// address without a fragment, or http:// on this computer"
        raise InvalidArguments([Failure("redirect_uri", "is no address to send a person to", allowed)])


async def find(text: str, parts: Parts) -> LinkToken:
    """The link that this is the text of, used or not; LinkRefused where there is none that is still good."""
    if not (text.startswith("ptc_link_") and tokens.is_well_formed(text)):
        raise LinkRefused
    link = await parts.operators.link_by_digest(tokens.digest(text, parts.keyring.pepper))
    if link is None or link.expires_at <= parts.clock():
        raise LinkRefused
    return link


async def is_spent(link: LinkToken, parts: Parts) -> bool:
    """Used, or for an account that is there no more: nobody should type a key into it."""
    if link.used_at:
        return True
    return bool(link.account_id) and await parts.accounts.get(link.environment_id, link.account_id) is None


class IntegrationNotOffered(Refusal):
    """This link is not for that integration; ask whoever sent it for another."""

    status = 422
    code = "invalid_integration"


async def offered(link: LinkToken, parts: Parts) -> dict[str, str]:
    """What may be connected by this link, with labels: what it was made for, or all that its environment offers."""
    environment_id = link.environment_id
    if link.integration:
        return {link.integration: (await parts.views.base(environment_id, link.integration)).integration.label}
    names = [*parts.views.shipped, *(each.name for each in await parts.definitions.all(environment_id))]
    installed = await parts.installations.page(environment_id, "~", _MOST_OFFERED)
    hidden = {each.integration for each in installed if not (each.is_enabled and each.show_in_catalog)}
    views = [await parts.views.base(environment_id, name) for name in names if name not in hidden]
    return {view.integration.name: view.integration.label for view in views}


def narrowed(offers: dict[str, str], wanted: Sequence[str]) -> dict[str, str]:
    """Only those that a site wants to be offered; IntegrationNotOffered for one that is none of them."""
    if strange := sorted(set(wanted) - offers.keys()):
        allowed = ", ".join(sorted(offers))
        raise IntegrationNotOffered(f"This link is not for {strange[0]!r}; it is for: {allowed or 'nothing'}.")
    return {name: label for name, label in offers.items() if name in wanted} if wanted else offers


def continuation(link: LinkToken, parts: Parts) -> str:
    """Lets whoever used the link correct the keys that they gave, until the link would have ended."""
    return tokens.signed(_AGAIN, link.id, to_milliseconds(link.expires_at) // 1000, parts.keyring.pepper)


async def redeem(link: LinkToken, context: Json, again: str, parts: Parts) -> Account:
    """Connect the account, or connect it again. Of many at once exactly one does; the others are refused.

    A link that is for no integration in particular comes here with the one that was chosen.
    """
    caller = _caller(link)
    now = to_milliseconds(parts.clock()) // 1000
    is_again = bool(link.used_at) and tokens.is_signed(again, _AGAIN, link.id, now, parts.keyring.pepper)
    if link.used_at and not is_again:
        raise LinkRefused

    async def claim(session: Session, account: Account) -> None:
        if not await link_tokens.use(session, link, account, parts.clock()):
            raise LinkRefused

    if not link.account_id:
        return await _connect(caller, link, context, claim, parts)
    account = await parts.accounts.get(link.environment_id, link.account_id)
    if account is None or (is_again and account.status == "active"):
        raise LinkRefused
    if is_again and not context and account.status == "post_install_error":
        return await accounts.prove_again(caller, account, accounts.RECONNECTED, parts)
    view = await parts.views.of(account)
    change = accounts.Change(context=_replacing(view, account, context, keeps=link.keeps_context))
    return await accounts.change_account(
        caller, account, change, parts, None if is_again else claim, act=accounts.RECONNECTED
    )


async def _connect(caller: Caller, link: LinkToken, context: Json, claim: accounts.Within, parts: Parts) -> Account:
    installation = await accounts.installation_for(caller, link.integration, "", parts)
    view = await parts.views.base(link.environment_id, link.integration)
    wanted = accounts.Import(
        installation=installation,
        view=view,
        tenant_id=link.tenant_id,
        context=link.context | context,
        region=link.region,
    )
    return await accounts.import_account(caller, wanted, parts, claim)


def _replacing(view: View, account: Account, context: Json, *, keeps: bool) -> Json:
    """The new context; unless the old one is to be kept, whatever is not in it is taken away."""
    if keeps:
        return context
    old: Json = dict.fromkeys({*account.context, *account.held, *(each.field for each in view.integration.credentials)})
    return old | context


def can(view: View, held: frozenset[str]) -> Can:
    """`held`: the names of the fields that hold a key."""
    slots = {each.name: each for each in view.integration.credentials}
    usable, missing = [0, 0], dict[str, int]()
    for operation in view.operations:
        slot = slots.get(operation.credential)
        if slot is not None and slot.field not in held:
            missing[slot.label] = missing.get(slot.label, 0) + 1
        else:
            usable[operation.effect != "read"] += 1
    return Can(looks=usable[0], changes=usable[1], missing=sorted(missing.items()))


def new_link(environment_id: EnvironmentId, parts: Parts, **about: str) -> LinkToken:
    """A link for a new account: `integration`, `tenant_id`, `redirect_uri`."""
    moment = parts.clock()
    return LinkToken(
        id=new_id(),
        environment_id=environment_id,
        integration=about["integration"],
        tenant_id=about["tenant_id"],
        account_id=AccountId(""),
        keeps_context=False,
        redirect_uri=about["redirect_uri"],
        created_at=moment,
        expires_at=moment + LIFE,
    )


def _caller(link: LinkToken) -> Caller:
    """Who acts: the link, with just enough rights to connect what it is for."""
    return Caller(
        environment_id=link.environment_id,
        token_id=link.id,
        name="link token",
        scopes=frozenset({"accounts"}),
        account_id=link.account_id or None,
    )
