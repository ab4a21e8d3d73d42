"""Records to and from the JSON of the inventory file; what says nothing is left out."""

from collections.abc import Iterable, Mapping

from portico.catalog.harvest.narrow import (
    JsonObject,
    as_list,
    as_object,
    as_objects,
    as_scalars,
    as_text,
    as_texts,
    compact,
)
from portico.catalog.harvest.pages import page_json
from portico.catalog.harvest.record import Alternative, Answer, AnswerField, AnswerFields, Body, Record
from portico.catalog.harvest.schemas import FACTS
from portico.catalog.harvest.shape import Field, Shape, Sources, Variant
from portico.catalog.harvest.wire import JSON, MULTIPART

SOURCES: Mapping[str, Sources] = {"sdk": "sdk", "openapi": "openapi", "both": "both"}


def record_json(record: Record) -> JsonObject:
    fixed: JsonObject = {
        "verb": record.verb,
        "path": record.path,
        "sdk": record.sdk or None,
        "in_openapi": record.in_openapi,
    }
    told = compact(
        {
            "sdk_other": list(record.sdk_other),
            "by_hand": record.by_hand,
            "operation_id": record.operation_id,
            "openapi_path": record.openapi_path,
            "query_variants": list(record.query_variants),
            "deprecated_in": list(record.deprecated_in),
            "security": record.security,
            "beta_header": record.beta_header,
            "idempotency_header": record.idempotency_header,
        }
    )
    return (
        fixed
        | told
        | {
            "parameters": [field_json(entry) for entry in record.parameters],
            "body": _body_json(record),
            "answers": _answers_json(record),
            "answer": compact(
                {
                    "type": "array" if record.answer.is_array else "",
                    "fields": _answer_fields_json(record.answer.fields),
                    "sdk_only": list(record.answer.sdk_only),
                }
            ),
        }
    )


def read_record(entry: JsonObject) -> Record:
    answers, body = as_object(entry.get("answers")), as_object(entry.get("body"))
    return Record(
        verb=as_text(entry.get("verb")),
        path=as_text(entry.get("path")),
        sdk=as_text(entry.get("sdk")),
        sdk_other=as_texts(entry.get("sdk_other")),
        in_openapi=entry.get("in_openapi") is True,
        by_hand=entry.get("by_hand") is True,
        operation_id=as_text(entry.get("operation_id")),
        openapi_path=as_text(entry.get("openapi_path")),
        query_variants=as_texts(entry.get("query_variants")),
        deprecated_in=as_texts(entry.get("deprecated_in")),
        security=as_text(entry.get("security")),
        beta_header=as_text(entry.get("beta_header")),
        idempotency_header=as_text(entry.get("idempotency_header")),
        page_style=as_text(as_object(answers.get("page")).get("style")),
        parameters=tuple(read_field(field) for field in as_objects(entry.get("parameters"))),
        body=_read_body(body),
        answer=_read_answer(answers, as_object(entry.get("answer"))),
    )


def field_json(entry: Field) -> JsonObject:
    """A field and its shape in one object; type and required are always there."""
    head = {"name": entry.name} | compact({"place": entry.place})
    tail: JsonObject = {
        "wire_name": entry.wire_name,
        "sdk_name": entry.sdk_name,
        "only_in": entry.only_in,
        "deprecated": entry.deprecated,
        "sources": entry.sources,
    }
    disagreement = {} if entry.sdk_required is None else {"sdk_required": entry.sdk_required}
    return (
        head
        | {"type": entry.shape.type, "required": entry.required}
        | disagreement
        | compact(tail)
        | shape_json(entry.shape)
    )


def read_field(entry: JsonObject) -> Field:
    required = entry.get("sdk_required")
    return Field(
        name=as_text(entry.get("name")),
        shape=read_shape(entry),
        required=entry.get("required") is True,
        sources=SOURCES.get(as_text(entry.get("sources")), ""),
        place=as_text(entry.get("place")),
        wire_name=as_text(entry.get("wire_name")),
        sdk_name=as_text(entry.get("sdk_name")),
        only_in=as_text(entry.get("only_in")),
        deprecated=entry.get("deprecated") is True,
        sdk_required=required if isinstance(required, bool) else None,
    )


