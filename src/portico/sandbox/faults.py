"""Faults on demand: what a server can do wrong while still speaking HTTP, asked for by header or by command.

A fault reads `name[=value][;setting=value]…`. This module says what was asked; deliver.py does it.
Behaviour that breaks HTTP itself is in broken.py.
"""

from dataclasses import dataclass, field
from fnmatch import fnmatchcase

from portico.sandbox.checks import either, fields, integer
from portico.sandbox.checks import record as object_of
from portico.sandbox.refusals import invalid
from portico.sandbox.shapes import Json, record

# name -> what its value is ("" where it takes none), as the reference page lists them.
FAULTS = {
    "status": "a status from 400 to 599; settings: retry-after, after (the request acts, then fails)",
    "delay": "seconds before the headers",
    "stall": "bytes of the body to send before nothing more comes (0: headers only)",
    "slow": "bytes per second",
    "reset": "bytes of the body to send before the connection is aborted (none: before the headers)",
    "truncate": "bytes of the body to send before the connection is closed (none: half)",
    "invalid-json": "",
    "bad-gzip": "",
    "huge": "bytes",
    "redirect": "address",
    "empty": "",
    "wrong-type": "",
}
NUMERIC = {"status", "delay", "stall", "slow", "reset", "truncate", "huge"}
MATCH = object_of(optional={"verb": str, "path": str})
NEEDS_VALUE = {"status", "delay", "slow", "huge", "redirect"}


@dataclass(frozen=True, slots=True)
class Fault:
    name: str
    value: str = ""
    settings: dict[str, str] = field(default_factory=dict[str, str])

    @property
    def number(self) -> float:
        return float(self.value or 0)

    @property
    def bytes_first(self) -> int | None:
        """How much of the body goes out first; None where the fault does not say."""
        return int(self.number) if self.value else None


@dataclass(slots=True)
class FaultRule:
    """Spoil requests that match, `times` times or (None) for ever. The path may be a prefix or a glob."""

    fault: Fault
    verb: str | None = None
    path: str = ""
    times: int | None = None

    def matches(self, verb: str, path: str) -> bool:
        if self.verb not in (None, verb) or self.times == 0:
            return False
        if "*" in self.path or "?" in self.path:
            return fnmatchcase(path, self.path)
        return path.startswith(self.path)

    def show(self) -> Json:
        fault = {"name": self.fault.name, "value": self.fault.value, **self.fault.settings}
        return {"match": {"verb": self.verb, "path": self.path}, "times": self.times, "fault": fault}


def parse(text: str) -> Fault:
    """Read the header's form: `status=429;retry-after=3`."""
    first, *rest = [part.strip() for part in text.split(";") if part.strip()] or [""]
    name, _, value = first.partition("=")
    settings = {key.strip(): setting.strip() for key, _, setting in (part.partition("=") for part in rest)}
    return _checked(Fault(name.strip(), value.strip(), settings))


def from_body(body: Json) -> FaultRule:
    """Read the command's form: {"match": {"verb", "path"}, "times": n, "fault": {"name", "value", …} or text}."""
    checked = fields(body, {"fault": either(str, dict)}, {"match": MATCH, "times": integer(1)})
    match, fault, times = record(checked.get("match")), checked["fault"], checked.get("times")
    if isinstance(fault, str):
        read = parse(fault)
    else:
        settings = {name: str(value) for name, value in fault.items() if name not in ("name", "value")}
        read = _checked(Fault(str(fault.get("name", "")), _text(fault.get("value")), settings))
    verb = match.get("verb")
    return FaultRule(read, str(verb).upper() if verb else None, str(match.get("path", "")), times)


def pick(rules: list[FaultRule], header: str | None, verb: str, path: str) -> Fault | None:
    """The fault for this request: the header's, else the first matching rule's, which is used up by one."""
    if header:
        return parse(header)
    for rule in rules:
        if rule.matches(verb, path):
            if rule.times is not None:
                rule.times -= 1
            return rule.fault
    return None


def _text(value: object) -> str:
    return "" if value is None else str(value)


def _checked(fault: Fault) -> Fault:
    if fault.name not in FAULTS:
        raise invalid(f"There is no fault '{fault.name}'. Known are: {', '.join(FAULTS)}.", "fault")
    if fault.name in NEEDS_VALUE and not fault.value:
        raise invalid(f"The fault '{fault.name}' needs a value: {FAULTS[fault.name]}.", "fault")
    if fault.name in NUMERIC and fault.value:
        _number(fault)
    if fault.name == "status" and not 400 <= int(fault.number) <= 599:
        raise invalid("The fault 'status' takes a status from 400 to 599.", "fault")
    return fault


def _number(fault: Fault) -> None:
    try:
        negative = float(fault.value) < 0
    except ValueError:
        negative = True
    if negative:
        raise invalid(f"The fault '{fault.name}' takes a number that is not negative.", "fault")
