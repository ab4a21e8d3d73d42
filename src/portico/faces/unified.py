"""The Unified API over HTTP: /unified/{model}/{resource}, the Proxy API's verbs, one shape for every vendor."""

from typing import Any
from urllib.parse import unquote

import msgspec
from msgspec import Struct

from portico.errors import Failure, InvalidArguments, NotFound, VerbNotAllowed
from portico.faces.envelope import SKIP, refuse_skipping, remove
from portico.faces.http import Incoming, Send, account_of, begin, while_connected, write_json
from portico.faces.json_body import read_json
from portico.faces.patience import read_patience
from portico.gateway import brackets
from portico.gateway.parts import Parts
from portico.model.account import AccountId
from portico.model.call import Patience
from portico.model.caller import Caller
from portico.shapes import Json, decode, is_list, is_record
from portico.unified.models import DEFAULT_LIMIT
from portico.unified.request import Ask
from portico.unified.run import Result, Unified

PREFIX = "/unified/"
MOST_BODY_BYTES = 2_097_152
FORMATS = ("unified", "normalized", "raw", "debug")
# HEAD is GET whose body the server leaves out.
_ONE_SEGMENT = {"GET": "list", "HEAD": "list", "POST": "create", "PATCH": "update", "DELETE": "delete"}
_TWO_SEGMENTS = {"GET": "get", "HEAD": "get", "PATCH": "update", "PUT": "update", "DELETE": "delete"}
_STANDARD = frozenset({"list", "get", "create", "update", "delete"})
_NO_ID = "undefined"
# Accepted from clients of the reference, and without a meaning here.
_IGNORED = frozenset({"truto_ignore_limit", "truto_super_query"})
_encoder = msgspec.json.Encoder(decimal_format="number")


class Target(Struct, frozen=True, kw_only=True):
    model: str
    resource: str
    method: str
    id: str


class Options(Struct, frozen=True, kw_only=True):
    """What a query says to us rather than to the model."""

    account_id: str = ""
    format: str = "unified"
    excluded: tuple[str, ...] = ()
    key_by: str = ""
    with_remote_data: bool = True
    is_complete: bool = False
    dry_run: bool = False
    patience: Patience = Patience()


class UnifiedFace:
    """Everything below /unified but its meta addresses."""

    def __init__(self, unified: Unified) -> None:
        self._unified = unified

    async def face(self, incoming: Incoming, send: Send, parts: Parts) -> None:
        caller = await incoming.caller(parts.lookup)

        async def work() -> None:
            with begin(parts.recorder, caller, incoming, "unified", incoming.path) as entry:
                target = read_target(incoming.verb, incoming.path)
                options, ask = await _asked(caller, incoming, target)
                entry.call = msgspec.structs.replace(
                    entry.call, account_id=ask.account_id, resource=target.resource, method=target.method
                )
                entry.connected = await parts.lookup.connected(caller.environment_id, ask.account_id)
                result = await self._unified.run(caller, ask, parts)
                content = _encoder.encode(enclosed(result, target.method, options))
                entry.bytes_out = len(content)
                headers = [*result.headers, ("x-portico-request-id", incoming.request_id)]
                await write_json(send, 200, content, headers)

        await while_connected(incoming, work())


async def _asked(caller: Caller, incoming: Incoming, target: Target) -> tuple[Options, Ask]:
    options, query = split_query(incoming.pairs())
    content = await incoming.body(MOST_BODY_BYTES) if incoming.has_body else b""
    body = read_body(content, incoming.header("content-type"))
    ask = msgspec.structs.replace(
        read_ask(target, options, query, body),
        account_id=account_of(caller, options.account_id or str(body.get("integrated_account_id") or "")),
        idempotency_key=incoming.header("idempotency-key") or None,
        request_id=incoming.request_id,
        client=incoming.client,
        trace_id=incoming.trace_id,
    )
    return options, ask


def read_target(verb: str, path: str) -> Target:
    """`/unified/{model}/{resource}[/{id or method}[/{method}]]`."""
    segments = [unquote(part) for part in path.removeprefix(PREFIX).split("/")]
    if segments[-1] == "" and len(segments) > 1:
        segments.pop()
    if not 2 <= len(segments) <= 4 or "" in segments:
        raise NotFound(
            "Unified addresses are /unified/{model}/{resource}, /unified/{model}/{resource}/{id} or, by POST, "
            "/unified/{model}/{resource}/{method}."
        )
    model, resource, *rest = segments
    if verb == "POST" and rest:
        return Target(model=model, resource=resource, method=rest[-1], id=rest[0] if len(rest) == 2 else "")
    method = (_TWO_SEGMENTS if rest else _ONE_SEGMENT).get(verb) if len(rest) < 2 else None
    if method is None:
        raise VerbNotAllowed(
            f"The Unified API takes GET, POST, PATCH and DELETE here, not {verb}.",
            headers={"allow": "GET, HEAD, POST, PATCH, DELETE"},
        )
    identity = rest[0] if rest else ""
    return Target(model=model, resource=resource, method=method, id="" if identity == _NO_ID else identity)


