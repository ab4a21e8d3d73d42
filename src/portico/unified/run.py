"""The Unified API: one request in a model's words, taken to whichever vendor the account is of, and back."""

from collections.abc import Sequence

import msgspec
from msgspec import Struct, structs

from portico.errors import Failure, InvalidArguments
from portico.gateway.admit import admit_account
from portico.gateway.lookup import Connected
from portico.gateway.mappings import Mappings
from portico.gateway.parts import Parts
from portico.model.call import HeaderPairs
from portico.model.caller import Caller
from portico.shapes import Json
from portico.unified import models, single
from portico.unified.listing import Listing, completed
from portico.unified.plan import Layers, Plan, plan_of
from portico.unified.records import Mapped
from portico.unified.request import Ask, Way, chosen


class Result(Struct, frozen=True, kw_only=True):
    """The answer: a list's page, or one record. `value` is JSON but for numbers that keep their digits."""

    value: Json
    headers: HeaderPairs
    urls: Sequence[str]
    is_list: bool = False


class Unified:
    """Mappings and the means to run them."""

    def __init__(self, mappings: Mappings) -> None:
        self.shipped, self.fence = mappings.shipped, mappings.fence

    async def run(self, caller: Caller, ask: Ask, parts: Parts) -> Result:
        admit_account(caller, ask.account_id)
        connected = await parts.lookup.connected(caller.environment_id, ask.account_id)
        plan = self.plan(connected, ask)
        return await self.run_plan(caller, ask, connected, plan, parts)

    async def run_plan(self, caller: Caller, ask: Ask, connected: Connected, plan: Plan, parts: Parts) -> Result:
        """With a mapping that may not be the one in force."""
        return await self.go(Way(caller, structs.replace(ask, method=plan.method), connected, parts, self.fence), plan)

    async def go(self, way: Way, plan: Plan) -> Result:
        resource = models.find(plan.model).resource(plan.resource)
        if plan.method == "list":
            return await self._list(way, plan, resource)
        if plan.method == "get":
            mapped = await single.read(way, plan, resource)
            return Result(value=mapped.record, headers=way.headers, urls=way.urls)
        done = await single.write(way, plan, resource)
        if done.answer.is_preview:
            preview: Json = msgspec.json.decode(done.answer.content or b"{}")
            return Result(value=preview, headers=way.headers, urls=way.urls)
        return Result(value=done.mapped.record, headers=way.headers, urls=way.urls)

    async def close(self) -> None:
        await self.fence.close()

    def plan(self, connected: Connected, ask: Ask) -> Plan:
        """A resource that has only one record, such as whose key it is, is got where lists are."""
        method = ask.method
        if method == "list":
            methods = Layers.of(connected, ask.model, self.shipped).methods(ask.resource)
            method = "get" if "list" not in methods and "get" in methods else method
        return plan_of(connected, ask.model, ask.resource, method, self.shipped)

    async def _list(self, way: Way, plan: Plan, resource: models.Resource) -> Result:
        if not 1 <= way.ask.limit <= models.MOST_ITEMS:
            raise InvalidArguments([Failure("limit", f"is {way.ask.limit}", f"1 to {models.MOST_ITEMS}")])
        page = await Listing(way, plan, resource).page(await chosen(way, plan))
        records: list[Mapped] = page.records
        if way.ask.is_complete and any(each.is_partial for each in records):
            whole = plan_of(way.connected, plan.model, plan.resource, "get", self.shipped)
            records = await completed(way, records, resource, whole)
        value: Json = {
            "result": [each.record for each in records],
            "next_cursor": page.next_cursor,
            "prev_cursor": page.prev_cursor,
            "result_count": len(records),
            "is_partial_response": any(each.is_partial for each in records),
        }
        return Result(value=value, headers=way.headers, urls=way.urls, is_list=True)
