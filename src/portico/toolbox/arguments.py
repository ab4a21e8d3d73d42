"""What a model gives → what the operation takes: names put right, kinds forgiven, everything checked. Pure."""

from typing import Any

from portico.catalog.near import nearest
from portico.catalog.schema import Check, compile_check
from portico.errors import Failure, InvalidArguments
from portico.model.offered import Offered
from portico.model.operation import Operation, Parameter
from portico.shapes import Json, decode_or_text, is_list, is_record
from portico.toolbox.tools import IDENTITY, shown_name

EXTRA = "extra"
# Taken by every list, in the place of the vendor's own words for it.
CONTROLS = frozenset({"next_cursor", "limit"})
_NUMBERS = {"integer": int, "number": float}


class Arguments:
    """The arguments of one operation, ready to be accepted again and again."""

    def __init__(self, operation: Offered) -> None:
        self._operation = operation
        self._known = {shown_name(operation, each): each for each in operation.parameters}
        self._known |= {each.name: each for each in operation.parameters if each.name not in self._known}
        self._check: Check | None = None

    def accept(self, given: Json) -> Json:
        """By the operation's own names, checked; InvalidArguments lists all that is wrong."""
        own = self.rename(given)
        self.check(own)
        return own

    def rename(self, given: Json) -> Json:
        """By the operation's own names, with what `extra` holds, kinds forgiven; unknown names are refused."""
        extra: Json = given.get(EXTRA) or {}
        if not is_record(extra):
            raise InvalidArguments([Failure(EXTRA, "must be an object")])
        own: Json = {self._own_name(name): value for name, value in extra.items()}
        failures: list[Failure] = []
        for name, value in given.items():
            if name == EXTRA or value is None:
                continue
            parameter = self._known.get(name)
            if parameter is not None:
                own[parameter.name] = forgive(value, parameter, is_time=parameter.name in self._operation.times)
            elif name in CONTROLS and self._operation.page is not None:
                own[name] = value
            else:
                failures.append(self._unknown(name))
        if failures:
            raise InvalidArguments(failures)
        return own

    def check(self, own: Json) -> None:
        """What is known of the arguments is right; what only the vendor knows passes."""
        if self._check is None:
            self._check = compile_check(full_schema(self._operation))
        checked = {name: value for name, value in own.items() if name not in CONTROLS}
        if failures := [each._replace(path=self._shown_path(each.path)) for each in self._check(checked)]:
            raise InvalidArguments(failures)

    def _own_name(self, name: str) -> str:
        parameter = self._known.get(name)
        return parameter.name if parameter else name

    def _shown_path(self, path: str) -> str:
        first, dot, rest = path.partition(".")
        return f"{IDENTITY}{dot}{rest}" if first == self._operation.identity else path

    def _unknown(self, name: str) -> Failure:
        shown = [shown_name(self._operation, each) for each in self._operation.parameters if each.shown != "never"]
        words = name.lower().split("_")
        near = nearest(name, shown, 1) or [each for each in shown if each in words]  # `group_by` for `by`
        hint = f"; did you mean {near[0]!r}?" if near else ""
        if isinstance(self._operation, Operation):
            hint = f"{hint or ';'} what the vendor takes beyond these goes into extra"
        return Failure(name, f"is not an argument{hint}", ", ".join(shown))


def full_schema(operation: Offered) -> Json:
    """Everything the operation takes, by its own names, with all bounds; what it does not know passes."""
    shown = [each for each in operation.parameters if each.place != "upload"]
    return {
        "type": "object",
        "properties": {each.name: each.schema for each in shown},
        "required": [each.name for each in operation.parameters if each.required],
    }


def forgive(value: Any, parameter: Parameter, *, is_time: bool = False) -> Any:
    """Numbers and lists written as text, JSON written as text, one item where a list is wanted."""
    kinds = _kinds(parameter.schema)
    if is_time and isinstance(value, str) and not value.strip().isdigit():
        return value  # a time as people say it is read later
    if isinstance(value, str) and "string" not in kinds:
        return _from_text(value, kinds)
    if "array" in kinds and not is_list(value) and not (kinds - {"array"}):
        return [value]
    if isinstance(value, float) and value.is_integer() and "integer" in kinds:
        return int(value)
    return (
        str(value) if isinstance(value, int | float) and not isinstance(value, bool) and kinds == {"string"} else value
    )


def _from_text(text: str, kinds: set[str]) -> Any:
    for kind, convert in _NUMBERS.items():
        if kind in kinds:
            try:
                return convert(text)
            except ValueError:
                continue
    if "boolean" in kinds and text.lower() in {"true", "false"}:
        return text.lower() == "true"
    if kinds & {"object", "array"} and text[:1] in {"{", "["}:
        return decode_or_text(text)
    return [text] if kinds == {"array"} else text


def _kinds(schema: Json) -> set[str]:
    kind: Any = schema.get("type")
    if kind is None:
        return {"string", "integer", "number", "boolean", "object", "array"}
    return set(kind) if is_list(kind) else {kind}
