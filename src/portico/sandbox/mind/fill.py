"""Makes a JSON value that satisfies a JSON Schema, with values taken from a text wherever the text has some.

Knows types, enums, constants, combinators, local references, bounds, lengths and common formats. A `pattern` is met
where a hint or a usual sample matches it.
"""

import math
import re
from dataclasses import dataclass
from typing import Any

from portico.sandbox.mind.hints import Hints, telling
from portico.sandbox.shapes import Json, is_list, is_record, record, records

DEEPEST = 8
# From here on lists stay empty where they may, so that a tree that contains itself ends.
DEEP_ENOUGH = 3
FORMATS = {
    "date": "2026-01-15",
    "date-time": "2026-01-15T09:30:00Z",
    "time": "09:30:00Z",
    "duration": "PT1H",
    "email": "someone@example.com",
    "hostname": "example.com",
    "ipv4": "192.0.2.1",
    "ipv6": "2001:db8::1",
    "uri": "https://example.com/",
    "url": "https://example.com/",
    "uuid": "0b5e7a52-6a0f-4c0e-9d55-0a7c5f1d2e3f",
}
SAMPLES = (
    "abc",
    "ABC",
    "Abc",
    "123",
    "1",
    "a1",
    "A1",
    "2026-01-15",
    "09:30",
    "+15550100",
    "#a1b2c3",
    "en",
    "en-GB",
    "EUR",
)
WHOLE_TEXT = ("query", "question", "search", "prompt", "input", "message", "content", "text", "q")
PROPER = ("city", "location", "place", "country", "name", "person", "title", "customer", "company", "author")


