"""The panic button: an account is stopped at once, and its keys are deleted or replaced at the vendor, with proof.

The stop comes first and is durable before the vendor is asked anything. Pressed again, it goes on where it was cut off:
a key that the vendor refuses already is proved dead, one that is left is deleted.
"""

from collections.abc import Sequence
from typing import Literal

from msgspec import Struct, structs

from portico.clock import iso
from portico.errors import Failure, InvalidArguments, KeyMissing, NotFound, Refusal, VendorFailure
from portico.gateway import accounts
from portico.gateway.connect import Proof, hint, with_context
from portico.gateway.lookup import Connected
from portico.gateway.parts import Parts
from portico.gateway.revoke import REFUSED, CannotRevoke, FoundKey, Revoker
from portico.log import logger
from portico.model.account import Account, AccountId
from portico.model.caller import ACCOUNT_TOKEN_SCOPES, Caller
from portico.model.operation import Credential
from portico.shapes import Json

KeysWish = Literal["delete", "rotate", "keep"]
Fate = Literal["kept", "deleted", "rotated", "still_accepted", "failed"]
# At a vendor that stumbles; the account is stopped all the while.
RETRY_SECONDS = (0.5, 2.0)
_log = logger("panic")


class Wish(Struct, frozen=True, kw_only=True):
    """`through`: the account whose key deletes the others, where the account's own may not. `resume`: unless failed."""

    keys: KeysWish = "delete"
    reason: str = ""
    through: AccountId | None = None
    resume: bool = False


class KeyFate(Struct, frozen=True, kw_only=True):
    """What became of one key. `proof` is what the vendor said when the old key was tried afterwards."""

    credential: str
    hint: str
    fate: Fate
    message: str
    vendor_key_id: str | None = None
    new_hint: str | None = None
    new_vendor_key_id: str | None = None
    proof: Proof | None = None
    at: str


async def panic(caller: Caller, account: Account, wish: Wish, parts: Parts) -> tuple[Account, list[KeyFate]]:
    """The account as it is afterwards, and the fate of each key that it held."""
    actor = await _actor(account, wish, parts)
    account = await _stop(caller, account, wish, parts)
    fates: list[KeyFate] = []
    is_unsettled = False
    if wish.keys != "keep":
        for credential in _in_order(await parts.lookup.connect(account)):
            secret = str((await parts.secrets.open(account))[credential.field])
            ending = _Ending(caller, account, credential, secret, parts)
            if is_unsettled and actor == account.id and _deletes(credential, await parts.lookup.connect(account)):
                fate = ending.put_off()
            else:
                fate = await ending.run(actor, wish.keys)
            is_unsettled = is_unsettled or ending.is_unsettled
            account = await ending.written(fate)
            fates.append(fate)
    if wish.resume and fates and all(each.fate == "rotated" for each in fates):
        account = await accounts.change_account(caller, account, accounts.Change(status="active"), parts)
    return account, fates


async def _actor(account: Account, wish: Wish, parts: Parts) -> AccountId:
    """Checked before anything happens, for a mistyped id must not cost the time in which a key is misused."""
    if wish.resume and wish.keys != "rotate":
        raise InvalidArguments([Failure("resume", "needs new keys to go on with", "keys: rotate")])
    if wish.through is None or wish.through == account.id:
        return account.id
    actor = await parts.accounts.get(account.environment_id, wish.through)
    if actor is None:
        raise NotFound(f"There is no integrated account {wish.through!r}.")
    if (actor.integration, actor.base_url) != (account.integration, account.base_url):
        raise InvalidArguments([Failure("through", "is an account at another vendor or address")])
    return actor.id


async def _stop(caller: Caller, account: Account, wish: Wish, parts: Parts) -> Account:
    moment = parts.clock()

    async def work(present: Account) -> Account:
        result: Json = {"action": "panic", "keys": {}, "at": iso(moment)}
        return structs.replace(present, status="blocked", last_action_result=result, updated_at=moment)

    facts: Json = {"keys": wish.keys, "reason": wish.reason}
    return await accounts.write(caller, account, accounts.PANICKED, work, parts, **facts)


def _in_order(connected: Connected) -> Sequence[Credential]:
    """A key that deletes others goes last."""
    held = [each for each in connected.view.integration.credentials if each.field in connected.account.held]

    return sorted(held, key=lambda each: _deletes(each, connected))


def _deletes(credential: Credential, connected: Connected) -> bool:
    """Is it by this key that keys are deleted?"""
    rules = [each.revoking.delete for each in connected.view.integration.credentials if each.revoking is not None]
    operations = [connected.view.find(*key.split(".", 1)) for key in rules]
    return any(each.credential == credential.name for each in operations)


