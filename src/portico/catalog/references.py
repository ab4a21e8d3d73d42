"""Operations that a definition names elsewhere than where they are described: each must be there. Pure."""

from collections.abc import Sequence

from portico.catalog.following import check_steps
from portico.catalog.grammar import DefinitionRule, RevokingRule
from portico.errors import Failure
from portico.model.operation import Operation


def check_references(definition: DefinitionRule, operations: Sequence[Operation]) -> list[Failure]:
    keys = {each.key for each in operations}
    failures: list[Failure] = []
    for name, each in definition.credentials.items():
        if each.proof and each.proof not in keys:
            failures.append(Failure(f"credentials.{name}.proof", f"{each.proof!r} is not an operation"))
        failures += _check_revoking(f"credentials.{name}.revoking", each.revoking, keys)
    for each in operations:
        failures += _check_wait(each, keys)
    failures += _check_webhooks(definition, keys) + _check_reports(definition, operations)
    return failures + check_steps(definition, keys)


def _check_wait(operation: Operation, keys: set[str]) -> list[Failure]:
    wait = operation.wait
    if wait is None:
        return []
    where = f"resources.{operation.key}.wait"
    named = {"look": wait.look, **{f"needs.{end}": key for end, key in wait.needs.items()}}
    failures = [
        Failure(f"{where}.{field}", f"{key!r} is not an operation") for field, key in named.items() if key not in keys
    ]
    if not wait.until:
        failures.append(Failure(f"{where}.until", "is empty", "the values that mean that it is over"))
    if strangers := sorted({*wait.fine, *wait.needs} - {*wait.until}):
        failures.append(Failure(f"{where}.until", f"lacks {', '.join(strangers)}"))
    if len(wait.counts) not in {0, 2}:
        failures.append(Failure(f"{where}.counts", "takes two places", "how much is done, and of how much"))
    return failures


def _check_revoking(where: str, rule: RevokingRule | None, keys: set[str]) -> list[Failure]:
    if rule is None:
        return []
    named = {field: getattr(rule, field) for field in ("list", "delete", "create")}
    named |= {f"within.{argument}": key for argument, key in rule.within.items()}
    return [
        Failure(f"{where}.{field}", f"{key!r} is not an operation")
        for field, key in named.items()
        if key and key not in keys
    ]


def _check_webhooks(definition: DefinitionRule, keys: set[str]) -> list[Failure]:
    rule = definition.webhooks
    if rule is None:
        return []
    named = [(field, getattr(rule, field)) for field in ("create", "delete", "rotate", "test")]
    named += [(f"ends.{look}", look) for look in rule.ends]
    return [
        Failure(f"webhooks.{field}", f"{key!r} is not an operation") for field, key in named if key and key not in keys
    ]


def _check_reports(definition: DefinitionRule, operations: Sequence[Operation]) -> list[Failure]:
    rule = definition.reports
    if rule is None:
        return []
    failures: list[Failure] = []
    if rule.credential not in definition.credentials:
        allowed = ", ".join(definition.credentials)
        failures.append(Failure("reports.credential", f"{rule.credential!r} is not a credential", allowed))
    lists = {each.key: each for each in operations if each.page is not None}
    for field, key in rule.looks():
        if key not in lists:
            failures.append(Failure(f"reports.{field}", f"{key!r} is not an operation that lists"))
            continue
        known = {each.name for each in lists[key].parameters}
        wanted = {rule.start, rule.end, rule.group, *rule.arguments, *rule.narrow} - {""}
        if strangers := sorted(wanted - known):
            failures.append(Failure(f"reports.{field}", f"{key} takes no {', '.join(strangers)}", ", ".join(known)))
    return failures
