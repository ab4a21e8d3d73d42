"""The SDK package as records: what each method sends, and what it makes of the answer."""

from pathlib import Path

from portico.catalog.harvest.annotations import Reader
from portico.catalog.harvest.endpoints import Endpoint, endpoints
from portico.catalog.harvest.package import Package
from portico.catalog.harvest.record import Record
from portico.catalog.harvest.sent import BETA_HEADER, IDEMPOTENCY_HEADER, Sent

CLIENT_MODULE, CLIENT_CLASS = ("_client",), "OpenAI"
VERSION_MODULE, VERSION_NAME = ("_version",), "__version__"


class NoClient(Exception):
    """The package has no client class where one is expected."""


def read_sdk(folder: Path) -> tuple[str, list[Record]]:
    """The package's version and one record per operation."""
    package = Package(folder)
    module = package.module(CLIENT_MODULE)
    client = package.find(module, CLIENT_CLASS) if module else None
    if client is None:
        raise NoClient(str(folder))
    groups: dict[tuple[str, str], list[Endpoint]] = {}
    for endpoint in endpoints(package, client):
        groups.setdefault((endpoint.verb, endpoint.path), []).append(endpoint)
    reader = Reader(package)
    return package.text(VERSION_MODULE, VERSION_NAME), [_record(reader, group) for group in groups.values()]


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
