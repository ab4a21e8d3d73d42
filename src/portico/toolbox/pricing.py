"""What a call would cost, told before it is made: by the estimate that the catalog names for it."""

from collections.abc import Callable

from portico.catalog.find import View
from portico.errors import Refusal
from portico.model.operation import Operation
from portico.shapes import Json
from portico.toolbox.composed import Asked, Composed, Context

PRICE = "price"


async def price_of(
    view: View, operation: Operation, arguments: Json, asked_for: Callable[[Composed], Asked]
) -> Json | None:
    """None where nothing is priced. An estimate that fails does not stand in the way: it says so."""
    rule = operation.priced
    estimate = next((each for each in view.composed if rule is not None and each.key == rule.by), None)
    if rule is None or not isinstance(estimate, Composed):
        return None
    given = {name: arguments[own] for name, own in rule.arguments.items() if own in arguments}
    try:
        told = await estimate.run(Context(asked_for(estimate)), given)
    except Refusal as problem:
        return {"sentence": f"not known: {problem.sentence}"}
    return told.get(PRICE)
