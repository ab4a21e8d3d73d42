"""Tells a run as a stream of events, in the framing of the Assistants API: named events, closed by `done`."""

from collections.abc import AsyncIterator, Iterator

import msgspec

from portico.sandbox.assisting.runs import Run, Step
from portico.sandbox.assisting.threads import Message, Thread
from portico.sandbox.mind import tokens
from portico.sandbox.shapes import Json, record, records
from portico.sandbox.wire import Reply

# A stream does not wait for the clock: the run happens in less than a thousandth of a second.
PACE = 1e-4

Event = tuple[str, Json]


def streamed(events: list[Event]) -> Reply:
    async def frames() -> AsyncIterator[bytes]:
        for name, data in events:
            yield f"event: {name}\ndata: ".encode() + msgspec.json.encode(data) + b"\n\n"
        yield b"event: done\ndata: [DONE]\n\n"

    headers = (("cache-control", "no-cache"),)
    return Reply(frames(), content_type="text/event-stream; charset=utf-8", headers=headers)


def run_events(thread: Thread, run: Run, since: float, *, with_content: bool) -> list[Event]:
    """What happens to a planned run from that moment on, until it waits or ends."""
    events: list[Event] = []
    for step in run.steps.values():
        if step.ends_at == since:
            # Just answered by the caller's tools.
            events.append(("thread.run.step.completed", run.show_step(step, since, with_content=with_content)))
    if not events:
        events.append(("thread.run.created", run.show(since)))
    events.append(("thread.run.queued", run.show(since)))
    events.append(("thread.run.in_progress", run.show(run.resumes_at)))
    for step in run.steps.values():
        if step.begins_at >= run.resumes_at:
            events += _step_events(thread, run, step, with_content=with_content)
    at, _ = run.end
    last = max((step.begins_at for step in run.steps.values()), default=at)
    shown = run.show(last if run.open_step(last) else at)
    return [*events, (f"thread.run.{shown['status']}", shown)]


def _step_events(thread: Thread, run: Run, step: Step, *, with_content: bool) -> Iterator[Event]:
    begun = run.show_step(step, step.begins_at)
    if step.type == "tool_calls":
        begun["step_details"] = {"type": "tool_calls", "tool_calls": []}
    yield "thread.run.step.created", begun
    yield "thread.run.step.in_progress", begun
    if step.type == "message_creation":
        message = thread.messages.get(record(step.details["message_creation"])["message_id"])
        yield from _message_events(message, step)
    else:
        for place, call in enumerate(records(step.details["tool_calls"])):
            yield from _call_events(step, place, call)
    if not step.waits:
        yield "thread.run.step.completed", run.show_step(step, step.ends_at, with_content=with_content)


def _message_events(message: Message, step: Step) -> Iterator[Event]:
    begun = message.show(step.begins_at)
    yield "thread.message.created", begun
    yield "thread.message.in_progress", begun
    text = message.content[0]["text"]
    marks: Json = {"annotations": [{"index": place, **mark} for place, mark in enumerate(text["annotations"])]}
    pieces = tokens.pieces(text["value"])
    for place, piece in enumerate(pieces):
        part: Json = {"value": piece, **(marks if place == len(pieces) - 1 else {})}
        delta = {"content": [{"index": 0, "type": "text", "text": part}]}
        yield "thread.message.delta", {"id": message.id, "object": "thread.message.delta", "delta": delta}
    whole = message.show(step.ends_at)
    yield f"thread.message.{whole['status']}", whole


def _call_events(step: Step, place: int, call: Json) -> Iterator[Event]:
    """A tool call as it is written: a function's arguments come in pieces, the others at once."""
    head: Json = {"index": place, "id": call["id"], "type": call["type"]}
    if call["type"] == "function":
        function = call["function"]
        yield _call_delta(step, {**head, "function": {"name": function["name"], "arguments": "", "output": None}})
        for piece in tokens.pieces(function["arguments"]):
            yield _call_delta(step, {"index": place, "type": "function", "function": {"arguments": piece}})
    elif call["type"] == "code_interpreter":
        inside = call["code_interpreter"]
        outputs = [{"index": at, **output} for at, output in enumerate(inside["outputs"])]
        yield _call_delta(step, {**head, "code_interpreter": {"input": inside["input"], "outputs": outputs}})
    else:
        yield _call_delta(step, {**head, "file_search": {}})


def _call_delta(step: Step, call: Json) -> Event:
    details = {"type": "tool_calls", "tool_calls": [call]}
    data: Json = {"id": step.id, "object": "thread.run.step.delta", "delta": {"step_details": details}}
    return "thread.run.step.delta", data
