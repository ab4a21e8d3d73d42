"""The Proxy API: resources and methods of every vendor under one address, with one envelope and one cursor."""

from typing import Any
from urllib.parse import unquote

from msgspec import Struct

from portico.errors import Failure, InvalidArguments, NotFound, VerbNotAllowed
from portico.faces.envelope import FORMATS, SKIP, enclose, refuse_skipping
from portico.faces.http import Incoming, Send, account_of, begin, pairs_of, take_body, while_connected, write_answer
from portico.faces.kept import kept
from portico.faces.patience import read_patience
from portico.gateway.brackets import plain_list
from portico.gateway.execute import execute
from portico.gateway.parts import Parts
from portico.model.call import Call, Patience
from portico.model.caller import Caller
from portico.shapes import is_list

PREFIX = "/proxy/"
# HEAD is GET whose body the server leaves out.
_ONE_SEGMENT = {"GET": "list", "HEAD": "list", "POST": "create", "PATCH": "update", "DELETE": "delete"}
_TWO_SEGMENTS = {"GET": "get", "HEAD": "get", "PATCH": "update", "DELETE": "delete"}
# What the reference's own toolset writes in an id's place for things that have none.
_NO_ID = "undefined"
# Accepted from clients of the reference, and without a meaning here.
_IGNORED = frozenset({"truto_ignore_limit", "truto_ignore_remote_data", "truto_super_query"})


class Options(Struct, frozen=True, kw_only=True):
    """What a query says to us rather than to the vendor."""

    account_id: str = ""
    format: str = "unified"
    excluded: tuple[str, ...] = ()
    patience: Patience = Patience()


async def serve(incoming: Incoming, send: Send, parts: Parts) -> None:
    caller = await incoming.caller(parts.lookup)

    async def work() -> None:
        with begin(parts.recorder, caller, incoming, "proxy", incoming.path) as entry:
            options, call = await _asked(caller, incoming, entry.call)
            answer = await execute(caller, call, parts, entry)
            limit_bytes = parts.settings.reshape_limit_bytes
            answer = await enclose(answer, call.method, options.format, options.excluded, limit_bytes)
            await write_answer(send, answer, (("x-portico-request-id", incoming.request_id),))

    await while_connected(incoming, work())


async def _asked(caller: Caller, incoming: Incoming, begun: Call) -> tuple[Options, Call]:
    incoming.refuse_encoded()
    resource, method, identity = target(incoming.verb, incoming.path)
    options, given = _read_query(incoming.query)
    arguments = {name: [*value] if is_list(value) else value for name, value in given.items()}
    if identity:
        arguments["id"] = identity
    call = Call(
        account_id=account_of(caller, options.account_id),
        face="proxy",
        resource=resource,
        method=method,
        arguments=arguments,
        body=await take_body(incoming),
        idempotency_key=incoming.header("idempotency-key") or None,
        patience=options.patience,
        shaped=options.format not in {"raw", "stream"},
        request_id=begun.request_id,
        client=begun.client,
        trace_id=begun.trace_id,
    )
    return options, call


@kept
def _read_query(query: str) -> tuple[Options, dict[str, Any]]:
    return split_query(pairs_of(query))


def target(verb: str, path: str) -> tuple[str, str, str]:
    """(resource, method, id) of `/proxy/…`."""
    segments = _segments(path)
    if not segments[0] or len(segments) > 2:
        raise NotFound(
            "Proxy addresses are /proxy/{resource}, /proxy/{resource}/{id} or, by POST, /proxy/{resource}/{method}."
        )
    if len(segments) == 2 and verb == "POST":
        return segments[0], segments[1], ""
    method = (_ONE_SEGMENT if len(segments) == 1 else _TWO_SEGMENTS).get(verb)
    if method is None:
        raise VerbNotAllowed(
            f"The Proxy API takes GET, POST, PATCH and DELETE here, not {verb}.",
            headers={"allow": "GET, HEAD, POST, PATCH, DELETE"},
        )
    identity = segments[1] if len(segments) == 2 else ""
    return segments[0], method, "" if identity == _NO_ID else identity


@kept
def _segments(path: str) -> list[str]:
    segments = [unquote(part) for part in path.removeprefix(PREFIX).split("/")]
    return segments[:-1] if segments[-1] == "" and len(segments) > 1 else segments


def split_query(pairs: list[tuple[str, str]]) -> tuple[Options, dict[str, Any]]:
    """Our own options, and the arguments that are for the vendor, repeated ones as lists."""
    ours: dict[str, list[str]] = {}
    arguments: dict[str, Any] = {}
    for given, value in pairs:
        name = plain_list(given)
        plain = name.removesuffix("[]")
        if plain.startswith(("truto_", "portico_")) or plain == "integrated_account_id":
            ours.setdefault(plain, []).append(value)
        elif name in {"next_cursor", "prev_cursor", "limit"}:
            arguments[name] = value
        else:
            _gather(arguments, name, value)
    return _options(ours), {
        name: value for name, value in arguments.items() if value != "" or name not in _EMPTY_MEANS_ABSENT
    }


_EMPTY_MEANS_ABSENT = frozenset({"next_cursor", "prev_cursor", "limit"})


def _gather(arguments: dict[str, Any], name: str, value: str) -> None:
    if name not in arguments:
        arguments[name] = value
    elif is_list(arguments[name]):
        arguments[name].append(value)
    else:
        arguments[name] = [arguments[name], value]


def _options(ours: dict[str, list[str]]) -> Options:
    chosen = ours.pop("truto_response_format", ["unified"])[-1]
    excluded = [part for value in ours.pop("truto_exclude_fields", []) for part in value.split(",")]
    account_id = ours.pop("integrated_account_id", [""])[-1]
    ours.pop("truto_body_passthrough", None)  # bodies are always passed on as they come
    patience = read_patience(ours.pop("portico_retry", None) or ours.pop("portico_retry[max_seconds]", None))
    failures = refuse_skipping(ours.pop(SKIP, [""])[-1])
    failures += [
        Failure(name, "is not an option of the Proxy API", _OPTION_NAMES) for name in ours if name not in _IGNORED
    ]
    if chosen not in FORMATS:
        failures.append(Failure("truto_response_format", f"is {chosen!r}", ", ".join(FORMATS)))
    if failures:
        raise InvalidArguments(failures)
    return Options(account_id=account_id, format=chosen, excluded=tuple(excluded), patience=patience)


_OPTION_NAMES = "truto_response_format, truto_exclude_fields[], truto_body_passthrough, portico_retry"