def shape_json(shape: Shape) -> JsonObject:
    listed = shape.enum or shape.known
    facts: JsonObject = dict(shape.facts)
    return (
        {"type": shape.type}
        | compact(
            {
                "nullable": shape.nullable,
                "enum": list(shape.enum),
                "known": list(shape.known),
                "values_sdk_only": shape.sdk_values == listed or list(shape.sdk_values) if listed else None,
            }
        )
        | facts
        | compact(
            {
                "items": shape_json(shape.items) if shape.items else None,
                "values": shape_json(shape.values) if shape.values else None,
                "open": shape.open,
                "by": shape.by,
                "properties": [field_json(entry) for entry in shape.properties],
                "variants": [_variant_json(variant) for variant in shape.variants],
                "any_of": [shape_json(part) for part in shape.any_of],
                "type_source": shape.source,
            }
        )
    )


def read_shape(entry: JsonObject) -> Shape:
    enum, known = as_scalars(entry.get("enum")), as_scalars(entry.get("known"))
    newer = entry.get("values_sdk_only")
    return Shape(
        type=as_text(entry.get("type")),
        nullable=entry.get("nullable") is True,
        enum=enum,
        known=known,
        sdk_values=(enum or known) if newer is True else as_scalars(newer),
        facts=tuple((name, entry[name]) for name in FACTS.values() if name in entry),
        items=read_shape(as_object(entry["items"])) if "items" in entry else None,
        values=read_shape(as_object(entry["values"])) if "values" in entry else None,
        properties=tuple(read_field(field) for field in as_objects(entry.get("properties"))),
        by=as_text(entry.get("by")),
        variants=tuple(_read_variant(variant) for variant in as_objects(entry.get("variants"))),
        any_of=tuple(read_shape(part) for part in as_objects(entry.get("any_of"))),
        open=entry.get("open") is True,
        source=SOURCES.get(as_text(entry.get("type_source")), ""),
    )


def _variant_json(variant: Variant) -> JsonObject:
    head: JsonObject = {} if variant.type_value is None else {"type_value": variant.type_value}
    return (
        head
        | compact({"sources": variant.sources})
        | {"properties": [field_json(entry) for entry in variant.properties]}
    )


def _read_variant(entry: JsonObject) -> Variant:
    value = as_scalars([entry.get("type_value")])
    properties = tuple(read_field(field) for field in as_objects(entry.get("properties")))
    return Variant(value[0] if value else None, properties, SOURCES.get(as_text(entry.get("sources")), ""))


def _body_json(record: Record) -> JsonObject:
    body = record.body
    kinds = [kind for kind, name in (("multipart", MULTIPART), ("json", JSON)) if name in body.content_types]
    alternatives = [
        compact({"type_value": entry.type_value, "required": list(entry.required), "optional": list(entry.optional)})
        for entry in body.alternatives
    ]
    uploads = [entry.name for entry in record.parameters if entry.place == "upload"]
    return {"kind": "both" if len(kinds) > 1 else next(iter(kinds), "none")} | compact(
        {
            "content_type": body.content_type,
            "content_types": list(body.content_types),
            "uploads": uploads,
            "alternatives": alternatives,
        }
    )


def _read_body(entry: JsonObject) -> Body:
    alternatives = tuple(
        Alternative(as_text(part.get("type_value")), as_texts(part.get("required")), as_texts(part.get("optional")))
        for part in as_objects(entry.get("alternatives"))
    )
    return Body(as_text(entry.get("content_type")), as_texts(entry.get("content_types")), alternatives)


def _answers_json(record: Record) -> JsonObject:
    answer = record.answer
    return {"kind": answer.kind, "can_stream": answer.can_stream} | compact(
        {"status": {code: list(contents) for code, contents in answer.status}, "page": page_json(record)}
    )


def _read_answer(answers: JsonObject, answer: JsonObject) -> Answer:
    status = as_object(answers.get("status"))
    return Answer(
        kind=as_text(answers.get("kind")),
        can_stream=answers.get("can_stream") is True,
        status=tuple((code, as_texts(contents)) for code, contents in status.items()),
        fields=_read_answer_fields(as_object(answer.get("fields"))),
        is_array=answer.get("type") == "array",
        sdk_only=as_texts(answer.get("sdk_only")),
    )


def _answer_fields_json(fields: AnswerFields) -> JsonObject:
    return {
        name: {"type": entry.type, "fields": _answer_fields_json(entry.fields)} if entry.fields else entry.type
        for name, entry in fields.items()
    }


def _read_answer_fields(entry: JsonObject) -> AnswerFields:
    return {
        name: AnswerField(value)
        if isinstance(value, str)
        else AnswerField(
            as_text(as_object(value).get("type")), _read_answer_fields(as_object(as_object(value).get("fields")))
        )
        for name, value in entry.items()
    }


def read_records(entries: object) -> list[Record]:
    return [read_record(entry) for entry in as_objects(as_list(entries))]


def records_json(records: Iterable[Record]) -> list[JsonObject]:
    return [record_json(record) for record in records]