def split_query(pairs: list[tuple[str, str]]) -> tuple[Options, Json]:
    """Our own options, and what is for the model; brackets nest, repetition and `[]` gather."""
    ours: dict[str, list[str]] = {}
    plain: dict[str, Any] = {}
    nested: list[tuple[str, Any]] = []
    for given, value in pairs:
        name = brackets.plain_list(given)
        stem = name.removesuffix("[]")
        if stem.startswith(("truto_", "portico_")) or stem == "integrated_account_id":
            ours.setdefault(stem, []).append(value)
        elif brackets.is_nested(name):
            nested.append((name, value))
        elif stem in plain or name != stem:
            known = plain.get(stem, [])
            plain[stem] = [*(known if is_list(known) else [known]), value]
        else:
            plain[stem] = value
    return _options(ours), plain | brackets.nest(nested)


def read_body(content: bytes, content_type: str = "") -> Json:
    body = read_json(content, content_type)
    if not is_record(body):
        raise InvalidArguments([Failure("", "the body must be an object")])
    return body


def read_ask(target: Target, options: Options, query: Json, body: Json) -> Ask:
    """What is asked, for an account that is still to be named."""
    remote: Any = query.pop("remote_query", {})
    if not is_record(remote):
        allowed = "remote_query[name]=value"
        raise InvalidArguments([Failure("remote_query", "must name the vendor's own parameters", allowed)])
    # A list has no id: there it is a filter like any other name, and refused where it is none.
    named = "" if target.method == "list" else query.pop("id", "")
    identity = target.id or str(named or body.get("id", ""))
    limit, back = query.pop("limit", ""), query.pop("prev_cursor", "")
    cursor = query.pop("next_cursor", "") or back
    return Ask(
        account_id=AccountId(""),
        model=target.model,
        resource=target.resource,
        method=target.method,
        id=identity,
        limit=_limit(limit),
        next_cursor=str(cursor),
        query={name: value for name, value in query.items() if value != ""},
        body={name: value for name, value in body.items() if name not in {"id", "integrated_account_id"}},
        remote_query=remote,
        with_remote_data=options.with_remote_data,
        is_complete=options.is_complete,
        dry_run=options.dry_run,
        patience=options.patience,
    )


def enclosed(result: Result, method: str, options: Options) -> Json:
    """The answer as it leaves: lists and custom methods in an envelope, a record as it is."""
    value = result.value
    if options.format == "raw":
        value = _vendors_own(result)
    for path in options.excluded:
        remove(value["result"] if result.is_list else value, path.split("."))
    if result.is_list and options.key_by:
        value["result"] = _keyed(value["result"], options.key_by)
    debug: Json = {}
    if options.format == "debug":
        debug = {"debug": {"requestUrls": list(result.urls), "responseHeaders": dict(result.headers)}}
    if result.is_list:
        return value | debug
    return {"result": value} | debug if debug or method not in _STANDARD else value


def _vendors_own(result: Result) -> Json:
    """The vendor's records in the place of ours."""
    if result.is_list:
        return result.value | {"result": [_as_json(each.get("remote_data")) for each in result.value["result"]]}
    return _as_json(result.value.get("remote_data", result.value))


def _as_json(value: Any) -> Any:
    return decode(_encoder.encode(value))


def _keyed(records: list[Json], field: str) -> Json:
    """A list as an object, each record under what stands in the field."""
    if any(each.get(field) in (None, "") for each in records):
        raise InvalidArguments([Failure("truto_key_by", f"is {field!r}", "a field that every record has, such as id")])
    return {str(each[field]): each for each in records}


def _limit(text: Any) -> int:
    if text == "":
        return DEFAULT_LIMIT
    try:
        return int(text)
    except (TypeError, ValueError):
        raise InvalidArguments([Failure("limit", f"is {text!r}", "a whole number")]) from None


def _options(ours: dict[str, list[str]]) -> Options:
    failures = refuse_skipping(ours.pop(SKIP, [""])[-1])
    chosen = ours.pop("truto_response_format", ["unified"])[-1]
    if chosen not in FORMATS:
        failures.append(Failure("truto_response_format", f"is {chosen!r}", ", ".join(FORMATS)))
    flags = {name: _flag(name, ours.pop(name, ["false"])[-1], failures) for name in _FLAGS}
    options = Options(
        account_id=ours.pop("integrated_account_id", [""])[-1],
        format=chosen,
        excluded=tuple(part for value in ours.pop("truto_exclude_fields", []) for part in value.split(",")),
        key_by=ours.pop("truto_key_by", [""])[-1],
        with_remote_data=chosen == "raw" or not flags["truto_ignore_remote_data"],
        is_complete=flags["portico_complete"],
        dry_run=flags["portico_dry_run"],
        patience=read_patience(ours.pop("portico_retry", None)),
    )
    failures += [Failure(name, "is not an option here", _OPTION_NAMES) for name in ours if name not in _IGNORED]
    if failures:
        raise InvalidArguments(failures)
    return options


_FLAGS = ("truto_ignore_remote_data", "portico_complete", "portico_dry_run")
_OPTION_NAMES = (
    "truto_response_format, truto_ignore_remote_data, truto_exclude_fields[], truto_key_by, portico_complete, "
    "portico_dry_run, portico_retry"
)


def _flag(name: str, text: str, failures: list[Failure]) -> bool:
    if text.lower() not in {"true", "false", "1", "0", ""}:
        failures.append(Failure(name, f"is {text!r}", "true, false"))
    return text.lower() in {"true", "1"}
