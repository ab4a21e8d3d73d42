"""Vendor's records → unified records: mapped, given the shape that the model promises, with the original attached."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import msgspec
from msgspec import Struct

from portico.errors import MappingFailed
from portico.shapes import Json, is_list, is_record
from portico.unified.grammar import Method
from portico.unified.models import Resource
from portico.unified.plan import Plan
from portico.unified.request import Way

REMOTE = "remote_data"
_fields = msgspec.json.Decoder(dict[str, msgspec.Raw])
_parts = msgspec.json.Decoder(list[dict[str, msgspec.Raw]] | None)
_encoder = msgspec.json.Encoder()
_MOST_DIGITS = 60


class Mapped(Struct, frozen=True, kw_only=True):
    """One unified record, and whether the vendor tells more of it where it is asked for it alone."""

    record: Json
    is_partial: bool = False

    @property
    def id(self) -> str:
        return str(self.record.get("id", ""))


class Mapper(Struct, frozen=True, kw_only=True):
    """One method's way from the vendor's records to ours, for one request."""

    way: Way
    plan: Plan
    method: Method
    resource: Resource
    scope: Json

    async def map(self, items: Sequence[msgspec.Raw]) -> list[Mapped]:
        """The records of some items; what is mapped to null is left out, and an item may give several."""
        method, plan = self.method, self.plan
        if method.each:
            items = [part for item in items for part in self._taken_apart(item)]
        if not items:
            return []
        tree: Json = {"record": method.response_mapping or "response"}
        if method.is_partial_expression:
            tree["partial"] = method.is_partial_expression
        raw = [bytes(each) for each in items]
        made = await self.way.fence.run(tree, self.scope, "response", raw, plan.tenant)
        found: list[Mapped] = []
        for item, each in zip(items, made, strict=True):
            given: Any = each.get("record")
            for record in given if is_list(given) else [given] if given is not None else []:
                if not is_record(record):
                    raise MappingFailed(f"The mapping of {plan.place} must give an object for each record.")
                found.append(self._mapped(record, item, bool(each.get("partial"))))
        return found

    def _taken_apart(self, item: msgspec.Raw) -> list[msgspec.Raw]:
        """The members of a record's list, each with the rest of the record as its `parent`; digits stay as they are."""
        name = self.method.each
        try:
            whole = _fields.decode(item)
            parts: list[dict[str, msgspec.Raw]] = _parts.decode(whole.pop(name, msgspec.Raw(b"null"))) or []
        except msgspec.MsgspecError:
            problem = f"The mapping of {self.plan.place} finds no list of objects under {name!r}."
            raise MappingFailed(problem) from None
        return [msgspec.Raw(_encoder.encode({**part, "parent": whole})) for part in parts]

    def _mapped(self, record: Json, item: msgspec.Raw, is_partial: bool) -> Mapped:
        remote = record.pop(REMOTE, item)
        shaped = shape(record, self.resource)
        if self.way.ask.with_remote_data:
            shaped[REMOTE] = remote
        return Mapped(record=shaped, is_partial=is_partial)


def shape(record: Json, resource: Resource) -> Json:
    """The types that the model promises: a list where it has one, text where it has text. Own fields stay."""
    return {name: _shaped(value, resource.fields.get(name)) for name, value in record.items()}


def _shaped(value: Any, schema: Json | None) -> Any:
    kind = (schema or {}).get("type")
    if value is None:
        return [] if kind == "array" else None
    if kind == "array":
        items: Json = (schema or {}).get("items") or {}
        return [_shaped(each, items) for each in (value if is_list(value) else [value])]
    if kind == "string" and isinstance(value, int | float | Decimal) and not isinstance(value, bool):
        return _text(value)
    if kind == "object" and is_record(value):
        inner: Json = (schema or {}).get("properties") or {}
        return {name: _shaped(each, inner.get(name)) for name, each in value.items()}
    return value


def _text(value: float | Decimal) -> str:
    """All digits, none in powers of ten, unless there would be very many."""
    if not isinstance(value, Decimal) or not value.is_finite() or abs(value.adjusted()) > _MOST_DIGITS:
        return str(value)
    return f"{value:f}"
