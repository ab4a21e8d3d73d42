"""What a vendor may be in the mood for, and how a call may end then, by the way it came in.

The sandbox's faults are named as its header names them, the raw socket's behaviours by their names in `broken`.
"""

from dataclasses import dataclass

from tests.faults.faulty import INTERRUPTED, READ_OR_PASSED, REFUSED, TIMEOUT

# Lists are read whole and reshaped, whoever asks for them; everything else flows.
READ_WHOLE = ("list", "patient", "tool", "mcp")
WAYS = (*READ_WHOLE, "chat", "once", "raw", "stream", "upload")
FINE = ""
# Longer than any deadline of the gateway under test.
NEVER = "delay=6"
# A failure whose sentence holds the key that the vendor was called with.
TELLS_THE_KEY = "tells-the-key"
SAID_FIRST = 20
REACHED, WAIT_SECONDS = 429, 7
LARGEST_BYTES = 1_000_000


@dataclass(frozen=True, order=True)
class Ending:
    """What the request log says of a call. `is_cut`: its client had a 200 by then, and an answer that broke off."""

    status: int = 200
    code: str = ""
    is_cut: bool = False


LEFT = Ending(499, "client_left")
CONNECTED_LATE = Ending(504, "upstream_connect_timeout")
# What may become of any call on a machine that has so much to do that no answer comes within the deadlines.
LATE = {CONNECTED_LATE, Ending(*TIMEOUT), Ending(*TIMEOUT, is_cut=True)}
_FAILURES = {
    f"status={REACHED};retry-after={WAIT_SECONDS}": REACHED,
    "status=500": 500,
    "status=503": 503,
    "status=503;after=true": 503,
    TELLS_THE_KEY: 500,
}
_HUGE = f"huge={2 * LARGEST_BYTES}"
# What spoils the bytes of an answer and leaves HTTP alone: it matters to whoever must read them.
_UNREADABLE = {
    "invalid-json": (502, "upstream_invalid_json"),
    "empty": (502, "upstream_invalid_json"),
    "wrong-type": (502, "upstream_invalid_json"),
    "bad-gzip": (502, "upstream_bad_encoding"),
    _HUGE: (502, "upstream_too_large"),
    "truncated-gzip": READ_OR_PASSED["truncated-gzip"],
}
_SILENT = {
    "reset": INTERRUPTED,
    "stall": TIMEOUT,
    NEVER: TIMEOUT,
    "redirect=http://elsewhere.example/v1/x": REFUSED["redirect-elsewhere"],
}
# After some of the body: what has a length is read whole first, events have gone out by then.
_HALFWAY = {f"reset={SAID_FIRST}": INTERRUPTED, "truncate": INTERRUPTED, f"stall={SAID_FIRST}": TIMEOUT}
_SLOW = ("slow=20000", "one-byte-a-second")
# Whole answers after which the connection is gone: said here, or the next call might be on its way when it goes.
SAYS_FAREWELL = ("one-byte-a-second", "truncated-gzip", "status-999", "redirect-elsewhere")
_RAW = REFUSED
MOODS = (FINE, *_FAILURES, *_UNREADABLE, *_SILENT, *_HALFWAY, *_SLOW, *_RAW, "close-in-chunk")


def endings(mood: str, way: str) -> set[Ending]:
    """All that may become of a call to a vendor in this mood."""
    if mood in _FAILURES:
        return {Ending(_FAILURES[mood], "vendor_failure")}
    if mood in _UNREADABLE:
        return {Ending(*_UNREADABLE[mood]) if way in READ_WHOLE else Ending()}
    if mood in _SILENT:
        return {Ending(*_SILENT[mood])}
    if mood in _HALFWAY:
        return _broken_off(_HALFWAY[mood], may_be_cut=way == "stream")
    if mood == "close-in-chunk":
        return _broken_off(INTERRUPTED, may_be_cut=way not in (*READ_WHOLE, "once"))
    if mood in _RAW:
        # What comes after the end was not asked for by the client's own session; it lets go of the connection.
        is_whole = mood == "bytes-after-body" and way == "upload"
        return {Ending(*_RAW[mood])} | ({Ending()} if is_whole else set())
    return {Ending()}


def second_endings(mood: str, first: Ending) -> set[Ending]:
    """What the same Idempotency-Key is answered after that: the same again, or that nobody knows."""
    if first == CONNECTED_LATE:
        return {Ending()}  # it was never sent
    if mood == _HUGE and first == Ending():
        return {Ending(409, "not_replayable")}
    return {first} if first.code in {"", "vendor_failure"} else {Ending(409, "outcome_unknown")}


def _broken_off(told: tuple[int, str], *, may_be_cut: bool) -> set[Ending]:
    return {Ending(*told)} | ({Ending(*told, is_cut=True)} if may_be_cut else set())
