"""JSON-RPC as MCP uses it: one message in, one answer out, errors with their codes and HTTP statuses. Pure."""

from typing import Any

import msgspec
from msgspec import UNSET, Struct, UnsetType

from portico.shapes import Json, is_record

PARSE_ERROR = -32700
INVALID_REQUEST = -32600
UNKNOWN_METHOD = -32601
INVALID_PARAMS = -32602
INTERNAL = -32603
HEADER_MISMATCH = -32020
MISSING_CAPABILITY = -32021
UNSUPPORTED_VERSION = -32022
PAGE_NEEDED = -32042  # "URL elicitation required", of 2025-11-25 alone

# What the reference's clients send without saying that it is JSON-RPC, and the one of them that they give no id.
_OPENING = "initialize"
_BARE = frozenset({_OPENING, "tools/list", "tools/call"})
_STATUSES = {UNKNOWN_METHOD: 404, INTERNAL: 500}
DEEPEST = 64


class ProtocolFault(Exception):
    """The message itself is wrong: told as a JSON-RPC error, not as a tool's result."""

    def __init__(self, code: int, sentence: str, data: Json | None = None, *, of: "Message | None" = None) -> None:
        """`of`: the message, where it could be read so far that its id is known."""
        super().__init__(sentence)
        self.code, self.sentence, self.data, self.of = code, sentence, data, of

    @property
    def status(self) -> int:
        return _STATUSES.get(self.code, 400)


class Message(Struct):
    """One request (with an id) or notification (without). The id is echoed exactly as it was written."""

    jsonrpc: str | UnsetType = UNSET
    id: msgspec.Raw | UnsetType = UNSET
    method: str | UnsetType = UNSET
    params: Any = msgspec.field(default_factory=dict)  # an object in whatever is asked, as `read` sees to
    result: Any = UNSET
    error: Any = UNSET

    @property
    def is_bare(self) -> bool:
        """Whether it does not say that it is JSON-RPC, as those of the reference's clients do not."""
        return self.jsonrpc is UNSET

    @property
    def is_answer(self) -> bool:
        """Whether it is what the client says to a request of ours."""
        return self.method is UNSET and (self.result is not UNSET or self.error is not UNSET)

    @property
    def identity(self) -> Any:
        return None if self.id is UNSET else msgspec.json.decode(self.id)

    @property
    def is_request(self) -> bool:
        return self.id is not UNSET

    @property
    def arguments(self) -> Json:
        return self.params

    @property
    def meta(self) -> Json:
        meta: Any = self.params.get("_meta")
        return meta if is_record(meta) else {}


_message = msgspec.json.Decoder(Message)
_encoder = msgspec.json.Encoder()


def read(content: bytes, *, takes_bare: bool = False) -> Message:
    """The message: a request, a notification, or an answer of the client's. `takes_bare`: also one of those few that
    clients of the reference send, which know of no versions, neither of JSON-RPC nor of MCP."""
    try:
        message = _message.decode(content)
    except msgspec.ValidationError:
        raise ProtocolFault(
            INVALID_REQUEST, "The body must be one JSON-RPC request or notification; batches are not taken."
        ) from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise ProtocolFault(PARSE_ERROR, "The body is not valid JSON.") from None
    is_bare = takes_bare and message.is_bare and message.method in _BARE
    if message.jsonrpc != "2.0" and not is_bare:
        raise ProtocolFault(INVALID_REQUEST, "jsonrpc must be '2.0'.")
    _check_id(message)
    if message.method is UNSET:
        if message.is_request and message.is_answer:
            return message
        raise ProtocolFault(INVALID_REQUEST, "There is no method.")
    if is_bare:
        _give_id(message)
    if not is_record(message.params):
        raise ProtocolFault(INVALID_PARAMS, "params must be an object.", of=message)
    # Fewer brackets cannot lie that deep.
    if content.count(b"{") + content.count(b"[") > DEEPEST and _is_deeper(message.params, DEEPEST):
        raise ProtocolFault(INVALID_PARAMS, f"params are nested deeper than {DEEPEST} levels.", of=message)
    return message


def _check_id(message: Message) -> None:
    """Whatever it is, it goes back as it was written: so it must be something that can be read. An answer may be to
    nothing that we asked."""
    try:
        identity = message.identity
    except (msgspec.MsgspecError, UnicodeDecodeError):
        identity = False
    is_none = identity is None and (not message.is_request or message.is_answer)
    if isinstance(identity, bool) or not (isinstance(identity, str | int | float) or is_none):
        raise ProtocolFault(INVALID_REQUEST, "The id must be text or a finite number.")


def _give_id(message: Message) -> None:
    """The reference's clients want an answer to their opening, though they give it no id."""
    if message.is_request:
        return
    if message.method != _OPENING:
        raise ProtocolFault(INVALID_REQUEST, "jsonrpc must be '2.0', and what wants an answer needs an id.")
    message.id = msgspec.Raw(b"null")


def success(message: Message, result: bytes) -> bytes:
    """The answer around a result that is JSON already."""
    return b'{"jsonrpc":"2.0","id":' + _id(message) + b',"result":' + result + b"}"


def fault(message: Message | None, problem: ProtocolFault) -> bytes:
    error: Json = {"code": problem.code, "message": problem.sentence}
    if problem.data is not None:
        error["data"] = problem.data
    return b'{"jsonrpc":"2.0","id":' + _id(message or problem.of) + b',"error":' + _encoder.encode(error) + b"}"


def notification(method: str, params: Json) -> bytes:
    return _encoder.encode({"jsonrpc": "2.0", "method": method, "params": params})


def request(identity: str, method: str, params: Json) -> bytes:
    return _encoder.encode({"jsonrpc": "2.0", "id": identity, "method": method, "params": params})


def event(content: bytes) -> bytes:
    """One server-sent event."""
    return b"event: message\ndata: " + content + b"\n\n"


def _id(message: Message | None) -> bytes:
    return bytes(message.id) if message is not None and not isinstance(message.id, UnsetType) else b"null"


def _is_deeper(value: Any, left: int) -> bool:
    if left == 0:
        return True
    if isinstance(value, dict):
        value = value.values()  # pyright: ignore[reportUnknownVariableType, reportUnknownMemberType]  -- any JSON
    elif not isinstance(value, list):
        return False
    return any(_is_deeper(each, left - 1) for each in value)  # pyright: ignore[reportUnknownVariableType]  -- any JSON
