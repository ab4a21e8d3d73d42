"""Subagents: started when a message asks for them, each with a task and a history of its own."""

import re
from collections.abc import Callable

from portico.sandbox.agents import clockwork, endings
from portico.sandbox.agents.session import Asking, Script, Session, Subagent, Thread, Turn
from portico.sandbox.agents.stage import Stage, text_of
from portico.sandbox.mind.prose import Turn as Said
from portico.sandbox.mind.prose import compose
from portico.sandbox.shapes import Json

WANTED = re.compile(r"\bsub-?agents?\b|\bdelegate\b|\bin parallel\b", re.I)
COUNT = re.compile(r"\b(\d{1,2}|one|two|three|four|five|six)\s+sub-?agents?\b", re.I)
RESUME = re.compile(r"\b(?:resume|ask again)\b", re.I)
INTERRUPT = re.compile(r"\binterrupt\b", re.I)
KEEP = re.compile(r"\bkeep\b", re.I)
NUMBERS = {"one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6}
NAMES = ("Ada", "Blaise", "Carl", "Dorothy", "Emmy", "Fibonacci", "Grace", "Hedy")
CREATE_SECONDS = 0.3
THINK_SECONDS = 0.8
CLOSE_SECONDS = 0.2

Deed = Callable[[Stage, str], Script]


def delegate(stage: Stage, asked: str, deeds: tuple[Deed, ...]) -> Script:
    """Give parts of the work to subagents, wait for them, and close them again (unless they are to be kept)."""
    config = stage.session.agent["multi_agent"]
    if not config["enabled"] or not WANTED.search(asked):
        return
    closed = [one for one in stage.session.subagents.values() if one.closed_at is not None]
    if RESUME.search(asked) and closed:
        working = [closed[-1]]
        yield from _resume(stage, closed[-1], asked)
    else:
        working = list[Subagent]()
        for task in tasks(asked)[: config["max_concurrent_subagents"]]:
            working.append((yield from _create(stage, task)))
    for one in working:
        _send(stage.session, one, asked if RESUME.search(asked) else one.task, deeds)
    if INTERRUPT.search(asked):
        yield from _interrupt(stage, working[-1])
    yield from _wait(stage, working)
    for one in working:
        if not KEEP.search(asked):
            yield from _close(stage, one)


def tasks(asked: str) -> list[str]:
    """The parts of a message: what is listed after its colon, or the whole for each of the subagents it names."""
    listed = [part.strip(" .-*") for part in re.split(r"[;\n,]| and ", asked.partition(":")[2])]
    parts = [part for part in listed if part]
    named = COUNT.search(asked)
    count = NUMBERS.get(named[1].lower(), 0) or int(named[1]) if named else max(1, len(parts))
    return [parts[place] if place < len(parts) else f"{asked} (part {place + 1} of {count})" for place in range(count)]


def _create(stage: Stage, task: str) -> Asking[Subagent]:
    session = stage.session
    content = [{"type": "output_text", "text": task}]
    settings: Json = {"model": None, "reasoning_effort": None}
    yield from stage.use(
        CREATE_SECONDS, "sac_", "create_subagent_call", {}, agent_id=stage.thread.agent_id, content=content, **settings
    )
    known_as = session.owner.new_id("subagent_")
    name = NAMES[len(session.subagents) % len(NAMES)]
    parent = stage.thread.agent_id
    made = Subagent(known_as, name, task, session.id, parent, session.moment, Thread(known_as, known_as))
    session.subagents[known_as] = made
    session.tell("agent.session.subagent.created", subagent=made.show())
    return made


def _resume(stage: Stage, subagent: Subagent, asked: str) -> Script:
    ends = {"sender_agent_id": stage.thread.agent_id, "recipient_agent_id": subagent.id}
    yield from stage.use(CREATE_SECONDS, "sac_", "resume_subagent_call", {}, **ends)
    subagent.closed_at = None
    stage.session.tell("agent.session.subagent.active", subagent=subagent.show())
    content = [{"type": "output_text", "text": asked}]
    yield from stage.use(CREATE_SECONDS, "sac_", "send_subagent_input_call", {}, content=content, **ends)


def _send(session: Session, subagent: Subagent, task: str, deeds: tuple[Deed, ...]) -> None:
    turn = Turn(session.owner.new_id("turn_"), subagent.id, session.id, session.moment, subagent.id)
    subagent.thread.turns[turn.id] = turn
    stage = Stage(session, subagent.thread, turn)
    stage.tell_turn("created")
    stage.hear([{"type": "input_text", "text": task}])
    clockwork.start(session, endings.guarded(stage, _work(stage, task, deeds)), turn.id)


def _work(stage: Stage, task: str, deeds: tuple[Deed, ...]) -> Script:
    stage.turn.status, stage.turn.started_at = "in_progress", stage.session.moment
    stage.tell_turn("in_progress")
    yield from stage.reason(f"Working on a part: {task}", THINK_SECONDS)
    for deed in deeds:
        yield from deed(stage, task)
    yield from stage.say(compose([one for one in stage.history() if one.role != "system"] or [Said("user", task)]))
    endings.complete(stage)


def _wait(stage: Stage, working: list[Subagent]) -> Script:
    ids = [one.id for one in working]
    item = stage.add(
        "sac_",
        "wait_for_subagents_call",
        status="in_progress",
        sender_agent_id=stage.thread.agent_id,
        recipient_agent_ids=ids,
    )
    while any(one.thread.open_turn is not None for one in working):
        yield None
    stage.finish(item, status="completed")
    for one in working:
        last = next((entry.data for entry in reversed(one.thread.items.values())), None)
        if last is not None and last["type"] == "message" and last["role"] == "assistant" and last["content"]:
            content = [{"type": "output_text", "text": text_of(last)}]
            ends = {"sender_agent_id": one.id, "recipient_agent_id": stage.thread.agent_id}
            stage.add("am_", "agent_message", is_output=False, content=content, **ends)


def _interrupt(stage: Stage, subagent: Subagent) -> Script:
    ends = {"sender_agent_id": stage.thread.agent_id, "recipient_agent_id": subagent.id}
    yield from stage.use(CLOSE_SECONDS, "sac_", "interrupt_subagent_call", {}, **ends)
    turn = subagent.thread.open_turn
    if turn is not None:
        endings.interrupt(Stage(stage.session, subagent.thread, turn))


def _close(stage: Stage, subagent: Subagent) -> Script:
    ends = {"sender_agent_id": stage.thread.agent_id, "recipient_agent_id": subagent.id}
    yield from stage.use(CLOSE_SECONDS, "sac_", "close_subagent_call", {}, **ends)
    subagent.closed_at = stage.session.moment
    stage.session.tell("agent.session.subagent.closed", subagent=subagent.show())
