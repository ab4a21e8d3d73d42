"""The SDK's tree of resources walked from the client class: each method that sends one HTTP request.

Methods that open a WebSocket, poll, or call other methods send no request themselves and are not listed.
"""

import ast
from collections.abc import Iterator
from dataclasses import dataclass

from portico.catalog.harvest.annotations import dotted
from portico.catalog.harvest.package import Found, Module, Package

SENDERS = {
    "_get": "GET",
    "_post": "POST",
    "_put": "PUT",
    "_patch": "PATCH",
    "_delete": "DELETE",
    "_get_api_list": "GET",
}
RESOURCE_BASE = "SyncAPIResource"
# Views of the same methods under another name.
OTHER_VIEWS = ("with_raw_response", "with_streaming_response")


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One SDK method and the request call found in it; `query_variant` is a query string fixed in its path."""

    accessor: str
    verb: str
    path: str
    query_variant: str
    function: ast.FunctionDef
    request: ast.Call
    module: Module
    deprecated: bool

    @property
    def rank(self) -> tuple[bool, bool, bool, str]:
        """Smallest first: the accessor that stands for an operation when several reach it."""
        is_wrapper = self.accessor.rpartition(".")[2] in ("parse", "stream")
        return (self.deprecated, ".beta." in self.accessor, is_wrapper, self.accessor)


class UnreadablePath(Exception):
    """A request call whose path is not a plain text: the reader has to learn the new form."""


def endpoints(package: Package, client: Found) -> Iterator[Endpoint]:
    yield from _walk(package, client, "client")


def keyword(call: ast.Call, name: str) -> ast.expr | None:
    return next((entry.value for entry in call.keywords if entry.arg == name), None)


def _walk(package: Package, owner: Found, accessor: str) -> Iterator[Endpoint]:
    if not isinstance(owner.node, ast.ClassDef):
        return
    for statement in owner.node.body:
        if not isinstance(statement, ast.FunctionDef):
            continue
        decorators = [_decorator(entry) for entry in statement.decorator_list]
        name = f"{accessor}.{statement.name}"
        if "cached_property" in decorators:
            child = _resource(package, owner.module, statement)
            if child is not None:
                yield from _walk(package, child, name)
        elif "overload" not in decorators:
            yield from _requests(statement, owner.module, name, deprecated="deprecated" in decorators)


def _resource(package: Package, module: Module, accessor: ast.FunctionDef) -> Found | None:
    if accessor.name in OTHER_VIEWS or accessor.returns is None:
        return None
    returns = accessor.returns
    name = returns.value if isinstance(returns, ast.Constant) and isinstance(returns.value, str) else dotted(returns)
    found = package.find(module, name)
    if found is None or not isinstance(found.node, ast.ClassDef):
        return None
    return found if any(dotted(base).endswith(RESOURCE_BASE) for base in found.node.bases) else None


def _decorator(node: ast.expr) -> str:
    target = node.func if isinstance(node, ast.Call) else node
    return dotted(target).rpartition(".")[2]


def _requests(function: ast.FunctionDef, module: Module, accessor: str, *, deprecated: bool) -> Iterator[Endpoint]:
    for node in ast.walk(function):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and dotted(node.func.value) == "self":
            verb = SENDERS.get(node.func.attr)
            if verb is not None:
                path, _, variant = _path(node, accessor).partition("?")
                method = keyword(node, "method")
                if isinstance(method, ast.Constant) and isinstance(method.value, str):
                    verb = method.value.upper()
                yield Endpoint(accessor, verb, path, variant, function, node, module, deprecated)


def _path(call: ast.Call, accessor: str) -> str:
    node = call.args[0] if call.args else None
    if isinstance(node, ast.Call) and node.args:
        node = node.args[0]
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    raise UnreadablePath(accessor)
