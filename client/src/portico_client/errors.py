"""Everything that can go wrong, as exceptions that keep what a program needs to act on it."""

import json
from collections.abc import Mapping
from typing import Any, ClassVar

from portico_client.wire import Json, is_record


class PorticoError(Exception):
    """Whatever this client raises."""

    retry_after: float | None = None


class NotConnected(PorticoError):
    """The gateway could not be reached, or hung up before its answer was complete."""


class TimedOut(NotConnected):
    """The gateway did not answer in the time that this client waits."""


class ApiError(PorticoError):
    """The gateway refused, or passed on that the vendor did.

    `sentence` is for people and models, `code` for programs; `request_id` finds the call in the gateway's log.
    `is_remote`: it is the vendor's own refusal, and `raw_response` is the vendor's body as it came.
    `retry_after`: seconds until it makes sense to try again, where anybody said so.
    """

    usual_status: ClassVar[int] = 0

    def __init__(self, status: int, headers: Mapping[str, str], body: Any) -> None:
        told: Json = body if is_record(body) else {}
        details: Any = told.get("details")
        self.status = status
        self.headers = dict(headers)
        self.code = str(told.get("code") or "")
        self.sentence = str(told.get("message") or f"The gateway answered with status {status}.")
        self.request_id = str(told.get("request_id") or headers.get("x-portico-request-id", ""))
        self.is_remote = bool(told.get("truto_is_remote_error"))
        self.raw_response: Any = told.get("raw_response")
        self.failures: list[Json] = list(details.get("failures", ())) if is_record(details) else []
        self.body: Any = body
        self.retry_after = seconds_until(status, headers)
        super().__init__(self.sentence)

    def __str__(self) -> str:
        return f"{self.sentence} (status {self.status}{f', request {self.request_id}' if self.request_id else ''})"

    def told(self) -> Json:
        """For a model: the sentence first, then what it can act on."""
        facts: Json = {"error": self.sentence, "status": self.status, "code": self.code}
        if self.retry_after is not None:
            facts["retry_after_seconds"] = self.retry_after
        if self.failures:
            facts["failures"] = self.failures
        return facts


class InvalidArguments(ApiError):
    """400: `failures` says for each argument what is wrong and what is allowed."""

    usual_status = 400


class NotAuthenticated(ApiError):
    """401: no valid token; with `is_remote`, the vendor does not take the account's key any more."""

    usual_status = 401


class NotAllowed(ApiError):
    """403: the token (or, with `is_remote`, the account's key) may not do this."""

    usual_status = 403


class NotFound(ApiError):
    """404: nothing there that this token can see."""

    usual_status = 404


class Conflict(ApiError):
    """409: it stands against something that exists, happens at the same time, or has to be connected anew."""

    usual_status = 409


class Gone(ApiError):
    """410: the vendor has switched this off."""

    usual_status = 410


class TooLarge(ApiError):
    """413: the request is larger than this address takes."""

    usual_status = 413


class KeyReused(ApiError):
    """422: the Idempotency-Key was used for another request."""

    usual_status = 422


class RateLimited(ApiError):
    """429: too much at a time; `retry_after` says how long to wait, `limit` and `remaining` what there was."""

    usual_status = 429

    @property
    def limit(self) -> int | None:
        return _whole(self.headers.get("ratelimit-limit", "").partition(";")[0])

    @property
    def remaining(self) -> int | None:
        return _whole(self.headers.get("ratelimit-remaining", ""))


class ServerError(ApiError):
    """5xx: the vendor or the gateway is in trouble; `code` says which."""

    usual_status = 500


_BY_STATUS = {
    kind.usual_status: kind
    for kind in (
        InvalidArguments, NotAuthenticated, NotAllowed, NotFound, Conflict, Gone, TooLarge, KeyReused, RateLimited,
    )
}  # fmt: skip


def error_of(status: int, headers: Mapping[str, str], content: bytes) -> ApiError:
    """The exception that an answer with an error status stands for."""
    try:
        body: Any = json.loads(content)
    except ValueError:
        body = content.decode("utf-8", "replace")
    kind = _BY_STATUS.get(status, ServerError if status >= 500 else ApiError)
    return kind(status, headers, body)


def seconds_until(status: int, headers: Mapping[str, str]) -> float | None:
    """How long to wait: `retry-after`; where a 429 has none and nothing is left of the window, `ratelimit-reset`, when
    all of it is there again. Where something is left, something else is used up, such as a budget."""
    told = _seconds(headers.get("retry-after", ""))
    if told is None and status == 429 and headers.get("ratelimit-remaining", "0") == "0":
        return _seconds(headers.get("ratelimit-reset", ""))
    return told


def seconds_to_wait(problem: BaseException) -> float | None:
    """How long a program should pause before it goes on from the same state; None: waiting does not help.

    Told by this client's errors, by a 429 that another SDK raised (its `response` has the headers), and by whatever a
    framework wrapped around either.
    """
    told: float | None = None
    cause: BaseException | None = problem
    while cause is not None and told is None:
        told = cause.retry_after if isinstance(cause, PorticoError) else _told_elsewhere(cause)
        cause = cause.__cause__
    return told


def _told_elsewhere(problem: BaseException) -> float | None:
    response = getattr(problem, "response", None)
    status = getattr(response, "status_code", 0)
    return seconds_until(status, getattr(response, "headers", {})) if status == 429 else None


def _seconds(text: str) -> float | None:
    try:
        return max(float(text), 0.0)
    except ValueError:
        return None


def _whole(text: str) -> int | None:
    return int(text) if text.strip().isdigit() else None
