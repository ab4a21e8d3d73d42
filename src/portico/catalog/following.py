"""What a definition says is to follow connecting: checked against its operations and its context."""

from collections.abc import Set as AbstractSet

from portico.catalog.grammar import DefinitionRule
from portico.errors import Failure
from portico.model.operation import Step


def steps(definition: DefinitionRule) -> tuple[Step, ...]:
    return tuple(Step(call=each.call, arguments=each.arguments, keep=each.keep) for each in definition.after_connecting)


def check_steps(definition: DefinitionRule, keys: AbstractSet[str]) -> list[Failure]:
    failures: list[Failure] = []
    for number, rule in enumerate(definition.after_connecting):
        where = f"after_connecting[{number}]"
        if rule.call not in keys:
            failures.append(Failure(f"{where}.call", f"{rule.call!r} is not an operation"))
        for field, place in rule.keep.items():
            context = definition.context.get(field)
            if context is None or context.secret:
                known = ", ".join(name for name, each in definition.context.items() if not each.secret)
                failures.append(Failure(f"{where}.keep.{field}", "is no field of the context that may be seen", known))
            if not place:
                failures.append(Failure(f"{where}.keep.{field}", "is empty", "a dotted place in the answer"))
    return failures
