"""Lets an agent with the automations tool plan work for itself, where the message says when."""

import re
from datetime import UTC, datetime
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from portico.sandbox.agents.automation import AUTOMATIONS, Automation
from portico.sandbox.agents.session import Script
from portico.sandbox.agents.stage import Stage
from portico.sandbox.mind.hints import telling
from portico.sandbox.shapes import Json

EVERY = re.compile(r"\bevery (minute|hour|day|weekday|week)\b(?:[^.\n]*?\bat (\d{1,2})(?::(\d{2}))?\s*(am|pm)?)?", re.I)
ZONE = re.compile(r"\b(?:in|of) ([A-Z][A-Za-z]+/[A-Z][A-Za-z_]+)\b")
LATER = re.compile(r"\bin (\d{1,5}) (second|minute|hour|day)s?\b", re.I)
LENGTHS = {"second": 1, "minute": 60, "hour": 3600, "day": 24 * 3600}
DAYS = {"day": "* * *", "weekday": "* * 1-5", "week": "* * 1"}
PLAN_SECONDS = 0.3
LONGEST_NAME = 80


def schedule(stage: Stage, asked: str) -> Script:
    has_tool = any(tool["type"] == "automations" for tool in stage.session.agent["tools"])
    timing = _timing(asked, stage.session.moment)
    # What an automation says is usually what the user said: planning it again would never end.
    if not has_tool or timing is None or stage.turn.is_notice:
        return
    yield PLAN_SECONDS
    session = stage.session
    made = Automation(
        session.owner.new_id(AUTOMATIONS.prefix),
        session.owner,
        " ".join(telling(asked))[:LONGEST_NAME] or "Follow-up",
        session.moment,
        {"type": "existing_session", "session_id": session.id, "instructions": " ".join(asked.split())},
        timing,
        {"type": "agent", "session_id": session.id, "tool_call_id": session.owner.new_id("call_")},
    )
    session.owner.held(AUTOMATIONS).add(made.id, made)
    made.plan(session.moment)
    yield from stage.say(f"I have planned that: {_told(timing)}.", "commentary")


def _timing(asked: str, moment: float) -> Json | None:
    later = LATER.search(asked)
    if later is not None:
        return {"type": "once", "run_at": int(moment) + int(later[1]) * LENGTHS[later[2].lower()]}
    every = EVERY.search(asked)
    if every is None:
        return None
    unit, hour, minute = every[1].lower(), int(every[2] or 9), int(every[3] or 0)
    hour = hour % 12 + (12 if every[4].lower() == "pm" else 0) if every[4] else hour
    if hour > 23 or minute > 59:
        return None
    expressions = {"minute": "* * * * *", "hour": "0 * * * *"}
    return {
        "type": "periodic",
        "expression": expressions.get(unit) or f"{minute} {hour} {DAYS[unit]}",
        "timezone": _zone(asked),
    }


def _zone(asked: str) -> str:
    found = ZONE.search(asked)
    try:
        return "UTC" if found is None else ZoneInfo(found[1]).key
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return "UTC"


def _told(timing: Json) -> str:
    if timing["type"] == "once":
        return f"once, at {datetime.fromtimestamp(timing['run_at'], UTC):%Y-%m-%d %H:%M:%S} UTC"
    return f"{timing['expression']} in {timing['timezone']}"
