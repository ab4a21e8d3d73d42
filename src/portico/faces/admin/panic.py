"""/integrated-account/{id}/panic: stop an account, and have the vendor delete or replace its keys, with proof."""

from typing import Any

from msgspec import Struct

from portico.faces.admin.account_bodies import AccountShown
from portico.faces.admin.accounts import TAG, found, show
from portico.faces.endpoint import Asked, Endpoint
from portico.gateway import panic
from portico.gateway.panic import Fate, KeysWish
from portico.model.account import AccountId


class PanicBody(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`through`: an account whose admin key deletes; `resume`: go on with the new keys, once all are new."""

    keys: KeysWish = "delete"
    reason: str = ""
    through: str = ""
    resume: bool = False


class ProofShown(Struct, frozen=True, kw_only=True):
    """What the vendor said when the old key was tried afterwards: 401 means that it is dead."""

    credential: str
    works: bool
    message: str
    status: int


class KeyFateShown(Struct, frozen=True, kw_only=True):
    """`failed` and `still_accepted` say in `message` what to do next."""

    credential: str
    hint: str
    fate: Fate
    message: str
    vendor_key_id: str | None
    new_hint: str | None
    new_vendor_key_id: str | None
    proof: ProofShown | None
    at: str


class PanicShown(Struct, frozen=True, kw_only=True):
    account: AccountShown
    keys: list[KeyFateShown]


async def press(asked: Asked) -> Any:
    body: PanicBody = asked.body
    account = await found(asked, asked.path["id"])
    through = AccountId(body.through) if body.through else None
    wish = panic.Wish(keys=body.keys, reason=body.reason, through=through, resume=body.resume)
    stopped, fates = await panic.panic(asked.caller, account, wish, asked.parts)
    return {"account": await show(asked, stopped), "keys": [panic.shown(each) for each in fates]}


ENDPOINTS = (
    Endpoint(
        verb="POST", path="/integrated-account/{id}/panic", name="panicIntegratedAccount", tag=TAG,
        summary="Stop an account and end its keys", handler=press, body=PanicBody, returns=PanicShown, scope="accounts",
        description="The account is blocked before anything else happens. Then its keys are deleted or replaced at the "
        "vendor through its own API, and each old key is tried to prove that it is dead. Pressing again goes on where "
        "the first press could not.",
    ),
)  # fmt: skip
