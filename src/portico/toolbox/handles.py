"""What can be waited for, and the handle under which anybody may go on waiting: a text that needs no memory. Pure.

A handle names the tool that began it, or one that looks at it, and the ids: `create_a_vendor_batch:batch_1`. It gives
no right to anything: whoever uses it must be allowed to look.
"""

from collections.abc import Sequence
from typing import Any
from urllib.parse import quote, unquote

from msgspec import Struct

from portico.catalog.find import View
from portico.errors import Failure, InvalidArguments
from portico.gateway.answer import at
from portico.model.operation import Operation, Wait
from portico.shapes import Json

FORMS = "a handle from an answer, TOOL:ID, or an id"
_LONGEST = 2000
_LONGEST_ID = 500


class Thing(Struct, frozen=True, kw_only=True):
    """What is waited for: what began it, what looks at it, and with which arguments."""

    began: Operation
    wait: Wait
    look: Operation
    arguments: Json

    @property
    def object_id(self) -> str:
        return str(self.arguments.get(self.look.identity, ""))

    @property
    def parents(self) -> Json:
        return {name: value for name, value in self.arguments.items() if name != self.look.identity}

    @property
    def handle(self) -> str:
        ids = "/".join(quote(str(self.arguments[name]), safe="") for name in self.look.path_parameters)
        return f"{self.began.tool.name}:{ids}"

    def is_shown_by(self, began: bool) -> bool:
        """Whether an answer shows the thing itself: that of whatever looks at it does, and most that begin one."""
        return not began or self.wait.id == "id"


def begun(view: View, operation: Operation, arguments: Json, answer: Any) -> Thing | None:
    """What this call began; None where it is over already, or where the answer does not say what to look at."""
    wait = operation.wait
    if wait is None or any(arguments.get(name) != value for name, value in wait.when.items()):
        return None
    look = _look(view, wait)
    found: Json = {}
    for name in look.path_parameters:
        place = wait.id if name == look.identity else name
        known = at(answer, place) if name == look.identity else arguments.get(name) or at(answer, place)
        value = known or arguments.get(name)
        if not isinstance(value, str) or not value:
            return None
        found[name] = value
    return Thing(began=operation, wait=wait, look=look, arguments=found)


def named(view: View, text: str) -> Thing:
    """What a handle, or an id alone, means. InvalidArguments says which forms there are."""
    text = text.strip()
    tool, colon, ids = text.rpartition(":")
    if not 1 <= len(text) <= _LONGEST:
        raise _refused(f"must have 1 to {_LONGEST} characters")
    operation = view.tool(tool) if colon else _by_id(view, text)
    if not isinstance(operation, Operation) or operation.wait is None:
        raise _refused(f"{text!r} names nothing that can be waited for")
    look = _look(view, operation.wait)
    values = [unquote(each) for each in (ids if colon else text).split("/")]
    if len(values) != len(look.path_parameters) or not all(1 <= len(each) <= _LONGEST_ID for each in values):
        wanted = "/".join(look.path_parameters)
        raise _refused(f"{text!r} does not say what to look at; write {operation.tool.name}:{wanted}")
    arguments = dict(zip(look.path_parameters, values, strict=True))
    return Thing(began=operation, wait=operation.wait, look=look, arguments=arguments)


def _by_id(view: View, text: str) -> Operation | None:
    fitting = (each for each in view.operations if each.wait is not None and text.startswith(each.wait.ids or ("\0",)))
    return next(fitting, None)


def _look(view: View, wait: Wait) -> Operation:
    resource, _, method = wait.look.partition(".")
    return view.find(resource, method)


def _refused(problem: str) -> InvalidArguments:
    return InvalidArguments([Failure("handle", problem, FORMS)])


def beginners(operations: Sequence[Operation]) -> tuple[str, ...]:
    """The keys of all that can be waited for."""
    return tuple(each.key for each in operations if each.wait is not None)
