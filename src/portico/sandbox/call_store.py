"""Calls of realtime and live sessions: over WebRTC, where the client starts them, or by telephone, where they ring.

A telephone call rings under two ids, one for each of the two APIs; whichever accepts it has it.
"""

from dataclasses import dataclass, field
from typing import Literal

from portico.sandbox.refusals import Refusal, conflict, not_found
from portico.sandbox.shapes import Json
from portico.sandbox.shelves import Kind
from portico.sandbox.state import Project, World
from portico.sandbox.webhooks import announce
from portico.sandbox.wire import Ask

Face = Literal["realtime", "live"]

RINGING_SECONDS = 60
LONGEST_SECONDS = 3600


@dataclass(slots=True)
class Call:
    """One call. `session` is what was accepted or started; `outcome` how it ended, `target` where it was sent."""

    is_telephone: bool
    made_at: int
    ids: dict[Face, str]
    session: Json = field(default_factory=dict[str, object])
    face: Face | None = None
    started_at: int | None = None
    ended_at: int | None = None
    outcome: str | None = None
    target: str | None = None
    status_code: int | None = None

    def settle(self, now: int) -> "Call":
        """End what time has ended: ringing that nobody answered, and calls that became too long."""
        if self.outcome is None and self.started_at is None and now >= self.made_at + RINGING_SECONDS:
            self.end("missed", self.made_at + RINGING_SECONDS)
        elif self.outcome is None and self.started_at is not None and now >= self.started_at + LONGEST_SECONDS:
            self.end("expired", self.started_at + LONGEST_SECONDS)
        return self

    @property
    def state(self) -> str:
        return self.outcome or ("ringing" if self.started_at is None else "active")

    def start(self, face: Face, session: Json, now: int) -> None:
        self.face, self.session, self.started_at = face, session, now

    def end(self, outcome: str, now: int) -> None:
        self.outcome, self.ended_at = outcome, now

    def seconds(self, now: int) -> int:
        """How long it has lasted so far, or in all."""
        return 0 if self.started_at is None else (self.ended_at or now) - self.started_at

    def show(self) -> Json:
        """For the controls: OpenAI shows no calls."""
        return {
            "call_id": self.ids.get("realtime"),
            "session_id": self.ids.get("live"),
            "transport": "sip" if self.is_telephone else "webrtc",
            "state": self.state,
            "face": self.face,
            "session": self.session,
            "target_uri": self.target,
            "status_code": self.status_code,
            "made_at": self.made_at,
            "started_at": self.started_at,
            "ended_at": self.ended_at,
        }


CALLS: dict[Face, Kind[Call]] = {
    "realtime": Kind[Call]("call", "rtc_"),
    "live": Kind[Call]("live session", "live_"),
}


def ring(world: World, project: Project, headers: list[Json]) -> Call:
    """A telephone call comes in; webhooks tell of it. The headers are those of its SIP invitation."""
    ids: dict[Face, str] = {face: world.new_id(kind.prefix) for face, kind in CALLS.items()}
    call = Call(is_telephone=True, made_at=world.now(), ids=ids)
    for face, kind in CALLS.items():
        project.shelf.of(kind).add(ids[face], call)
    common: Json = {"sip_headers": headers, "sip_media_security": "srtp"}
    announce(world, project, "realtime.call.incoming", {"call_id": ids["realtime"], **common})
    announce(world, project, "live.call.incoming", {"session_id": ids["live"], **common})
    return call


def open_call(ask: Ask, face: Face, session: Json) -> Call:
    """A WebRTC client starts a call."""
    identity = ask.new_id(CALLS[face])
    call = Call(is_telephone=False, made_at=ask.now, ids={face: identity})
    call.start(face, session, ask.now)
    return ask.held(CALLS[face]).add(identity, call)


def find(ask: Ask, face: Face, identity: str) -> Call:
    """The call of that id, or OpenAI's 404: calls that the other API has taken are not there for this one."""
    call = ask.held(CALLS[face]).look(identity)
    if call is None or call.face not in (None, face):
        noun = CALLS[face].noun
        raise not_found(f"There is no {noun} '{identity}'.", None, f"{noun.replace(' ', '_')}_id_not_found")
    return call.settle(ask.now)


def accept(ask: Ask, face: Face, identity: str, session: Json) -> None:
    call = find(ask, face, identity)
    if call.state != "ringing":
        raise _wrong(call, "accepted")
    call.start(face, session, ask.now)


def reject(ask: Ask, face: Face, identity: str, status_code: int) -> None:
    call = find(ask, face, identity)
    if call.state != "ringing":
        raise _wrong(call, "rejected")
    call.status_code = status_code
    call.end("rejected", ask.now)


def refer(ask: Ask, face: Face, identity: str, target: str) -> None:
    call = find(ask, face, identity)
    if call.state != "active" or not call.is_telephone:
        raise _wrong(call, "sent on")
    call.target = target
    call.end("referred", ask.now)


def hang_up(ask: Ask, face: Face, identity: str) -> None:
    call = find(ask, face, identity)
    if call.state != "active":
        raise _wrong(call, "hung up")
    call.end("hung_up", ask.now)


def _wrong(call: Call, deed: str) -> Refusal:
    kind = "telephone" if call.is_telephone else "WebRTC"
    return conflict(f"A {kind} call that is {call.state.replace('_', ' ')} can't be {deed}.", "invalid_call_state")
