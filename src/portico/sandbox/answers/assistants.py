"""Assistants (OpenAI-Beta: assistants=v2): a model with instructions, tools and files for them."""

from portico.sandbox import roster
from portico.sandbox.assisting.fields import (
    ASSISTANT_MAY,
    BETA,
    NEW_RESOURCES,
    RESOURCES,
    cleared,
    settle_resources,
)
from portico.sandbox.assisting.threads import ASSISTANTS, new_assistant
from portico.sandbox.checks import fields, text
from portico.sandbox.pages import Cursor
from portico.sandbox.shapes import Json
from portico.sandbox.wire import Answer, Ask, Route

LIST = Cursor(before=True)
NULLABLE = ("description", "instructions", "metadata", "name", "reasoning_effort", "tool_resources")


async def create_assistant(ask: Ask) -> Answer:
    body = fields(ask.body, {"model": text()}, {**ASSISTANT_MAY, "tool_resources": NEW_RESOURCES})
    assistant = new_assistant(ask.new_id(ASSISTANTS), ask.now, await _settled(ask, body))
    return ask.held(ASSISTANTS).add(assistant["id"], assistant)


def list_assistants(ask: Ask) -> Answer:
    return LIST.answer(ask, ask.held(ASSISTANTS).rows(), lambda assistant: assistant)


def get_assistant(ask: Ask) -> Answer:
    return ask.held(ASSISTANTS).get(ask["assistant_id"])


async def update_assistant(ask: Ask) -> Answer:
    assistant = ask.held(ASSISTANTS).get(ask["assistant_id"])
    body = fields(ask.body, optional={**ASSISTANT_MAY, "model": text(), "tool_resources": RESOURCES})
    assistant |= cleared(ask, await _settled(ask, body), NULLABLE)
    return assistant


def delete_assistant(ask: Ask) -> Answer:
    ask.held(ASSISTANTS).remove(ask["assistant_id"])
    return {"id": ask["assistant_id"], "object": "assistant.deleted", "deleted": True}


async def _settled(ask: Ask, body: Json) -> Json:
    if "model" in body:
        roster.require(ask, body["model"], "chat")
    if "tool_resources" in body:
        body["tool_resources"] = await settle_resources(ask, body["tool_resources"])
    return body


ROUTES = (
    Route("GET", "/assistants", list_assistants, beta=BETA),
    Route("POST", "/assistants", create_assistant, beta=BETA),
    Route("GET", "/assistants/{assistant_id}", get_assistant, beta=BETA),
    Route("POST", "/assistants/{assistant_id}", update_assistant, beta=BETA),
    Route("DELETE", "/assistants/{assistant_id}", delete_assistant, beta=BETA),
)
