"""A client that holds every answer of the admin API against /openapi.json, and remembers all of them."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import jsonschema_rs

from portico.app import Portico
from tests.gateways import Client, Got

Json = dict[str, Any]


class Documented:
    """The documented answers, with a check for each that was needed: to make one takes longer than to be answered."""

    def __init__(self, document: Json) -> None:
        self.document = document
        self.paths = [(re.compile(_pattern(path)), path) for path in document["paths"]]
        self.paths.sort(key=lambda pair: (pair[1].count("{"), pair[1]))
        self._checks: dict[tuple[str, str, str], Any] = {}

    def check(self, verb: str, operation_id: str, status: str, schema: Json) -> Any:
        key = (verb, operation_id, status)
        if key not in self._checks:
            whole = {**schema, "components": self.document["components"]}
            self._checks[key] = jsonschema_rs.validator_for(whole, validate_formats=True)
        return self._checks[key]


# By the gateway's address: the document says the same at all that have it.
_documents: dict[str, Documented] = {}


class Book:
    """The documented answers, and those that were given."""

    def __init__(self, documented: Documented) -> None:
        self.document = documented.document
        self.answers: list[tuple[str, str, Got]] = []
        self._documented = documented

    def operation(self, verb: str, path: str) -> Json | None:
        """What the document says about a request; None where it knows no such address or verb."""
        template = next((template for pattern, template in self._documented.paths if pattern.fullmatch(path)), "")
        return self.document["paths"].get(template, {}).get(verb.lower())

    def check(self, verb: str, path: str, got: Got) -> None:
        self.answers.append((verb, path, got))
        operation = self.operation(verb, path.partition("?")[0])
        if operation is None:
            assert got.status in {404, 405}, f"{verb} {path} is served and not documented"
            return
        status = str(got.status)
        described = operation["responses"].get(status) or operation["responses"].get("default")
        assert described is not None, f"{verb} {path} answered an undocumented {status}: {got.content[:300]!r}"
        described = self._resolved(described)
        schema = described.get("content", {}).get("application/json", {}).get("schema")
        if schema is None:
            return
        check = self._documented.check(verb, operation["operationId"], status, schema)
        problems = [f"{each.instance_path}: {each.message}" for each in check.iter_errors(got.json)]
        assert not problems, f"{verb} {path} {status} is not as documented: {problems}"

    def text(self) -> str:
        """Everything that was ever answered, heads and bodies."""
        return "\n".join(f"{got.headers} {got.content.decode('utf-8', 'replace')}" for _, _, got in self.answers)

    def _resolved(self, described: Json) -> Json:
        reference = described.get("$ref", "")
        return self.document["components"]["responses"][reference.rpartition("/")[2]] if reference else described


def _pattern(path: str) -> str:
    """A vendor's own path has as many segments as it likes, everything else has one."""
    return re.sub(r"\{[^}]+\}", "[^/]+", path.replace("{path}", ".+"))


@dataclass
class Watched(Client):
    """A client whose answers are all held against the book."""

    book: Book = field(default_factory=lambda: Book(Documented({"paths": {}})))

    async def send(
        self,
        verb: str,
        path: str,
        *,
        json: Any = None,
        content: bytes = b"",
        query: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Got:
        got = await super().send(verb, path, json=json, content=content, query=query, headers=headers)
        self.book.check(verb, path, got)
        return got

    def as_holder_of(self, token: str | None) -> "Watched":
        return Watched(self.gateway, token, dict(self.headers), self.book)


async def watched(portico: Portico, token: str) -> Watched:
    return Watched(portico, token, {}, Book(await _document(portico)))


async def _document(portico: Portico) -> Documented:
    address = portico.parts.settings.public_url
    if address not in _documents:
        _documents[address] = Documented((await Client(portico, None).get("/openapi.json")).json)
    return _documents[address]
