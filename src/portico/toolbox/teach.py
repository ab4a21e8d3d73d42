"""Refusals as a model needs them: what was wrong, what is allowed, how long to wait, which tool helps. Pure."""

import re
from collections.abc import Mapping
from typing import Any

import msgspec

from portico import errors
from portico.gateway.shorten import fit_value, head, size_of
from portico.model.offered import Offered
from portico.model.server import ServerConfig
from portico.shapes import Json, is_record
from portico.toolbox.fit import clean
from portico.toolbox.journal import RolledBack
from portico.toolbox.offer import constrained
from portico.toolbox.results import ToolResult, of_refusal
from portico.toolbox.tools import IDENTITY, shown_name

_ASK = "Ask whoever administers this account"
_MOST_VENDOR_BYTES = 4_000
_MOST_SENTENCE, _MOST_FAILURES = 2_000, 20
# How a sentence names the tool that lists, makes or gets what is asked for.
_SOURCE = re.compile(r"\b(?:list_all|create_a|get_single)_\w+")
_NO_CONFIG = ServerConfig()


def teach(
    problem: errors.Refusal,
    operation: Offered | None,
    lister: str = "",
    config: ServerConfig = _NO_CONFIG,
) -> ToolResult:
    """The refusal as a result. `lister` is the tool that lists the ids which this operation takes."""
    problem = _as_shown(problem, operation)
    facts: Json = {"code": problem.code, "status": _status(problem), **problem.facts}
    sentence = problem.sentence
    if isinstance(problem, errors.InvalidArguments):
        facts["failures"] = [_failure(each) for each in problem.failures[:_MOST_FAILURES]]
        sentence = sentence.replace(" more in details.failures)", " more in failures)")
    elif isinstance(problem, errors.VendorFailure):
        sentence, more = _vendor(problem, operation, lister)
        facts |= more
    elif isinstance(problem, RolledBack):
        # Which step failed, what was undone, and what was not and why.
        facts |= problem.facts
    elif isinstance(problem, errors.QuotaSpent):
        more_words, more = _wait(problem.headers)
        sentence, facts = sentence + more_words, facts | more
    elif isinstance(problem, errors.KeyMissing | errors.NeedsReauth | errors.AccountBlocked):
        sentence = f"{sentence} {_ASK} to mend that; calling again will not help."
    elif isinstance(problem, errors.VendorTimeout | errors.VendorUnreachable):
        sentence = f"{sentence} {_after_silence(problem, operation)}"
    sentence, facts = _fitted(clean(sentence), clean(facts), config.result_limit)
    if operation is not None and _is_about_arguments(problem):
        facts["input_schema"] = clean(constrained(operation, config).input_schema)
    return of_refusal(sentence, facts)


def _as_shown(problem: errors.Refusal, operation: Offered | None) -> errors.Refusal:
    """With an item's own id by the name under which a model gave it, and with the tool that gives what is missing."""
    if operation is None or not isinstance(problem, errors.InvalidArguments):
        return problem
    own = operation.identity
    told = [
        _sourced(each._replace(path=IDENTITY) if each.path == own else each, operation) for each in problem.failures
    ]
    return problem if told == problem.failures else errors.InvalidArguments(told)


def _sourced(failure: errors.Failure, operation: Offered) -> errors.Failure:
    """What an argument's own sentence says of where its values come from."""
    if failure.allowed or not failure.problem.startswith("is required"):
        return failure
    asked = next((each for each in operation.parameters if failure.path == shown_name(operation, each)), None)
    source = _SOURCE.search(str(asked.schema.get("description", ""))) if asked else None
    return failure._replace(allowed=f"from {source[0]}") if source else failure


def _is_about_arguments(problem: errors.Refusal) -> bool:
    """Whether we or the vendor took offence at what was said, so that a look at what may be said helps."""
    refused = isinstance(problem, errors.VendorFailure) and problem.vendor_status in {400, 422}
    return refused or isinstance(problem, errors.InvalidArguments)


def _fitted(sentence: str, facts: Json, limit: int) -> tuple[str, Json]:
    """What was said wrong is said back no longer than an answer of this server may be. A schema comes whole or it would
    be another."""
    most = min(_MOST_SENTENCE, limit // 2)
    if len(sentence) > most:
        sentence = f"{head(sentence, most)}… ({len(sentence)} characters)"
    shown, _ = fit_value(facts, max(limit - size_of(sentence), limit // 2))
    return sentence, shown if "code" in shown else {name: facts[name] for name in ("code", "status")}


def _vendor(problem: errors.VendorFailure, operation: Offered | None, lister: str) -> tuple[str, Json]:
    facts: Json = {"vendor_error": fit_value(_body(problem.raw), _MOST_VENDOR_BYTES)[0]}
    status = problem.vendor_status
    sentence = problem.sentence
    if status == 429:
        words, more = _wait({name.lower(): value for name, value in problem.vendor_headers})
        sentence, facts = sentence + words, facts | more
    elif status == 401:
        sentence += f" The account's key no longer works. {_ASK} to connect it again."
    elif status == 403:
        sentence += f" The account's key may not do this. {_ASK} for a key with that permission."
    elif status == 404 and lister and operation is not None:
        name = IDENTITY if operation.identity else ", ".join(operation.path_parameters)
        sentence += f" Take {name} from {lister}."
    elif status >= 500:
        sentence += " That is the vendor's trouble; try again in a while."
    own, added = problem.sentence, sentence.removeprefix(problem.sentence)
    if added and own[-1:] not in ".!?":  # it begins a sentence of its own
        sentence = f"{own}.{added}"
    return sentence, facts


def _after_silence(problem: errors.Refusal, operation: Offered | None) -> str:
    """What may have happened at a vendor that gave no answer, or none that could be used."""
    if isinstance(problem, errors.VendorTooLarge):
        return "Ask for less: a smaller limit, or filters."
    if isinstance(problem, errors.VendorConnectTimeout | errors.VendorInsecure):
        return "Nothing was sent; try again in a while."
    if operation is not None and operation.effect == "read":
        return "Nothing was changed; try again in a while."
    return "Nothing is known about whether it took effect; look before you repeat a change."


def _wait(headers: Mapping[str, str]) -> tuple[str, Json]:
    """How long to wait, in words and for programs. Where a window has something left, its end is no answer: what is
    used up is something else, such as a budget, and programs would call again and again."""
    seconds = _number(headers.get("retry-after", ""))
    if not seconds and headers.get("ratelimit-remaining", "0") == "0":
        seconds = _number(headers.get("ratelimit-reset", ""))
    if seconds:
        return f" Wait {seconds:g} seconds, then call again.", {"retry_after_seconds": seconds}
    return f" It is not told for how long. {_ASK} whether a budget is used up, or try again much later.", {}


def _failure(failure: errors.Failure) -> Json:
    shown = {"argument": failure.path, "problem": failure.problem, "allowed": failure.allowed}
    return {name: value for name, value in shown.items() if value}


def _status(problem: errors.Refusal) -> int:
    return problem.vendor_status if isinstance(problem, errors.VendorFailure) else problem.status


def _body(raw: bytes) -> Any:
    try:
        body: Any = msgspec.json.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return raw[:2000].decode("utf-8", "replace")
    inner = body.get("error") if is_record(body) else None
    return inner if is_record(inner) else body


def _number(text: str) -> float:
    try:
        return max(float(text), 0.0)
    except ValueError:
        return 0.0
