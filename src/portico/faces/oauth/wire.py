"""OAuth's own way of asking and answering: forms in, JSON out, errors by OAuth's words, nothing ever cached."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl

from portico.errors import Refusal
from portico.faces.http import Incoming, Send, describe, write_json

MOST_BODY_BYTES = 65_536
_FORM = "application/x-www-form-urlencoded"
PRIVATE = (("cache-control", "no-store"), ("pragma", "no-cache"), ("referrer-policy", "no-referrer"))


class BadForm(Refusal):
    """The request cannot be read."""

    status = 400
    code = "invalid_request"


async def read_form(incoming: Incoming) -> dict[str, str]:
    """The parameters; none may come twice (RFC 6749), and an empty one counts as absent."""
    if incoming.header("content-type").partition(";")[0].strip().lower() != _FORM:
        raise BadForm(f"The body must be {_FORM}.")
    content = await incoming.body(MOST_BODY_BYTES)
    try:
        pairs = parse_qsl(content.decode("ascii"), max_num_fields=50, errors="strict")
    except ValueError:
        raise BadForm from None
    given = dict(pairs)
    if len(given) != len(pairs):
        raise BadForm("A parameter appears more than once.")
    return given


async def answer(send: Send, value: Mapping[str, Any], status: int = 200) -> None:
    await write_json(send, status, dict(value), PRIVATE)


async def refuse(send: Send, problem: Exception, request_id: str) -> None:
    """A refusal as RFC 6749 and RFC 7591 write it. What was not meant to be told is logged and not told."""
    status, body, headers = describe(problem, request_id)
    error = problem.code if isinstance(problem, Refusal) and problem.status < 500 else "server_error"
    told = {"error": error, "error_description": body["message"]}
    await write_json(send, status, told, [*headers, *PRIVATE])
