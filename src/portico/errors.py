"""Every way in which Portico says no: one class per fact, with its status, its code and its sentence.

The class docstring is the sentence that callers read when none is given. Faces turn these into wire form;
nothing else looks at statuses.
"""

from collections.abc import Mapping, Sequence
from typing import ClassVar, Literal, NamedTuple


class Failure(NamedTuple):
    """One thing that is wrong with an argument: where, what, and what would be right.

    `missing`: it is not there at all, and where it would have to be; empty where something else is wrong.
    """

    path: str
    problem: str
    allowed: str = ""
    missing: Literal["", "query", "body"] = ""


class ClientLeft(Exception):
    """The client closed its connection before its request was complete. Nobody is left to be told."""


class Refusal(Exception):
    """Something inside Portico went wrong; nothing about it was your doing."""

    status: ClassVar[int] = 500
    code: ClassVar[str] = "internal"

    def __init__(self, sentence: str = "", *, headers: Mapping[str, str] | None = None, **facts: object) -> None:
        self.sentence = sentence or (self.__doc__ or "").strip()
        self.headers: dict[str, str] = dict(headers or {})
        self.facts = facts
        super().__init__(self.sentence)


class InvalidArguments(Refusal):
    """The arguments are not what this call takes; details.failures lists each one."""

    status = 400
    code = "invalid_arguments"

    def __init__(self, failures: Sequence[Failure] = (), sentence: str = "") -> None:
        self.failures = list(failures)
        super().__init__(sentence or _sentence_of(self.failures))


def _sentence_of(failures: Sequence[Failure]) -> str:
    if not failures:
        return ""
    first = failures[0]
    where = f"{first.path}: " if first.path else ""
    allowed = f"; allowed: {first.allowed}" if first.allowed else ""
    more = f" ({len(failures) - 1} more in details.failures)" if len(failures) > 1 else ""
    return f"{where}{first.problem}{allowed}{more}"


class NotAuthenticated(Refusal):
    """This address needs an API token: send the header 'Authorization: Bearer <API token>'."""

    status = 401
    code = "not_authenticated"


class NotAllowed(Refusal):
    """The token is valid but lacks the scope for this; use a token that has it."""

    status = 403
    code = "not_allowed"


class ApprovalDenied(Refusal):
    """Somebody was asked to approve this call and refused."""

    status = 403
    code = "approval_denied"


class NotFound(Refusal):
    """There is nothing at this address that your token can see."""

    status = 404
    code = "not_found"


class NoSuchOperation(NotFound):
    """The integration has no such resource or method."""

    code = "no_such_operation"


class VerbNotAllowed(Refusal):
    """This address does not take that HTTP method."""

    status = 405
    code = "verb_not_allowed"


class AlreadyExists(Refusal):
    """Something with that name or value exists already."""

    status = 409
    code = "already_exists"


class ChangedMeanwhile(Refusal):
    """Somebody else changed or deleted this at the same moment; look at it again and repeat your change."""

    status = 409
    code = "changed_meanwhile"


class AlreadyDecided(Refusal):
    """This was decided already, or its time is up."""

    status = 409
    code = "already_decided"


class ApprovalPending(Refusal):
    """This call waits for somebody's approval; once it is approved, make the very same call again."""

    status = 409
    code = "approval_pending"


class KeyMissing(Refusal):
    """The account has no key of the kind that this operation needs."""

    status = 409
    code = "key_missing"


class NeedsReauth(Refusal):
    """The account's credentials no longer work; connect it again."""

    status = 409
    code = "needs_reauth"


class OutcomeUnknown(Refusal):
    """An earlier request with this Idempotency-Key was cut off; check whether it took effect, then use a new key."""

    status = 409
    code = "outcome_unknown"


class NotReplayable(Refusal):
    """This Idempotency-Key was used for an answer too large or too live to keep; use a new key."""

    status = 409
    code = "not_replayable"


class OperationRemoved(Refusal):
    """The vendor has switched this operation off."""

    status = 410
    code = "operation_removed"


class TooLarge(Refusal):
    """The request is larger than this address takes."""

    status = 413
    code = "too_large"


class BodyEncoded(Refusal):
    """The body is compressed, which is not taken here; send it as it is, without Content-Encoding."""

    status = 415
    code = "body_encoded"


class KeyReused(Refusal):
    """This Idempotency-Key was used before with another request; use a new key for a new request."""

    status = 422
    code = "idempotency_key_reused"


class MappingFailed(Refusal):
    """A mapping of the Unified API cannot be applied to what the vendor or the caller sent."""

    status = 422
    code = "mapping_failed"


class FailedDependency(Refusal):
    """A request of a batch was not made because one that it depends on gave nothing."""

    status = 424
    code = "failed_dependency"


class QuotaSpent(Refusal):
    """The quota for this period is used up; wait until it resets."""

    status = 429
    code = "quota_spent"


class AccountBlocked(Refusal):
    """The account is blocked; unblock it or ask whoever runs this Portico."""

    status = 503
    code = "account_blocked"


class Unavailable(Refusal):
    """Portico cannot reach its own database just now; try again shortly."""

    status = 503
    code = "unavailable"

    def __init__(self, sentence: str = "") -> None:
        super().__init__(sentence, headers={"retry-after": "1"})


class Stopping(Refusal):
    """This Portico is stopping and could not wait for the answer any longer; the call may have taken effect."""

    status = 503
    code = "stopping"


class KeysUnavailable(Unavailable):
    """Portico cannot reach the service that keeps its root key just now; try again shortly."""

    code = "keys_unavailable"


class VendorFailure(Refusal):
    """The vendor answered with an error."""

    code = "vendor_failure"

    def __init__(
        self,
        status: int,
        raw: bytes,
        *,
        sentence: str = "",
        vendor_headers: Sequence[tuple[str, str]] = (),
        missing_scopes: Sequence[str] = (),
    ) -> None:
        super().__init__(sentence)
        self.vendor_status = status
        self.missing_scopes = list(missing_scopes)
        self.raw = raw
        self.vendor_headers = list(vendor_headers)


class VendorUnreachable(Refusal):
    """The vendor could not be reached."""

    status = 502
    code = "upstream_unreachable"


class VendorInsecure(VendorUnreachable):
    """The vendor's TLS certificate could not be verified."""

    code = "upstream_tls"


class VendorProtocol(VendorUnreachable):
    """The vendor's answer broke the rules of HTTP."""

    code = "upstream_protocol"


class VendorInterrupted(VendorUnreachable):
    """The vendor closed the connection before its answer was complete."""

    code = "upstream_interrupted"


class VendorRedirect(VendorUnreachable):
    """The vendor answered with a redirect to another host, which is never followed with a key."""

    code = "upstream_redirect_refused"


class VendorEncoding(VendorUnreachable):
    """The vendor's answer was compressed in a way that could not be undone."""

    code = "upstream_bad_encoding"


class VendorTooLarge(VendorUnreachable):
    """The vendor's answer is too large to be reshaped; ask for less, or for truto_response_format=stream."""

    code = "upstream_too_large"


class VendorGarbled(VendorUnreachable):
    """The vendor's answer was not the JSON that this operation promises."""

    code = "upstream_invalid_json"


class VendorTimeout(Refusal):
    """The vendor did not answer in time."""

    status = 504
    code = "upstream_timeout"


class VendorConnectTimeout(VendorTimeout):
    """The connection to the vendor could not be made in time."""

    code = "upstream_connect_timeout"


class ForbiddenAddress(Refusal):
    """That address may not be called from here: it is private, or not on the list of allowed base URLs."""

    status = 400
    code = "forbidden_address"
