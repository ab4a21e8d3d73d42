"""The SDK package as records: what each method sends, and what it makes of the answer."""

from functools import cached_property
from pathlib import Path

from portico.catalog.harvest.annotations import Reader
from portico.catalog.harvest.endpoints import Endpoint, endpoints
from portico.catalog.harvest.package import Package
from portico.catalog.harvest.record import Record, bare
from portico.catalog.harvest.sent import BETA_HEADER, IDEMPOTENCY_HEADER, Sent
from portico.catalog.harvest.shape import Shape

CLIENT_MODULE, CLIENT_CLASS = ("_client",), "OpenAI"
VERSION_MODULE, VERSION_NAME = ("_version",), "__version__"


class NoClient(Exception):
    """The package has no client class where one is expected."""


class Sdk:
    """One package, its modules parsed once."""

    def __init__(self, folder: Path) -> None:
        self._package = Package(folder)
        self._reader = Reader(self._package)
        self._groups = _groups(self._package)
        self.version = self._package.text(VERSION_MODULE, VERSION_NAME)

    def records(self) -> list[Record]:
        """One for each operation."""
        return list(self._records)

    @cached_property
    def _records(self) -> tuple[Record, ...]:
        return tuple(_record(self._reader, group) for group in self._groups)

    def answers(self) -> dict[str, Shape]:
        """What each operation answers, all of it, by its call: only those that answer JSON."""
        found: dict[str, Shape] = {}
        for group in self._groups:
            first = min(group, key=lambda endpoint: endpoint.rank)
            shape = Sent(self._reader, first).whole_answer()
            if shape is not None:
                found[f"{first.verb} {bare(first.path)}"] = shape
        return found


def _groups(package: Package) -> list[list[Endpoint]]:
    """The methods that send the same request, together."""
    module = package.module(CLIENT_MODULE)
    client = package.find(module, CLIENT_CLASS) if module else None
    if client is None:
        raise NoClient(str(package.folder))
    groups: dict[tuple[str, str], list[Endpoint]] = {}
    for endpoint in endpoints(package, client):
        groups.setdefault((endpoint.verb, endpoint.path), []).append(endpoint)
    return list(groups.values())


def _record(reader: Reader, group: list[Endpoint]) -> Record:
    first, *others = sorted(group, key=lambda endpoint: endpoint.rank)
    request = Sent(reader, first)
    return Record(
        verb=first.verb,
        path=first.path,
        sdk=first.accessor,
        sdk_other=tuple(dict.fromkeys(endpoint.accessor for endpoint in others)),
        query_variants=tuple(sorted({endpoint.query_variant for endpoint in others if endpoint.query_variant})),
        deprecated_in=("sdk",) if first.deprecated else (),
        security=request.security(),
        beta_header=request.headers().get(BETA_HEADER, ""),
        idempotency_header=IDEMPOTENCY_HEADER if IDEMPOTENCY_HEADER in request.headers() else "",
        page_style=request.page_style(),
        parameters=tuple(request.parameters()),
        body=request.body(),
        answer=request.answer(),
    )