@dataclass(slots=True)
class Filler:
    """Fills one schema. Numbers of the text are used in turn, so that two fields don't get the same one."""

    root: Json
    hints: Hints
    numbers_used: int = 0

    def value(self, schema: object, name: str = "", depth: int = 0) -> Any:
        wanted = self._resolve(record(schema), depth)
        if "const" in wanted:
            return wanted["const"]
        if is_list(wanted.get("enum")) and wanted["enum"]:
            return self._choose(wanted["enum"])
        kind = self._kind(wanted)
        if kind == "object":
            return self._object(wanted, depth)
        if kind == "array":
            return self._array(wanted, name, depth)
        if kind in ("integer", "number"):
            return self._number(wanted, kind)
        if kind == "boolean":
            return not re.search(r"\b(no|not|never|without|false)\b", self.hints.text.lower())
        return None if kind == "null" else self._string(wanted, name)

    def _resolve(self, schema: Json, depth: int) -> Json:
        """The schema with references followed, one branch of each choice taken, and `allOf` merged."""
        reference = schema.get("$ref")
        if isinstance(reference, str):
            schema = {**self._follow(reference), **{key: item for key, item in schema.items() if key != "$ref"}}
        for word in ("anyOf", "oneOf"):
            branches = records(schema.get(word))
            if branches:
                simple = [branch for branch in branches if branch.get("type") == "null"]
                chosen = simple[0] if depth >= DEEPEST and simple else self._branch(branches)
                schema = {**{key: item for key, item in schema.items() if key != word}, **self._resolve(chosen, depth)}
        for part in records(schema.get("allOf")):
            merged = self._resolve(part, depth)
            properties = {**record(schema.get("properties")), **record(merged.get("properties"))}
            needed = [*_required(schema), *_required(merged)]
            schema = {**schema, **merged, "properties": properties, "required": needed}
        return schema

    def _follow(self, reference: str) -> Json:
        found: Any = self.root
        for step in reference.removeprefix("#").strip("/").split("/"):
            if step:
                found = record(found).get(step.replace("~1", "/").replace("~0", "~"))
        return self._follow(found["$ref"]) if is_record(found) and set(found) == {"$ref"} else record(found)

    def _branch(self, branches: list[Json]) -> Json:
        """The first branch that is not null, or rather one whose name the text mentions."""
        real = [branch for branch in branches if branch.get("type") != "null"] or branches
        mentioned = (branch for branch in real if self.hints.mentions(str(branch.get("title") or branch.get("const"))))
        return next(mentioned, real[0])

    def _kind(self, schema: Json) -> str:
        kind = schema.get("type")
        if is_list(kind):
            kind = next((str(item) for item in kind if item != "null"), "null")
        if isinstance(kind, str):
            return kind
        return "object" if "properties" in schema else "array" if "items" in schema else "string"

    def _choose(self, values: list[Any]) -> Any:
        spoken = [value for value in values if isinstance(value, str) and self.hints.mentions(value)]
        return spoken[0] if spoken else values[0]

    def _object(self, schema: Json, depth: int) -> Json:
        properties = record(schema.get("properties"))
        needed = _required(schema)
        # Optional fields only where the text says something about them.
        return {
            name: self.value(inner, name, depth + 1)
            for name, inner in properties.items()
            if name in needed or (depth < DEEPEST and self.hints.after(name) is not None)
        }

    def _array(self, schema: Json, name: str, depth: int) -> list[Any]:
        least = int(schema.get("minItems", 0 if depth >= DEEP_ENOUGH else 1))
        fixed = records(schema.get("prefixItems"))
        if fixed:
            return [self.value(item, name, depth + 1) for item in fixed]
        items, most = self._resolve(record(schema.get("items")), depth), int(schema.get("maxItems", max(least, 3)))
        if self._kind(items) == "string" and "enum" not in items and not schema.get("minItems"):
            found = (self.hints.quoted or self.hints.names or telling(self.hints.text) or ["example"])[:most]
            return [self._fit(item, items) for item in dict.fromkeys(found)]
        return [self.value(items, name.removesuffix("s"), depth + 1) for _ in range(min(least, most))]

    def _number(self, schema: Json, kind: str) -> float:
        hints = self.hints.numbers
        wished = hints[self.numbers_used % len(hints)] if hints else 1.0
        self.numbers_used += 1
        step = float(schema.get("multipleOf", 0)) or (1.0 if kind == "integer" else 0.0)
        low, high = schema.get("minimum"), schema.get("maximum")
        if (above := schema.get("exclusiveMinimum")) is not None:
            low = above + (step or abs(above) * 1e-6 + 1e-6)
        if (below := schema.get("exclusiveMaximum")) is not None:
            high = below - (step or abs(below) * 1e-6 + 1e-6)
        value = wished if low is None else max(float(low), wished)
        value = value if high is None else min(float(high), value)
        if step:
            value = math.ceil(value / step - 1e-9) * step
            value = value - step if high is not None and value > high else value
        return int(value) if kind == "integer" or value == int(value) else value

    def _string(self, schema: Json, name: str) -> str:
        form = schema.get("format")
        if isinstance(form, str) and form in FORMATS:
            return self._formatted(form)
        if isinstance(pattern := schema.get("pattern"), str):
            hints = self.hints
            offered = (*hints.quoted, *hints.names, *telling(hints.text), *hints.emails, *hints.dates, *SAMPLES)
            return next((text for text in (*offered, *FORMATS.values()) if re.search(pattern, text)), "")
        return self._fit(self._words(name.lower()), schema)

    def _formatted(self, form: str) -> str:
        offered = {"email": self.hints.emails, "date": self.hints.dates}.get(form, [])
        if form in ("uri", "url"):
            offered = self.hints.addresses
        return offered[0] if offered else FORMATS[form]

    def _words(self, name: str) -> str:
        hints = self.hints
        if "email" in name:
            return self._formatted("email")
        if "date" in name:
            return self._formatted("date")
        if "url" in name:
            return self._formatted("url")
        if (said := hints.after(name)) is not None and name:
            return next((held for held in (*hints.quoted, *hints.names) if held.startswith(said)), said)
        if any(word in name for word in PROPER) and (hints.quoted or hints.names):
            return (hints.quoted or hints.names)[0]
        if any(word in name for word in WHOLE_TEXT):
            return hints.text.strip() or "example"
        return (hints.quoted or [" ".join(telling(hints.text)[:4])])[0] or "example"

    def _fit(self, text: str, schema: Json) -> str:
        longest = schema.get("maxLength")
        return text.ljust(int(schema.get("minLength", 0)), ".")[: None if longest is None else int(longest)]


def fill(schema: Json, text: str) -> Any:
    return Filler(schema, Hints.of(text)).value(schema)


def _required(schema: Json) -> list[str]:
    names: object = schema.get("required")
    return [str(name) for name in names] if is_list(names) else []
