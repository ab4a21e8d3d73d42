"""Named values of a query string or a form, in order, in all the spellings that OpenAI's clients use.

Plain repetition (`a=1&a=2`), commas, `a[]=1`, `a[0]=1`, and brackets as keys (`metadata[k]=v`, `effective_at[gt]=5`).
"""

from collections.abc import Iterable, Sequence
from typing import Any
from urllib.parse import parse_qsl

from portico.sandbox.refusals import invalid
from portico.sandbox.shapes import Json, is_record


class FormText(str):
    """Text from a form or a query, where numbers and booleans arrive spelled out; checks may read it as such."""

    __slots__ = ()


class Values:
    def __init__(self, pairs: Iterable[tuple[str, Any]]) -> None:
        self.pairs = list(pairs)

    @classmethod
    def from_query(cls, query: str) -> "Values":
        return cls((name, FormText(value)) for name, value in parse_qsl(query, keep_blank_values=True))

    def text(self, name: str) -> str | None:
        """The last value under that name, or None."""
        return next((str(value) for held, value in reversed(self.pairs) if held == name), None)

    def many(self, name: str) -> list[str]:
        """All values of an array, in order, however it was spelled."""
        found: list[str] = []
        for held, value in self.pairs:
            if held == name:
                found.extend(part for part in str(value).split(",") if part)
            elif held.startswith(f"{name}[") and _is_index(held[len(name) + 1 : -1]):
                found.append(str(value))
        return found

    def group(self, name: str) -> dict[str, str]:
        """The values under `name[key]`, by key."""
        return {
            held[len(name) + 1 : -1]: str(value)
            for held, value in self.pairs
            if held.startswith(f"{name}[") and held.endswith("]") and not _is_index(held[len(name) + 1 : -1])
        }

    def integer(self, name: str, default: int, minimum: int = 0, maximum: int | None = None) -> int:
        """A whole number within its bounds, or OpenAI's 400."""
        text = self.text(name)
        if text is None or text == "":
            return default
        try:
            number = int(text)
        except ValueError:
            raise invalid(f"Invalid '{name}': expected an integer, but got '{text}'.", name, "invalid_type") from None
        if number < minimum:
            message = f"Invalid '{name}': expected a value of at least {minimum}, but got {number}."
            raise invalid(message, name, "integer_below_min_value")
        if maximum is not None and number > maximum:
            message = f"Invalid '{name}': expected a value of at most {maximum}, but got {number}."
            raise invalid(message, name, "integer_above_max_value")
        return number

    def flag(self, name: str, default: bool = False) -> bool:
        text = self.text(name)
        if text is None:
            return default
        if text.lower() not in ("true", "false", "1", "0"):
            raise invalid(f"Invalid '{name}': expected true or false, but got '{text}'.", name, "invalid_type")
        return text.lower() in ("true", "1")

    def choice(self, name: str, allowed: Sequence[str], default: str | None = None) -> str | None:
        text = self.text(name)
        if text is None:
            return default
        if text not in allowed:
            raise invalid(f"Invalid '{name}': expected one of {', '.join(allowed)}, but got '{text}'.", name)
        return text

    def tree(self) -> Json:
        """The values as nested objects and lists: what a JSON body with the same meaning would hold."""
        root: Json = {}
        for name, value in self.pairs:
            head, *inner = [part.removesuffix("]") for part in name.split("[")]
            _plant(root, head, inner, value)
        return {name: _as_lists(value) for name, value in root.items()}


def _is_index(inside: str) -> bool:
    return inside == "" or inside.isdigit()


def _plant(holder: Json, name: str, inner: list[str], value: object) -> None:
    if not inner:
        if name in holder and not is_record(holder[name]):
            # A name that comes twice without brackets is an array too.
            holder[name] = {"0": holder[name], "1": value}
        elif is_record(holder.get(name)):
            holder[name][str(len(holder[name]))] = value
        else:
            holder[name] = value
        return
    if not is_record(holder.get(name)):
        holder[name] = {}
    below: Json = holder[name]
    _plant(below, inner[0] or str(len(below)), inner[1:], value)


def _as_lists(value: object) -> object:
    if not is_record(value):
        return value
    inside = {name: _as_lists(item) for name, item in value.items()}
    if inside and all(name.isdigit() for name in inside):
        return [inside[name] for name in sorted(inside, key=int)]
    return inside
