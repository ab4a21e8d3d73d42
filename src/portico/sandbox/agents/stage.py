"""Where a turn plays: adds items to the history as they come into being, and tells every step of it."""

from copy import deepcopy
from dataclasses import dataclass
from typing import Any

from portico.sandbox.agents.session import Item, Script, Session, Thread, Turn
from portico.sandbox.mind import tokens
from portico.sandbox.mind.prose import Turn as Said
from portico.sandbox.shapes import Json, record, records

DELTA_SECONDS = 0.05
PIECES_PER_DELTA = 4


@dataclass(frozen=True, slots=True)
class Stage:
    session: Session
    thread: Thread
    turn: Turn

    def tell(self, what: str, **fields: object) -> None:
        """Tell an event of the turn; of a subagent's turns only the turns themselves are told."""
        if self.thread.subagent_id is None or "turn" in fields:
            ids = {"session_id": self.session.id, "turn_id": self.turn.id}
            self.session.tell(f"agent.session.turn.{what}", **ids, **fields)

    def tell_turn(self, what: str) -> None:
        ended = {} if self.turn.is_open else {"usage": self.turn.usage}
        self.tell(what, turn=self.turn.show(), **ended)

    def add(self, prefix: str, kind: str, *, is_output: bool = True, **fields: Any) -> Item:
        """Begin an item of what the agent gives out; or record one that came in, complete as it is."""
        data: Json = {"id": self.session.owner.new_id(prefix), "turn_id": self.turn.id, "type": kind, **fields}
        moment = self.session.moment
        item = Item(data, moment, self.turn.outputs if is_output else None, None if is_output else moment)
        self.turn.outputs += 1 if is_output else 0
        self.thread.items[data["id"]] = item
        self.tell("item.added", item=deepcopy(data), output_index=item.place)
        return item

    def finish(self, item: Item, **changes: Any) -> None:
        item.data.update(changes)
        item.ended = self.session.moment
        self.tell("item.done", item=deepcopy(item.data), output_index=item.place)

    def use(self, seconds: float, prefix: str, kind: str, after: Json, **before: Any) -> Script:
        """An item that takes some time: what is known `before`, and what it changes `after`."""
        item = self.add(prefix, kind, status="in_progress", **before)
        yield seconds
        self.finish(item, **{"status": "completed", **after})

    def say(self, text: str, phase: str = "final_answer") -> Script:
        """A message of the agent, piece by piece."""
        item = self.add("msg_", "message", role="assistant", status="in_progress", phase=phase, content=[])
        part: Json = {"type": "output_text", "text": ""}
        item.data["content"] = [part]
        where = {"item_id": item.data["id"], "output_index": item.place, "content_index": 0}
        self.tell("content_part.added", part=dict(part), **where)
        for piece in _deltas(text):
            yield DELTA_SECONDS
            part["text"] += piece
            self.tell("output_text.delta", delta=piece, **where)
        self.tell("output_text.done", text=text, **where)
        self.tell("content_part.done", part=dict(part), **where)
        self.finish(item, status="completed")

    def reason(self, text: str, seconds: float) -> Script:
        """A step of thought; its summary is written down only if the agent's settings ask for one."""
        item = self.add("rs_", "reasoning", status="in_progress", summary=[])
        yield seconds
        if self.session.agent["reasoning"]["summary"] is not None:
            part = {"type": "summary_text", "text": text}
            where = {"item_id": item.data["id"], "output_index": item.place, "summary_index": 0}
            self.tell("reasoning_summary_part.added", part={**part, "text": ""}, **where)
            self.tell("reasoning_summary_text.delta", delta=text, **where)
            self.tell("reasoning_summary_text.done", text=text, **where)
            self.tell("reasoning_summary_part.done", part=part, **where)
            item.data["summary"] = [part]
        self.finish(item, status="completed")

    def hear(self, content: list[Json]) -> None:
        """A message of the user."""
        self.add("msg_", "message", is_output=False, role="user", status="completed", phase=None, content=content)

    def asked(self) -> list[str]:
        """What the user said in this turn, message by message."""
        mine = [item.data for item in self.thread.items.values() if item.data["turn_id"] == self.turn.id]
        return [text_of(data) for data in mine if data["type"] == "message" and data["role"] == "user"]

    def history(self) -> list[Said]:
        """What was said and what came back, as the model reads it."""
        said = [_said(item.data) for item in self.thread.items.values()]
        instructions = self.session.agent["instructions"]
        opening = [Said("system", instructions)] if instructions else []
        return [*opening, *(one for one in said if one is not None)]


def text_of(message: Json) -> str:
    """The text of a message; an image stands as a word."""
    return "\n".join(str(part.get("text", "[image]")) for part in records(message.get("content")))


def _said(data: Json) -> Said | None:
    kind = data["type"]
    if kind == "message":
        return Said(data["role"], text_of(data))
    if kind == "agent_message":
        return Said("tool", text_of(data))
    if kind == "web_search_call":
        return Said("tool", f"nothing about {record(data['action']).get('query', '')}, as there is no web here")
    if kind == "command_execution" and data["output"] is not None:
        return Said("tool", str(data["output"]) or f"{data['command']} ended with {data['exit_code']}")
    if kind in ("function_call_output", "mcp_call"):
        given = data["output"] if data["error"] is None else data["error"]
        return None if given is None else Said("tool", _plain(given))
    return None


def _plain(value: object) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, list):
        return text_of({"content": value})
    return str(value)


def _deltas(text: str) -> list[str]:
    pieces = tokens.pieces(text)
    return ["".join(pieces[place : place + PIECES_PER_DELTA]) for place in range(0, len(pieces), PIECES_PER_DELTA)]
