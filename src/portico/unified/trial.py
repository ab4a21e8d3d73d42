"""A proposed override on a live record: what the vendor says once, as it is mapped now and as it would be."""

from collections.abc import Iterator
from typing import Any

import msgspec
from msgspec import Struct, structs

from portico.errors import Failure, InvalidArguments, MappingFailed, Refusal
from portico.gateway.parts import Parts
from portico.model.account import Account
from portico.model.caller import Caller
from portico.shapes import Json
from portico.unified import overrides
from portico.unified.difference import differences
from portico.unified.overrides import Level
from portico.unified.records import REMOTE
from portico.unified.request import Ask, Kept, Way
from portico.unified.run import Unified

METHODS = ("list", "get")
_FIELDS = {"environment": "installation_unified_override", "account": "unified_override"}
_encoder = msgspec.json.Encoder(decimal_format="number")


class Side(Struct, frozen=True, kw_only=True):
    """One mapping's records, or what was wrong."""

    result: list[dict[str, Any]] | None = None
    error: dict[str, Any] | None = None


class Trial(Struct, frozen=True, kw_only=True):
    """Both sides, how they differ, what the vendor told, and how often it was asked for both together."""

    before: Side
    after: Side
    difference: list[dict[str, Any]]
    remote_data: list[Any]
    vendor_calls: int


async def try_out(caller: Caller, account: Account, level: Level, override: Json, ask: Ask, parts: Parts) -> Trial:
    """InvalidArguments where the override cannot be used at all; what fails at the records is told on its side."""
    if ask.method not in METHODS:
        raise InvalidArguments([Failure("method", f"is {ask.method!r}; a trial reads", ", ".join(METHODS))])
    proposed = (
        await overrides.for_environment(parts, account.environment_id, account.integration, override)
        if level == "environment"
        else await overrides.for_account(parts, account, override)
    )
    await overrides.refuse_unusable(parts, proposed, "override")
    kept: Kept = {}
    present = await _side(caller, account, ask, parts, kept)
    changed = await _side(caller, structs.replace(account, **{_FIELDS[level]: override}), ask, parts, kept)
    if isinstance(present, Refusal) and isinstance(changed, Refusal) and not isinstance(changed, MappingFailed):
        raise changed  # the mappings are not to blame
    told = changed if isinstance(changed, list) else present if isinstance(present, list) else []
    remote = [each.get(REMOTE) for each in told]
    before, after = _shown(present), _shown(changed)
    difference = [] if before.error or after.error else list(_records_differ(before.result or [], after.result or []))
    return Trial(before=before, after=after, difference=difference, remote_data=remote, vendor_calls=len(kept))


async def _side(caller: Caller, account: Account, ask: Ask, parts: Parts, kept: Kept) -> list[Json] | Refusal:
    connected = await parts.lookup.connect(account)
    unified = Unified(parts.mappings)
    way = Way(caller, ask, connected, parts, parts.mappings.fence)
    way.kept = kept
    try:
        plan = unified.plan(connected, ask)
        way.ask = structs.replace(ask, method=plan.method)
        value = (await unified.go(way, plan)).value
    except Refusal as problem:
        return problem
    plain: Any = msgspec.json.decode(_encoder.encode(value))
    return plain["result"] if plan.method == "list" else [plain]


def _shown(side: list[Json] | Refusal) -> Side:
    if isinstance(side, Refusal):
        return Side(error={"code": side.code, "message": side.sentence})
    return Side(result=[{name: each[name] for name in each if name != REMOTE} for each in side])


def _records_differ(before: list[Json], after: list[Json]) -> Iterator[Json]:
    """Record by record, by their ids; where the ids themselves differ and none is missing, by their places."""
    known = {str(each.get("id")): each for each in after}
    by_place = len(before) == len(after) and not any(str(each.get("id")) in known for each in before)
    pairs = list(zip(before, after, strict=True)) if by_place else [(e, known.get(str(e.get("id")))) for e in before]
    for old, new in pairs:
        yield from ({"id": str(old.get("id")), **each} for each in differences(old, new))
    if not by_place:
        old_ids = {str(each.get("id")) for each in before}
        for new in after:
            if str(new.get("id")) not in old_ids:
                yield {"id": str(new.get("id")), "path": "", "kind": "added", "after": new}
