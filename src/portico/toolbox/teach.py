"""Refusals as a model needs them: what was wrong, what is allowed, how long to wait, which tool helps. Pure."""

from typing import Any

import msgspec

from portico import errors
from portico.model.operation import Operation
from portico.shapes import Json, is_record
from portico.toolbox.results import ToolResult, of_refusal
from portico.toolbox.tools import IDENTITY, input_schema

_ASK = "Ask whoever administers this account"


def teach(problem: errors.Refusal, operation: Operation | None, lister: str = "") -> ToolResult:
    """The refusal as a result. `lister` is the tool that lists the ids which this operation takes."""
    facts: Json = {"code": problem.code, "status": _status(problem)}
    sentence = problem.sentence
    if isinstance(problem, errors.InvalidArguments):
        facts["failures"] = [_failure(each) for each in problem.failures]
        if operation is not None:
            facts["input_schema"] = input_schema(operation)
    elif isinstance(problem, errors.VendorFailure):
        sentence, more = _vendor(problem, operation, lister)
        facts |= more
    elif isinstance(problem, errors.QuotaSpent):
        facts["retry_after_seconds"] = _number(problem.headers.get("retry-after", ""))
    elif isinstance(problem, errors.KeyMissing | errors.NeedsReauth | errors.AccountBlocked):
        sentence = f"{sentence} {_ASK} to mend that; calling again will not help."
    elif isinstance(problem, errors.VendorTimeout | errors.VendorUnreachable):
        sentence = f"{sentence} Nothing is known about whether it took effect; look before you repeat a change."
    return of_refusal(sentence, facts)


def _vendor(problem: errors.VendorFailure, operation: Operation | None, lister: str) -> tuple[str, Json]:
    facts: Json = {"vendor_error": _body(problem.raw)}
    wait = next((value for name, value in problem.vendor_headers if name.lower() == "retry-after"), "")
    status = problem.vendor_status
    sentence = problem.sentence
    if status == 429:
        seconds = _number(wait)
        facts["retry_after_seconds"] = seconds
        sentence += f" Wait {seconds:g} seconds, then call again." if seconds else " Wait a little, then call again."
    elif status == 401:
        sentence += f" The account's key no longer works. {_ASK} to connect it again."
    elif status == 403:
        sentence += f" The account's key may not do this. {_ASK} for a key with that permission."
    elif status == 404 and lister and operation is not None:
        name = IDENTITY if operation.identity else ", ".join(operation.path_parameters)
        sentence += f" Take {name} from {lister}."
    elif status >= 500:
        sentence += " That is the vendor's trouble; try again in a while."
    return sentence, facts


def _failure(failure: errors.Failure) -> Json:
    shown = {"argument": failure.path, "problem": failure.problem, "allowed": failure.allowed}
    return {name: value for name, value in shown.items() if value}


def _status(problem: errors.Refusal) -> int:
    return problem.vendor_status if isinstance(problem, errors.VendorFailure) else problem.status


def _body(raw: bytes) -> Any:
    try:
        body: Any = msgspec.json.decode(raw)
    except msgspec.DecodeError:
        return raw[:2000].decode("utf-8", "replace")
    inner = body.get("error") if is_record(body) else None
    return inner if is_record(inner) else body


def _number(text: str) -> float:
    try:
        return max(float(text), 0.0)
    except ValueError:
        return 0.0
