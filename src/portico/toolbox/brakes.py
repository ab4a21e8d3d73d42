"""A call before it happens: what it would do, told on a dry run and to whoever is asked to approve it."""

from collections.abc import Awaitable, Callable
from typing import Any

import msgspec
from msgspec import Struct, structs

from portico.gateway.parts import Parts
from portico.model.call import Answer
from portico.model.caller import Caller
from portico.model.offered import Offered
from portico.model.operation import Operation
from portico.model.server import McpServer
from portico.shapes import Json
from portico.toolbox import confirm, impact
from portico.toolbox.confirm import Asking, Held
from portico.toolbox.pricing import PRICE
from portico.toolbox.progress import Report
from portico.toolbox.reach import Reach


class Meant(Struct, frozen=True, kw_only=True):
    """One call as it was understood. `said` are the caller's own words, `plan` what a composed tool's dry run tells."""

    offered: Offered
    arguments: Json
    said: Json
    understood: Json
    plan: Callable[[], Awaitable[Json]] | None = None
    price: Callable[[], Awaitable[Json | None]] | None = None


class Standing(Struct, frozen=True, kw_only=True):
    """Who makes the call, and where: the server whose brakes hold it, and how people there can be asked."""

    caller: Caller
    server: McpServer
    reach: Reach
    client: str
    asking: Asking
    report: Report | None


async def hold(standing: Standing, meant: Meant, parts: Parts) -> None:
    """For a call that its server holds: returns when it may go on; refuses it otherwise."""
    server, offered = standing.server, meant.offered

    async def describe() -> Json:
        return await _described(standing.reach, meant)

    held = Held(
        account_id=server.account_id,
        server=server,
        offered=offered,
        digest=confirm.digest(offered, meant.said, meant.arguments),
        describe=describe,
        tells_state=isinstance(offered, Operation) and _tells_state(standing.reach, offered),
        client=standing.client,
        asking=standing.asking,
        report=standing.report,
    )
    await confirm.hold(standing.caller, held, parts)


async def previewed(reach: Reach, operation: Operation, arguments: Json, answer: Answer, price: Json | None) -> Answer:
    """A dry run's answer with its price and with what would differ from the present state, where the caller may see
    that."""
    may_look = operation.effect != "read" and _tells_state(reach, operation)
    looked = await impact.present(reach, operation, arguments) if may_look else None
    if looked is None and price is None:
        return answer
    shown: Json = msgspec.json.decode(answer.content or b"{}")
    if price is not None:
        shown[PRICE] = price
    if looked is None:
        return structs.replace(answer, content=msgspec.json.encode(shown))
    if looked.problem:
        shown["incomplete"] = [{"what": "the present state", "reason": looked.problem}]
    elif operation.effect == "destroy":
        shown["present"] = impact.target(reach, operation, looked.state)
    else:
        shown["changes"] = impact.changes(operation, arguments, looked.state)
    return structs.replace(answer, content=msgspec.json.encode(shown))


async def _described(reach: Reach, meant: Meant) -> Json:
    offered = meant.offered
    told: Json = {"sentence": impact.sentence(offered, meant.arguments, meant.understood), "effect": offered.effect}
    if not isinstance(offered, Operation):
        plan: Json = await meant.plan() if meant.plan else {}
        steps: list[Any] = plan.get("plan") or []
        request = {"tool": offered.tool.name, "arguments": impact.shown(meant.arguments), "steps": impact.shown(steps)}
        return {"request": request, "changes": [], "impact": told}
    if meant.price is not None and (price := await meant.price()) is not None:
        told[PRICE] = price
    request = await impact.request(reach, offered, meant.arguments)
    looked = await impact.present(reach, offered, meant.arguments)
    differs: list[Json] = []
    if looked is not None and looked.problem:
        told["unknown"] = f"The present state could not be read: {looked.problem}"
    elif looked is not None:
        told["target"] = impact.target(reach, offered, looked.state)
        differs = impact.changes(offered, meant.arguments, looked.state)
    return {"request": request, "changes": differs, "impact": told}


def _tells_state(reach: Reach, operation: Operation) -> bool:
    """Whether the server lets its callers look at the item, so that they may be told how it is."""
    look = impact.look_of(reach, operation)
    return look is not None and reach.refuses(look) is None
