"""Which list knows the item that an id argument means: the path says it, or else the definition. Pure.

A rule for a list (`rules.names`) is what makes its items known by name. `/projects/{project_id}/keys/{key_id}`: the
list at `/projects/{project_id}/keys` knows the keys.
"""

from collections.abc import Iterable, Mapping, Sequence

from msgspec import structs

from portico.model.operation import Operation, Parameter

# By list, the fields that hold its items' names.
Named = Mapping[str, Sequence[str]]
# Said of an argument that is called like an id of ours and is none.
NONE = "none"


def with_listings(operations: list[Operation], named: Named) -> list[Operation]:
    """The operations, each path argument pointing to the list that knows its items, where that list has a rule."""
    lists = _lists(operations)

    def pointing(operation: Operation, parameter: Parameter) -> Parameter:
        listing = _listing(operation, parameter, lists)
        if parameter.names or listing is None or listing.key not in named:
            return parameter
        return structs.replace(parameter, names=listing.key)

    return [
        structs.replace(each, parameters=tuple(pointing(each, parameter) for parameter in each.parameters))
        for each in operations
    ]


def unnamed(operations: Iterable[Operation], named: Named) -> dict[str, list[str]]:
    """Operation → what is wrong with its id arguments: the list that knows their items exists and is not pointed to."""
    known = list(operations)
    lists = _lists(known)
    of_name: dict[str, str] = {}
    for operation in known:
        for parameter in operation.parameters:
            listing = _listing(operation, parameter, lists)
            if listing is not None and named.get(listing.key):
                of_name.setdefault(parameter.name, listing.key)
    problems: dict[str, list[str]] = {}
    for operation in known:
        for parameter in operation.parameters:
            if problem := _problem(operation, parameter, of_name, lists, named):
                problems.setdefault(operation.key, []).append(f"argument {parameter.name} {problem}")
    return problems


def _problem(
    operation: Operation,
    parameter: Parameter,
    of_name: dict[str, str],
    lists: dict[str, Operation],
    named: Named,
) -> str:
    if parameter.names == NONE:
        return ""
    if parameter.names:
        return "" if parameter.names in named else f"points to {parameter.names}, which has no rule in rules.names"
    listing = _listing(operation, parameter, lists)
    if listing is not None:
        return f"is listed by {listing.key}, which has no rule in rules.names"
    if parameter.place == "path" or parameter.name not in of_name | {f"{name}s": key for name, key in of_name.items()}:
        return ""
    return f"is called like an id; say which list knows it, or names: {NONE}"


def _lists(operations: Iterable[Operation]) -> dict[str, Operation]:
    return {each.path: each for each in operations if each.method == "list"}


def _listing(operation: Operation, parameter: Parameter, lists: dict[str, Operation]) -> Operation | None:
    if parameter.place != "path":
        return None
    before, _, _ = operation.path.partition(f"/{{{parameter.name}}}")
    return lists.get(before)
