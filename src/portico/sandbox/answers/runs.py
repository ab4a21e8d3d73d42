"""Runs of threads and their steps (OpenAI-Beta: assistants=v2): started, waited for, answered, cancelled."""

from portico.sandbox import roster
from portico.sandbox.answers.threads import new_thread
from portico.sandbox.assisting.fields import (
    BETA,
    MESSAGE,
    RESOURCES,
    RUN_MAY,
    RUN_NEEDS,
    THREAD_MAY,
    cleared,
    read_include,
    settle_resources,
)
from portico.sandbox.assisting.plan import plan, resume
from portico.sandbox.assisting.runs import EXPIRES_SECONDS, Run, Step
from portico.sandbox.assisting.stream import PACE, Event, run_events, streamed
from portico.sandbox.assisting.threads import ASSISTANTS, Thread, add_message, require_thread
from portico.sandbox.checks import array, boolean, fields, metadata, record, text
from portico.sandbox.pages import Cursor
from portico.sandbox.refusals import invalid, no_such
from portico.sandbox.settings import require_tools
from portico.sandbox.shapes import Json, records
from portico.sandbox.shapes import record as record_of
from portico.sandbox.shelves import rows_of
from portico.sandbox.spending import require_budget
from portico.sandbox.wire import Answer, Ask, Route

LIST = Cursor(before=True)
CANCELLABLE = ("queued", "in_progress", "requires_action")
RUN_HERE_MAY = {**RUN_MAY, "additional_instructions": text(), "additional_messages": array(MESSAGE)}
RUN_NEW_MAY = {**RUN_MAY, "thread": record(optional=THREAD_MAY), "tool_resources": RESOURCES}
OUTPUTS = array(record({"tool_call_id": str}, {"output": str}))


async def create_run(ask: Ask) -> Answer:
    thread = require_thread(ask)
    body = fields(ask.body, RUN_NEEDS, RUN_HERE_MAY)
    with_content = read_include(ask)
    settings = _settings(ask, body)
    thread.require_free(ask.world.time())
    for message in records(body.get("additional_messages")):
        await add_message(ask, thread, message)
    return await _start(ask, thread, _new_run(ask, thread, settings, body), with_content=with_content, before=[])


async def create_thread_and_run(ask: Ask) -> Answer:
    body = fields(ask.body, RUN_NEEDS, RUN_NEW_MAY)
    settings = _settings(ask, body)
    resources = await settle_resources(ask, body.get("tool_resources", {}))
    thread = await new_thread(ask, body.get("thread", {}))
    thread.tool_resources |= resources
    run = _new_run(ask, thread, settings, body)
    return await _start(ask, thread, run, with_content=False, before=[("thread.created", thread.show())])


def list_runs(ask: Ask) -> Answer:
    return LIST.answer(ask, require_thread(ask).runs.rows(), lambda run: run.show(ask.world.time()))


def get_run(ask: Ask) -> Answer:
    return _run(ask)[1].show(ask.world.time())


def update_run(ask: Ask) -> Answer:
    _, run = _run(ask)
    body = cleared(ask, fields(ask.body, optional={"metadata": metadata}), ("metadata",))
    if "metadata" in body:
        run.metadata = body["metadata"]
    return run.show(ask.world.time())


def cancel_run(ask: Ask) -> Answer:
    _, run = _run(ask)
    now = ask.world.time()
    status = run.status(now)
    if status not in CANCELLABLE:
        raise invalid(f"A run with status '{status}' can't be cancelled.", None, "run_not_cancellable")
    run.cancel(now, ask.world.pace)
    return run.show(now)


async def submit_outputs(ask: Ask) -> Answer:
    thread, run = _run(ask)
    body = fields(ask.body, {"tool_outputs": OUTPUTS}, {"stream": boolean})
    now = ask.world.time()
    step = run.open_step(now) if run.status(now) == "requires_action" else None
    if step is None:
        message = f"The run '{run.id}' has status '{run.status(now)}' and waits for no tool outputs."
        raise invalid(message, None, "run_not_waiting")
    outputs = {item["tool_call_id"]: item.get("output", "") for item in records(body["tool_outputs"])}
    wanted = [call["id"] for call in records(step.details["tool_calls"])]
    if set(outputs) != set(wanted):
        raise invalid(f"Outputs are needed for exactly these calls: {', '.join(wanted)}.", "tool_outputs")
    await resume(ask, thread, run, outputs, PACE if body.get("stream") else ask.world.pace)
    if body.get("stream"):
        return streamed(run_events(thread, run, step.ends_at, with_content=False))
    return run.show(ask.world.time())


