"""Fills `{{item.name}}` and `{{sample.output_text}}` into the texts of graders and prompts."""

import re
from dataclasses import dataclass, field
from typing import Any

import msgspec

from portico.sandbox.shapes import Json, is_list, is_record

VARIABLE = re.compile(r"\{\{\s*([^{}]*?)\s*\}\}")
STEP = re.compile(r"\.?([\w-]+)|\[(\d+)\]|\[['\"]([^'\"]+)['\"]\]")
NAMESPACES = ("item", "sample")


class VariableUnknown(Exception):
    """A template names something that neither the item nor the sample has."""


@dataclass(slots=True)
class Space:
    """What templates can name. `used` gathers the texts that were filled in, by namespace."""

    item: Json
    sample: Json
    used: dict[str, list[str]] = field(default_factory=lambda: {name: list[str]() for name in NAMESPACES})

    def fill(self, text: str) -> str:
        """The text with all variables replaced; what is not text is written as JSON."""
        return VARIABLE.sub(lambda found: self._text(found[1]), text)

    def value(self, name: str) -> Any:
        """The value of a variable such as `item.answers[0].text`."""
        steps = split(name)
        value: Any = self.item if steps[0] == "item" else self.sample
        for step in steps[1:]:
            if is_record(value) and step in value:
                value = value[step]
            elif is_list(value) and step.isdigit() and int(step) < len(value):
                value = value[int(step)]
            else:
                raise VariableUnknown(name)
        return value

    def _text(self, name: str) -> str:
        value = self.value(name)
        text = value if isinstance(value, str) else msgspec.json.encode(value).decode()
        self.used[split(name)[0]].append(text)
        return text


def split(name: str) -> list[str]:
    """The steps of a variable's name; the first is its namespace."""
    steps: list[str] = []
    position = 0
    while position < len(name):
        found = STEP.match(name, position)
        if found is None:
            raise VariableUnknown(name)
        steps.append(next(part for part in found.groups() if part is not None))
        position = found.end()
    if len(steps) < 2 or steps[0] not in NAMESPACES:
        raise VariableUnknown(name)
    return steps


def variables(text: str) -> list[str]:
    """The names in a template, as they stand there."""
    return VARIABLE.findall(text)
