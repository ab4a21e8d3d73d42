"""An OpenAPI file as records: parameters with bounds and defaults, content types, status codes."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import yaml

from portico.catalog.harvest.answers import fields_of
from portico.catalog.harvest.narrow import JsonObject, as_object, as_objects, as_text
from portico.catalog.harvest.record import Answer, Body, Record
from portico.catalog.harvest.schemas import Schemas
from portico.catalog.harvest.shape import Field, Shape, unite
from portico.catalog.harvest.wire import (
    ANSWER_DEPTH,
    EVENTS,
    JSON,
    MULTIPART,
    PARAMETER_DEPTH,
    answer_kind,
    holds_file,
    key_word,
    query_name,
)

VERBS = ("get", "post", "put", "patch", "delete")


class NoOperations(Exception):
    """The file was read but holds no operation."""


def read_openapi(path: Path, corrections: Mapping[tuple[str, str], str]) -> tuple[str, list[Record]]:
    """The file's version and one record per operation; `corrections` give the right path for a wrong one."""
    text = path.read_text(encoding="utf-8")
    document = as_object(json.loads(text) if path.suffix == ".json" else yaml.load(text, Loader=yaml.CSafeLoader))
    records = list(_records(document, corrections))
    if not records:
        raise NoOperations(str(path))
    return as_text(as_object(document.get("info")).get("version")), records


def _records(document: JsonObject, corrections: Mapping[tuple[str, str], str]) -> Iterator[Record]:
    groups: dict[tuple[str, str], list[tuple[str, JsonObject]]] = {}
    for path, methods in as_object(document.get("paths")).items():
        for verb in VERBS:
            operation = as_object(as_object(methods).get(verb))
            if operation:
                shared = as_objects(as_object(methods).get("parameters"))
                whole = operation | {"parameters": [*shared, *as_objects(operation.get("parameters"))]}
                plain, _, variant = path.partition("?")
                groups.setdefault((verb.upper(), plain), []).append((variant, whole))
    schemas = Schemas(document)
    for (verb, path), forms in groups.items():
        _, operation = min(forms, key=lambda form: form[0])
        record = _Operation(schemas, operation).record(verb, corrections.get((verb, path), path))
        yield replace(
            record,
            openapi_path=path if (verb, path) in corrections else "",
            query_variants=tuple(sorted(variant for variant, _ in forms if variant)),
        )


@dataclass(frozen=True, slots=True)
class _Operation:
    schemas: Schemas
    operation: JsonObject

    def record(self, verb: str, path: str) -> Record:
        security = [name for entry in as_objects(self.operation.get("security")) for name in entry]
        return Record(
            verb=verb,
            path=path,
            in_openapi=True,
            operation_id=as_text(self.operation.get("operationId")),
            deprecated_in=("openapi",) if self.operation.get("deprecated") is True else (),
            security=key_word(security),
            parameters=(*self._parameters(), *self._body_fields()),
            body=Body(next(iter(self._contents()), ""), tuple(self._contents())),
            answer=self._answer(),
        )

    def _parameters(self) -> Iterator[Field]:
        for entry in as_objects(self.operation.get("parameters")):
            parameter, _ = self.schemas.resolve(entry)
            place = as_text(parameter.get("in"))
            shape = self.schemas.shape(parameter.get("schema"), PARAMETER_DEPTH)
            name = as_text(parameter.get("name"))
            plain = name.removesuffix("[]")
            yield Field(
                name=plain,
                shape=shape,
                required=parameter.get("required") is True,
                sources="openapi",
                place=place,
                wire_name=query_name(plain, shape) if place == "query" else "",
                deprecated=parameter.get("deprecated") is True,
            )

    def _contents(self) -> dict[str, object]:
        """Content types of the body with their schema; multipart first, as uploads need it."""
        body, _ = self.schemas.resolve(self.operation.get("requestBody"))
        contents = as_object(body.get("content"))
        ordered = sorted(contents, key=lambda name: name != MULTIPART)
        return {name: as_object(contents[name]).get("schema") for name in ordered}

    def _body_fields(self) -> Iterator[Field]:
        forms = {
            name: self._top_level(schema) for name, schema in self._contents().items() if name in (MULTIPART, JSON)
        }
        for name in dict.fromkeys(name for fields in forms.values() for name in fields):
            found = {content: fields[name] for content, fields in forms.items() if name in fields}
            shape = unite(entry.shape for entry in found.values())
            only = next(iter(found)) if len(found) < len(forms) else ""
            yield Field(
                name=name,
                shape=shape,
                required=all(entry.required for entry in found.values()),
                sources="openapi",
                place="upload" if holds_file(shape) else "body",
                only_in=only,
                deprecated=any(entry.deprecated for entry in found.values()),
            )

    def _top_level(self, schema: object) -> dict[str, Field]:
        # One level more than an argument has: the body itself is an object.
        shape = self.schemas.shape(schema, PARAMETER_DEPTH + 1)
        bodies = [variant.properties for variant in shape.variants] or [shape.properties]
        merged: dict[str, Field] = {}
        for name in dict.fromkeys(entry.name for body in bodies for entry in body):
            found = [entry for body in bodies for entry in body if entry.name == name]
            required = len(found) == len(bodies) and all(entry.required for entry in found)
            merged[name] = replace(found[0], shape=unite(entry.shape for entry in found), required=required)
        return merged

    def _answer(self) -> Answer:
        responses = as_object(self.operation.get("responses"))
        status = tuple((code, tuple(self._response(responses[code]))) for code in sorted(responses))
        good = {
            content: schema
            for code in sorted(responses)
            if code.startswith("2")
            for content, schema in self._response(responses[code]).items()
        }
        shape = self.schemas.shape(good.get(JSON), ANSWER_DEPTH) if JSON in good else Shape()
        kind = answer_kind(list(good))
        return Answer(
            kind=kind,
            can_stream=EVENTS in good,
            status=status,
            fields=fields_of(shape) if kind == "json" else {},
            is_array=shape.type == "array",
        )

    def _response(self, node: object) -> dict[str, object]:
        response, _ = self.schemas.resolve(node)
        contents = as_object(response.get("content"))
        return {name: as_object(contents[name]).get("schema") for name in contents}
