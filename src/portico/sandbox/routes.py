"""The table of operations: finds the route for a verb and a path; literal segments win over parameters."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from urllib.parse import unquote

from portico.sandbox.wire import Route


class RouteTwice(Exception):
    """Two routes would answer the same requests."""


@dataclass(slots=True)
class _Node:
    literals: dict[str, "_Node"] = field(default_factory=dict[str, "_Node"])
    parameter: "_Node | None" = None
    routes: dict[str, Route] = field(default_factory=dict[str, Route])


@dataclass(frozen=True, slots=True)
class Found:
    """What the table knows of a path: the route with its parameters, or else the verbs that would have been right."""

    route: Route | None
    parameters: dict[str, str]
    verbs: tuple[str, ...] = ()


class Table:
    def __init__(self, routes: Iterable[Route]) -> None:
        self.routes = tuple(routes)
        self._root = _Node()
        for route in self.routes:
            self._add(route)

    def find(self, verb: str, path: str) -> Found:
        """Look up a path below /v1, as it came over the wire: an encoded slash stays inside its segment."""
        segments = [unquote(segment) for segment in path.strip("/").split("/")]
        ends = list(_ends(self._root, segments, ()))
        for node, values in ends:
            if route := node.routes.get(verb):
                names = [name[1:-1] for name in route.path.split("/") if name.startswith("{")]
                return Found(route, dict(zip(names, values, strict=True)))
        return Found(None, {}, tuple(sorted({verb for node, _ in ends for verb in node.routes})))

    def _add(self, route: Route) -> None:
        node = self._root
        for segment in route.path.strip("/").split("/"):
            if segment.startswith("{"):
                node.parameter = node.parameter or _Node()
                node = node.parameter
            else:
                node = node.literals.setdefault(segment, _Node())
        if route.verb in node.routes:
            raise RouteTwice(f"{route.verb} {route.path} and {node.routes[route.verb].path}")
        node.routes[route.verb] = route


def _ends(node: _Node, segments: list[str], values: tuple[str, ...]) -> Iterable[tuple[_Node, tuple[str, ...]]]:
    """Every place in the table that the path can mean, most literal first."""
    if not segments:
        yield node, values
        return
    head, *rest = segments
    if head in node.literals:
        yield from _ends(node.literals[head], rest, values)
    if node.parameter is not None and head:
        yield from _ends(node.parameter, rest, (*values, head))