def list_steps(ask: Ask) -> Answer:
    _, run = _run(ask)
    now, with_content = ask.world.time(), read_include(ask)
    begun = {step.id: step for step in run.steps.values() if run.has_begun(step, now)}
    return LIST.answer(ask, rows_of(begun), lambda step: run.show_step(step, now, with_content=with_content))


def get_step(ask: Ask) -> Answer:
    _, run = _run(ask)
    now, with_content = ask.world.time(), read_include(ask)
    step: Step | None = run.steps.get(ask["step_id"])
    if step is None or not run.has_begun(step, now):
        raise no_such("run step", ask["step_id"])
    return run.show_step(step, now, with_content=with_content)


def _run(ask: Ask) -> tuple[Thread, Run]:
    thread = require_thread(ask)
    return thread, thread.runs.get(ask["run_id"])


def _settings(ask: Ask, body: Json) -> Json:
    """What the run works with: the request's word, else the assistant's."""
    assistant = ask.held(ASSISTANTS).look(body["assistant_id"])
    if assistant is None:
        raise no_such("assistant", body["assistant_id"])
    model = roster.require(ask, body.get("model", assistant["model"]), "chat")
    instructions = body.get("instructions", assistant["instructions"] or "")
    added = body.get("additional_instructions", "")
    tools, choice = body.get("tools", assistant["tools"]), body.get("tool_choice", "auto")
    _require_tool(choice, records(tools))
    require_tools(ask.project, records(tools))
    require_budget(ask)
    inherited = ("tools", "temperature", "top_p", "response_format", "reasoning_effort")
    return {
        "assistant_id": assistant["id"],
        "model": model.id,
        "instructions": "\n".join(part for part in (instructions, added) if part),
        **{name: body.get(name, assistant[name]) for name in inherited},
        "max_prompt_tokens": body.get("max_prompt_tokens"),
        "max_completion_tokens": body.get("max_completion_tokens"),
        "truncation_strategy": {"last_messages": None, **body.get("truncation_strategy", {"type": "auto"})},
        "tool_choice": choice,
        "parallel_tool_calls": body.get("parallel_tool_calls", True),
    }


def _require_tool(choice: object, tools: list[Json]) -> None:
    """A tool that must be called has to be there."""
    wanted = record_of(choice)
    name = record_of(wanted.get("function")).get("name")
    there = any(
        tool["type"] == wanted.get("type") and name in (None, record_of(tool.get("function")).get("name"))
        for tool in tools
    )
    if (wanted and not there) or (choice == "required" and not tools):
        raise invalid("'tool_choice' asks for a tool that the run does not have.", "tool_choice")


def _new_run(ask: Ask, thread: Thread, settings: Json, body: Json) -> Run:
    expires_at = ask.world.time() + EXPIRES_SECONDS
    return Run(ask.new_id("run_"), thread.id, ask.now, settings, body.get("metadata", {}), expires_at)


async def _start(ask: Ask, thread: Thread, run: Run, *, with_content: bool, before: list[Event]) -> Answer:
    since, is_streamed = ask.world.time(), bool(ask.body.get("stream"))
    await plan(ask, thread, run, PACE if is_streamed else ask.world.pace)
    thread.runs.add(run.id, run)
    if is_streamed:
        return streamed([*before, *run_events(thread, run, since, with_content=with_content)])
    return run.show(ask.world.time())


ROUTES = (
    Route("POST", "/threads/runs", create_thread_and_run, beta=BETA),
    Route("GET", "/threads/{thread_id}/runs", list_runs, beta=BETA),
    Route("POST", "/threads/{thread_id}/runs", create_run, beta=BETA),
    Route("GET", "/threads/{thread_id}/runs/{run_id}", get_run, beta=BETA),
    Route("POST", "/threads/{thread_id}/runs/{run_id}", update_run, beta=BETA),
    Route("POST", "/threads/{thread_id}/runs/{run_id}/cancel", cancel_run, beta=BETA),
    Route("POST", "/threads/{thread_id}/runs/{run_id}/submit_tool_outputs", submit_outputs, beta=BETA),
    Route("GET", "/threads/{thread_id}/runs/{run_id}/steps", list_steps, beta=BETA),
    Route("GET", "/threads/{thread_id}/runs/{run_id}/steps/{step_id}", get_step, beta=BETA),
)
