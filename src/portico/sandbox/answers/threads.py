"""Threads and their messages (OpenAI-Beta: assistants=v2)."""

from portico.sandbox.assisting.fields import (
    BETA,
    MESSAGE_MAY,
    MESSAGE_NEEDS,
    RESOURCES,
    THREAD_MAY,
    cleared,
    settle_resources,
)
from portico.sandbox.assisting.threads import THREADS, Thread, add_message, require_thread
from portico.sandbox.checks import fields, metadata
from portico.sandbox.pages import Cursor
from portico.sandbox.shapes import Json, records
from portico.sandbox.wire import Answer, Ask, Route

LIST = Cursor(before=True)


async def create_thread(ask: Ask) -> Answer:
    thread = await new_thread(ask, fields(ask.body, optional=THREAD_MAY))
    return thread.show()


async def new_thread(ask: Ask, body: Json) -> Thread:
    """Make a thread of a checked body, with its first messages."""
    resources = await settle_resources(ask, body.get("tool_resources", {}))
    thread = Thread(ask.new_id(THREADS), ask.now, body.get("metadata", {}), resources)
    for message in records(body.get("messages")):
        await add_message(ask, thread, message)
    return ask.held(THREADS).add(thread.id, thread)


def get_thread(ask: Ask) -> Answer:
    return require_thread(ask).show()


async def update_thread(ask: Ask) -> Answer:
    thread = require_thread(ask)
    body = fields(ask.body, optional={"metadata": metadata, "tool_resources": RESOURCES})
    body = cleared(ask, body, ("metadata", "tool_resources"))
    if "metadata" in body:
        thread.metadata = body["metadata"]
    if "tool_resources" in body:
        thread.tool_resources = await settle_resources(ask, body["tool_resources"])
    return thread.show()


def delete_thread(ask: Ask) -> Answer:
    thread = ask.held(THREADS).remove(ask["thread_id"])
    return {"id": thread.id, "object": "thread.deleted", "deleted": True}


async def create_message(ask: Ask) -> Answer:
    thread = require_thread(ask)
    body = fields(ask.body, MESSAGE_NEEDS, MESSAGE_MAY)
    thread.require_free(ask.world.time())
    message = await add_message(ask, thread, body)
    return message.show(ask.world.time())


def list_messages(ask: Ask) -> Answer:
    now, run_id = ask.world.time(), ask.query.text("run_id")
    rows = require_thread(ask).messages.rows(
        lambda message: message.is_there(now) and run_id in (None, message.run.id if message.run else "")
    )
    return LIST.answer(ask, rows, lambda message: message.show(now))


def get_message(ask: Ask) -> Answer:
    return require_thread(ask).message(ask["message_id"], ask.world.time()).show(ask.world.time())


def update_message(ask: Ask) -> Answer:
    message = require_thread(ask).message(ask["message_id"], ask.world.time())
    body = cleared(ask, fields(ask.body, optional={"metadata": metadata}), ("metadata",))
    if "metadata" in body:
        message.metadata = body["metadata"]
    return message.show(ask.world.time())


def delete_message(ask: Ask) -> Answer:
    thread = require_thread(ask)
    message = thread.message(ask["message_id"], ask.world.time())
    thread.require_free(ask.world.time())
    thread.messages.remove(message.id)
    return {"id": message.id, "object": "thread.message.deleted", "deleted": True}


ROUTES = (
    Route("POST", "/threads", create_thread, beta=BETA),
    Route("GET", "/threads/{thread_id}", get_thread, beta=BETA),
    Route("POST", "/threads/{thread_id}", update_thread, beta=BETA),
    Route("DELETE", "/threads/{thread_id}", delete_thread, beta=BETA),
    Route("GET", "/threads/{thread_id}/messages", list_messages, beta=BETA),
    Route("POST", "/threads/{thread_id}/messages", create_message, beta=BETA),
    Route("GET", "/threads/{thread_id}/messages/{message_id}", get_message, beta=BETA),
    Route("POST", "/threads/{thread_id}/messages/{message_id}", update_message, beta=BETA),
    Route("DELETE", "/threads/{thread_id}/messages/{message_id}", delete_message, beta=BETA),
)
