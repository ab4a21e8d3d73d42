"""Two sources become one record, and the OpenAPI half is taken out of a merged record again.

The OpenAPI file decides where both speak of the same thing; the SDK, being newer, adds names, alternatives
and values. Whatever the SDK alone gave is marked, so that `openapi_half` loses nothing when the SDK is read anew.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace

from portico.catalog.harvest.answers import join
from portico.catalog.harvest.merge_shapes import merge_fields, openapi_fields
from portico.catalog.harvest.record import Answer, AnswerField, AnswerFields, Body, Record, path_names
from portico.catalog.harvest.shape import Field
from portico.catalog.harvest.wire import EVENTS, answer_kind

PLACES = ("path", "query", "header", "body", "upload")


def merge(openapi: Iterable[Record], sdk: Iterable[Record], by_hand: Iterable[Record]) -> list[Record]:
    """One record per operation, sorted by path and verb."""
    first = {record.key: record for record in openapi}
    second = {record.key: record for record in sdk}
    merged = [_pair(first.get(key), second.get(key)) for key in (first | second)]
    known = {record.key for record in merged}
    merged.extend(record for record in by_hand if record.key not in known)
    return sorted(merged, key=lambda record: (record.path, record.verb))


def openapi_half(record: Record) -> Record:
    """What the OpenAPI file said of a merged record; to be asked only where `in_openapi` holds."""
    status = record.answer.status
    good = [content for code, contents in status if code.startswith("2") for content in contents]
    answer = replace(
        record.answer,
        kind=answer_kind(good),
        can_stream=EVENTS in good,
        fields=_without(record.answer.fields, record.answer.sdk_only),
        sdk_only=(),
    )
    return replace(
        record,
        sdk="",
        sdk_other=(),
        deprecated_in=tuple(name for name in record.deprecated_in if name == "openapi"),
        beta_header="",
        idempotency_header="",
        page_style="",
        parameters=openapi_fields(record.parameters),
        body=replace(record.body, content_type=next(iter(record.body.content_types), ""), alternatives=()),
        answer=answer,
    )


def _pair(openapi: Record | None, sdk: Record | None) -> Record:
    if openapi is None or sdk is None:
        alone = openapi or sdk
        assert alone is not None
        return replace(alone, parameters=_ordered(alone.parameters), answer=_answer(openapi, sdk))
    renamed = dict(zip(path_names(sdk.path), path_names(openapi.path), strict=True))
    fields = merge_fields(openapi.parameters, [_renamed(entry, renamed) for entry in sdk.parameters])
    return replace(
        sdk,
        path=openapi.path,
        in_openapi=True,
        operation_id=openapi.operation_id,
        openapi_path=openapi.openapi_path,
        query_variants=tuple(sorted({*openapi.query_variants, *sdk.query_variants})),
        deprecated_in=(*openapi.deprecated_in, *sdk.deprecated_in),
        security=sdk.security or openapi.security,
        parameters=_ordered(fields),
        body=_body(openapi.body, sdk.body),
        answer=_answer(openapi, sdk),
    )


def _renamed(entry: Field, names: dict[str, str]) -> Field:
    if entry.place != "path" or names.get(entry.name, entry.name) == entry.name:
        return entry
    return replace(entry, name=names[entry.name], sdk_name=entry.name)


def _ordered(fields: Iterable[Field]) -> tuple[Field, ...]:
    """Path arguments first, body arguments last; uploads stay among the body's."""
    return tuple(sorted(fields, key=lambda entry: min(PLACES.index(entry.place), PLACES.index("body"))))


def _body(openapi: Body, sdk: Body) -> Body:
    types = tuple(dict.fromkeys((*openapi.content_types, *sdk.content_types)))
    return Body(sdk.content_type or openapi.content_type, types, sdk.alternatives)


def _answer(openapi: Record | None, sdk: Record | None) -> Answer:
    theirs = openapi.answer if openapi else Answer()
    ours = sdk.answer if sdk else theirs
    has_fields = ours.kind in ("json", "text")
    fields = join(theirs.fields, ours.fields) if has_fields else {}
    return Answer(
        kind=ours.kind,
        can_stream=theirs.can_stream or ours.can_stream,
        status=theirs.status,
        fields=fields,
        is_array=theirs.is_array or ours.is_array,
        sdk_only=tuple(_added(theirs.fields, fields)) if openapi else (),
    )


def _added(before: AnswerFields, after: AnswerFields) -> list[str]:
    """Dotted names that are in the second and not in the first."""
    added: list[str] = []
    for name, entry in after.items():
        if name not in before:
            added.append(name)
        else:
            added.extend(f"{name}.{inner}" for inner in entry.fields if inner not in before[name].fields)
    return added


def _without(fields: AnswerFields, names: Sequence[str]) -> AnswerFields:
    kept: AnswerFields = {}
    for name, entry in fields.items():
        if name not in names:
            inner = {key: value for key, value in entry.fields.items() if f"{name}.{key}" not in names}
            kept[name] = AnswerField(entry.type, inner)
    return kept
