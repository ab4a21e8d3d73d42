"""Sending with patience, where it was asked for: what may be sent again, and when. No I/O.

Without a `Retry` nothing is ever sent twice. With one, the gateway's own words decide how long to wait.
"""

import random
import uuid
from dataclasses import dataclass

from portico_client.errors import ApiError, NotConnected, PorticoError, RateLimited, error_of
from portico_client.wire import Answer, Call, Flow, Pause, Send

_FIRST_PAUSE_SECONDS, _LONGEST_PAUSE_SECONDS = 0.5, 8.0
_IN_TROUBLE = frozenset({502, 503, 504})
# Refusals of the gateway itself, made before anything was sent to the vendor.
_NOTHING_DONE = frozenset({"unavailable"})


@dataclass(frozen=True)
class Retry:
    """How much patience a client has: at most so many attempts, and at most so many seconds of waiting in all.

    Reading calls are tried again after a 429, a 502, 503 or 504 and a lost connection. Calls that change something are
    tried again only where nothing can happen twice: after a 429, or a refusal before anything was sent; and after a
    lost connection, because this client then sends an Idempotency-Key, under which the gateway answers what it
    answered the first time.
    """

    attempts: int = 4
    most_seconds: float = 60.0

    def wait(self, call: Call, problem: PorticoError, attempt: int, waited: float) -> float | None:
        """Seconds until the next attempt; None: this is the end."""
        if attempt >= self.attempts or not may_repeat(call, problem):
            return None
        wait = problem.retry_after
        if wait is None:
            longest = min(_FIRST_PAUSE_SECONDS * 2 ** (attempt - 1), _LONGEST_PAUSE_SECONDS)
            wait = longest * random.uniform(0.5, 1.0)  # noqa: S311 -- nothing secret is made of it
        return wait if waited + wait <= self.most_seconds else None


def may_repeat(call: Call, problem: PorticoError) -> bool:
    """Whether trying again is worth it, and cannot do anything twice."""
    if isinstance(problem, NotConnected):
        return not call.files and (not call.can_act_twice or bool(call.key))
    if not isinstance(problem, ApiError) or call.files or "idempotent-replayed" in problem.headers:
        return False
    if isinstance(problem, RateLimited):
        return problem.retry_after is not None or not problem.is_remote or not _is_out_of_money(problem)
    if problem.code in _NOTHING_DONE:
        return True
    return problem.status in _IN_TROUBLE and not call.can_act_twice


def _is_out_of_money(problem: RateLimited) -> bool:
    """A 429 that no waiting helps against."""
    return "insufficient_quota" in str(problem.raw_response)


def exchange(call: Call, retry: Retry | None) -> Flow[Answer]:
    """The answer; or the error, raised, once patience has ended."""
    is_ours = retry is not None and call.can_act_twice and not call.key and not call.files
    attempt, waited = 0, 0.0
    sent = call.with_key(_new_key()) if is_ours else call
    while True:
        attempt += 1
        try:
            answer: Answer = yield Send(sent)
            if answer.status < 400:
                return answer
            problem: PorticoError = error_of(answer.status, answer.headers, answer.content)
        except NotConnected as lost:
            problem = lost
        wait = retry.wait(sent, problem, attempt, waited) if retry else None
        if wait is None:
            raise problem
        if is_ours and isinstance(problem, ApiError):
            sent = call.with_key(_new_key())  # that refusal is what the old key stands for now
        waited += wait
        yield Pause(wait)


def _new_key() -> str:
    return f"portico-client-{uuid.uuid4()}"