class _Ending:
    """The end of one key of one account."""

    def __init__(self, caller: Caller, account: Account, credential: Credential, secret: str, parts: Parts) -> None:
        self._caller, self._account, self._credential = caller, account, credential
        self._secret, self._parts = secret, parts
        # It failed for a reason that will pass.
        self.is_unsettled = False

    async def run(self, actor: AccountId, wish: KeysWish) -> KeyFate:
        """Whatever goes wrong at the vendor is a fate too: the next key must have its turn."""
        # Who may delete an account may do this, whether or not they may call vendors otherwise.
        caller = structs.replace(self._caller, scopes=self._caller.scopes | ACCOUNT_TOKEN_SCOPES)
        begun = self._begun("failed", "")
        for pause in (*RETRY_SECONDS, None):
            try:
                connected = await self._parts.lookup.connect(self._account)
                return await self._run(begun, Revoker(caller, connected, actor, self._credential, self._parts), wish)
            except KeyMissing as problem:
                return structs.replace(begun, message=f"{problem.sentence} {self._helped()}")
            except Refusal as problem:
                begun = structs.replace(begun, message=problem.sentence)
                self.is_unsettled = _passes(problem)
            if pause is None or not self.is_unsettled:
                break
            await self._parts.pause(pause)
        return begun

    def _helped(self) -> str:
        return (
            "Or let another account of this environment and vendor, which has one, end it: portico accounts panic "
            f"{self._account.id} --through ANOTHER_ACCOUNT."
        )

    def put_off(self) -> KeyFate:
        return self._begun("kept", "It is what deletes the other keys, which could not be reached yet; press again.")

    def _begun(self, fate: Fate, message: str) -> KeyFate:
        return KeyFate(
            credential=self._credential.name,
            hint=hint(self._secret),
            fate=fate,
            message=message,
            at=iso(self._parts.clock()),
        )

    async def written(self, fate: KeyFate) -> Account:
        """The fate in the account and in the audit trail; a key that is dead is not kept either."""

        async def work(present: Account) -> Account:
            if fate.fate == "deleted" and await self._holds(present):
                present = await self._with_key(present, None)
            result = dict(present.last_action_result or {})
            result["keys"] = {**result.get("keys", {}), fate.credential: shown(fate)}
            return structs.replace(present, last_action_result=result, updated_at=self._parts.clock())

        facts = {name: value for name, value in shown(fate).items() if value is not None}
        act = f"integrated_account.key_{fate.fate}"
        return await accounts.write(self._caller, self._account, act, work, self._parts, **facts)

    async def _run(self, begun: KeyFate, revoker: Revoker, wish: KeysWish) -> KeyFate:
        found = await revoker.find(self._secret)
        if found is None:
            proof = await revoker.prove(self._secret)
            if proof.status != REFUSED:
                raise revoker.not_listed(self._secret)
            message = "The vendor does not list the key any more and refuses it."
            return structs.replace(begun, fate="deleted", proof=proof, message=message)
        begun = structs.replace(begun, vendor_key_id=found.id)
        if wish == "rotate":
            begun = await self._exchange(begun, revoker, found)
        else:
            await revoker.delete(found)
        return _dead(begun, await revoker.prove_dead(self._secret))

    async def _exchange(self, begun: KeyFate, revoker: Revoker, old: FoundKey) -> KeyFate:
        """A new key is tried before the old one goes, and taken back where it cannot take its place."""
        new, secret = await revoker.replace(old)
        try:
            proof = await revoker.prove(secret)
            if not proof.works:
                raise CannotRevoke(f"The vendor refused the new key when it was tried: {proof.message}")
            await revoker.delete(old)
            await self._keep(secret)
        except BaseException:
            await _take_back(revoker, new)
            raise
        return structs.replace(begun, new_hint=hint(secret), new_vendor_key_id=new.id)

    async def _keep(self, secret: str) -> None:
        async def work(present: Account) -> Account:
            if not await self._holds(present):
                raise CannotRevoke("The old key is deleted, and somebody has given the account another one meanwhile.")
            return await self._with_key(present, secret)

        facts: Json = {"credential": self._credential.name, "hint": hint(secret)}
        act = "integrated_account.key_replaced"
        await accounts.write(self._caller, self._account, act, work, self._parts, **facts)

    async def _holds(self, present: Account) -> bool:
        return (await self._parts.secrets.open(present)).get(self._credential.field) == self._secret

    async def _with_key(self, account: Account, secret: str | None) -> Account:
        integration = (await self._parts.views.of(account)).integration
        context = account.context | await self._parts.secrets.open(account) | {self._credential.field: secret}
        kept = {name: value for name, value in context.items() if value is not None}
        return await with_context(account, integration, kept, self._parts)


def _passes(problem: Refusal) -> bool:
    """Will it be otherwise in a while?"""
    status = problem.vendor_status if isinstance(problem, VendorFailure) else problem.status
    return status >= 500 or status == 429


def shown(fate: KeyFate) -> Json:
    return structs.asdict(fate) | {"proof": structs.asdict(fate.proof) if fate.proof else None}


def _dead(begun: KeyFate, proof: Proof) -> KeyFate:
    if proof.status != REFUSED:
        message = f"The vendor deleted the key but still takes it ({proof.status}); press again soon for the proof."
        return structs.replace(begun, fate="still_accepted", proof=proof, message=message)
    if begun.new_hint is not None:
        message = "The vendor refuses the old key; the account holds the new one."
        return structs.replace(begun, fate="rotated", proof=proof, message=message)
    return structs.replace(begun, fate="deleted", proof=proof, message="The vendor has deleted the key and refuses it.")


async def _take_back(revoker: Revoker, new: FoundKey) -> None:
    try:
        await revoker.delete(new)
    except Refusal as problem:
        _log.warning("a new key stays behind at its vendor", key_id=new.id, reason=problem.sentence)
