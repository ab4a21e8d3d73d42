"""Batches: many requests in one file, answered in another. Their lines run for real when somebody looks."""

import asyncio

from portico.sandbox.batch_store import BATCHES, Batch, Line, Work, file_of, read_lines
from portico.sandbox.checks import fields, metadata, one_of
from portico.sandbox.file_store import EXPIRES_AFTER, keep, require_file
from portico.sandbox.pages import Cursor
from portico.sandbox.refusals import invalid
from portico.sandbox.shapes import Json, is_record, record
from portico.sandbox.webhooks import follow
from portico.sandbox.wire import Answer, Ask, Route

LIST = Cursor()
ENDPOINTS = (
    "/v1/responses",
    "/v1/chat/completions",
    "/v1/embeddings",
    "/v1/completions",
    "/v1/moderations",
    "/v1/images/generations",
    "/v1/images/edits",
    "/v1/videos",
)
ENDED = ("completed", "expired", "cancelled")
# Others get their turn after so many lines.
LINES_AT_A_TIME = 20


async def create_batch(ask: Ask) -> Answer:
    required = {"input_file_id": str, "endpoint": one_of(*ENDPOINTS), "completion_window": one_of("24h")}
    body = fields(ask.body, required, {"metadata": metadata, "output_expires_after": EXPIRES_AFTER})
    file = require_file(ask, body["input_file_id"])
    if file.purpose != "batch":
        raise invalid("The input file must have the purpose 'batch'.", "input_file_id", "invalid_file_purpose")
    lines, errors, model = read_lines(file.blob, body["endpoint"])
    batch = Batch(
        id=ask.new_id(BATCHES),
        endpoint=body["endpoint"],
        input_file_id=file.id,
        created_at=ask.world.time(),
        pace=ask.world.pace,
        model=model,
        errors=errors,
        work=Work(lines, ask.inside),
        metadata=body.get("metadata"),
        output_expires_after=body.get("output_expires_after"),
    )
    ask.held(BATCHES).add(batch.id, batch)
    follow(ask, f"/batches/{batch.id}")
    return await _show(ask, batch)


async def list_batches(ask: Ask) -> Answer:
    batches = ask.held(BATCHES)
    for batch in batches:
        await _settle(ask, batch)
    return LIST.answer(ask, batches.rows(), lambda batch: batch.show(ask.world.time()))


async def get_batch(ask: Ask) -> Answer:
    return await _show(ask, ask.held(BATCHES).get(ask["batch_id"]))


async def cancel_batch(ask: Ask) -> Answer:
    batch = ask.held(BATCHES).get(ask["batch_id"])
    await _settle(ask, batch)
    status = batch.status(ask.world.time())
    if status in ("completed", "failed", "expired"):
        raise invalid(f"This batch is {status}, so it can't be cancelled.", None)
    if batch.cancelling_at is None:
        batch.cancelling_at = ask.world.time()
    return await _show(ask, batch)


async def _show(ask: Ask, batch: Batch) -> Json:
    await _settle(ask, batch)
    return batch.show(ask.world.time())


async def _settle(ask: Ask, batch: Batch) -> None:
    """Run the lines that are due by now, and write the files once the batch has ended."""
    work, now = batch.work, ask.world.time()
    async with work.lock:
        while work.done < batch.due(now):
            await _run(ask, batch, work.lines[work.done])
            if work.done % LINES_AT_A_TIME == 0:
                await asyncio.sleep(0)
        if batch.status(now) in ENDED and not work.is_written:
            _write(ask, batch, is_expired=batch.status(now) == "expired")


async def _run(ask: Ask, batch: Batch, line: Line) -> None:
    reply = await batch.work.inside("POST", batch.endpoint.removeprefix("/v1"), line.body)
    body = reply.body if is_record(reply.body) else {}
    response = {"status_code": reply.status, "request_id": ask.new_id("req_"), "body": body}
    row = {"id": ask.new_id("batch_req_"), "custom_id": line.custom_id, "response": response, "error": None}
    usage = record(body.get("usage"))
    batch.work.input_tokens += int(usage.get("prompt_tokens", usage.get("input_tokens", 0)))
    batch.work.output_tokens += int(usage.get("completion_tokens", usage.get("output_tokens", 0)))
    (batch.work.good if reply.status < 400 else batch.work.bad).append(row)


def _write(ask: Ask, batch: Batch, *, is_expired: bool) -> None:
    work = batch.work
    work.is_written = True
    unrun = work.lines[work.done :] if is_expired else []
    error = {"code": "batch_expired", "message": "The completion window was over before this request was run."}
    late = [
        {"id": ask.new_id("batch_req_"), "custom_id": line.custom_id, "response": None, "error": error}
        for line in unrun
    ]
    policy = batch.output_expires_after
    if work.good:
        name = f"{batch.id}_output.jsonl"
        work.output_file_id = keep(ask, name, "batch_output", file_of(work.good), policy).id
    if work.bad or late:
        name = f"{batch.id}_error.jsonl"
        work.error_file_id = keep(ask, name, "batch_output", file_of([*work.bad, *late]), policy).id


ROUTES = (
    Route("GET", "/batches", list_batches),
    Route("POST", "/batches", create_batch),
    Route("GET", "/batches/{batch_id}", get_batch),
    Route("POST", "/batches/{batch_id}/cancel", cancel_batch),
)
