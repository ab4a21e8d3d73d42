"""Conversations: items in order, to which responses add what was asked and what was answered."""

from dataclasses import dataclass, field

from portico.sandbox.refusals import invalid, not_found
from portico.sandbox.shapes import Json, is_record
from portico.sandbox.shelves import Collection, Kind, Rows
from portico.sandbox.wire import Ask


@dataclass(frozen=True, slots=True)
class Line:
    """An item of a conversation. Those of a background response appear when it is done."""

    item: Json
    visible_from: float = 0.0


def _no_lines() -> Collection[Line]:
    return Collection[Line]("conversation item")


@dataclass(slots=True)
class Conversation:
    id: str
    created_at: int
    metadata: dict[str, str] = field(default_factory=dict[str, str])
    lines: Collection[Line] = field(default_factory=_no_lines)

    def show(self) -> Json:
        return {
            "id": self.id,
            "object": "conversation",
            "created_at": self.created_at,
            "metadata": self.metadata,
        }

    def add(self, items: list[Json], visible_from: float = 0.0) -> None:
        for item in items:
            self.lines.add(item["id"], Line(item, visible_from))

    def visible(self, now: float) -> Rows[Line]:
        return self.lines.rows(lambda line: line.visible_from <= now)


CONVERSATIONS = Kind[Conversation]("conversation", "conv_")


def named_in(ask: Ask, given: object) -> Conversation | None:
    """The conversation that a body names, as text or as {"id"}; None where it names none."""
    if given is None:
        return None
    identity = given.get("id") if is_record(given) else given
    if not isinstance(identity, str):
        raise invalid("'conversation' must be an id, or an object with one.", "conversation", "invalid_type")
    found = ask.held(CONVERSATIONS).look(identity)
    if found is None:
        raise not_found(f"There is no conversation '{identity}'.", "conversation")
    return found
