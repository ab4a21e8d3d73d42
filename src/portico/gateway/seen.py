"""What vendors said last about how much is left: per account and model, in this process, from answers passing by."""

from datetime import datetime

import msgspec
from msgspec import Struct

from portico.clock import Clock
from portico.gateway.lookup import Connected
from portico.upstream.transport import UpstreamRequest, UpstreamResponse

_MOST_KEPT = 10_000
# Longer bodies are not read again just to learn which model they name.
_MOST_READ_BYTES = 262_144


class Left(Struct, frozen=True, kw_only=True):
    """The vendor's rate-limit headers of one answer, as it wrote them."""

    at: datetime
    headers: dict[str, str]


class _Named(Struct):
    model: str = ""


_decoder = msgspec.json.Decoder(_Named)


class Seen:
    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._left: dict[tuple[str, str], Left] = {}

    def note(self, connected: Connected, request: UpstreamRequest, response: UpstreamResponse) -> None:
        """Costs one look at the headers where the answer says nothing about limits, as most do not."""
        words = connected.view.integration.rate_limits
        if not words.remaining or not response.header(words.remaining):
            return
        model = model_of(request)
        if not model:
            return
        prefix = words.remaining.partition("remaining")[0]
        headers = {name.lower(): value for name, value in response.headers if name.lower().startswith(prefix)}
        if len(self._left) >= _MOST_KEPT:
            self._left.clear()
        self._left[connected.account.id, model] = Left(at=self._clock(), headers=headers)

    def left(self, account_id: str, model: str) -> Left | None:
        """What the last answer for this model said; None if none has passed by here."""
        return self._left.get((account_id, model))


def model_of(request: UpstreamRequest) -> str:
    """The model that a JSON body names; empty where there is none to be read."""
    content = request.content
    if not isinstance(content, bytes) or len(content) > _MOST_READ_BYTES:
        return ""
    try:
        return _decoder.decode(content).model
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return ""
