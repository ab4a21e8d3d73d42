"""Conversations and their items."""

from portico.sandbox.checks import array, fields, metadata
from portico.sandbox.conversation_store import CONVERSATIONS, Conversation
from portico.sandbox.items import whole_items
from portico.sandbox.pages import Cursor
from portico.sandbox.refusals import no_such
from portico.sandbox.shapes import Json
from portico.sandbox.wire import Answer, Ask, Route

LIST = Cursor()
MOST_AT_ONCE = 20
ITEMS = array(dict, longest=MOST_AT_ONCE)


def create_conversation(ask: Ask) -> Answer:
    body = fields(ask.body, optional={"items": ITEMS, "metadata": metadata})
    made = Conversation(ask.new_id(CONVERSATIONS), ask.now, body.get("metadata", {}))
    made.add(whole_items(ask, body.get("items"), "items"))
    return ask.held(CONVERSATIONS).add(made.id, made).show()


def get_conversation(ask: Ask) -> Answer:
    return _conversation(ask).show()


def update_conversation(ask: Ask) -> Answer:
    conversation = _conversation(ask)
    conversation.metadata = fields(ask.body, optional={"metadata": metadata}).get("metadata", {})
    return conversation.show()


def delete_conversation(ask: Ask) -> Answer:
    ask.held(CONVERSATIONS).remove(ask["conversation_id"])
    return {"id": ask["conversation_id"], "object": "conversation.deleted", "deleted": True}


def list_items(ask: Ask) -> Answer:
    return LIST.answer(ask, _conversation(ask).visible(ask.world.time()), lambda line: line.item)


def create_items(ask: Ask) -> Answer:
    conversation = _conversation(ask)
    made = whole_items(ask, fields(ask.body, {"items": ITEMS})["items"], "items")
    conversation.add(made)
    ends: Json = {"first_id": made[0]["id"] if made else None, "last_id": made[-1]["id"] if made else None}
    return {"object": "list", "data": made, **ends, "has_more": False}


def get_item(ask: Ask) -> Answer:
    line = _conversation(ask).visible(ask.world.time()).held.get(ask["item_id"])
    if line is None:
        raise no_such("conversation item", ask["item_id"])
    return line.item


def delete_item(ask: Ask) -> Answer:
    conversation = _conversation(ask)
    conversation.lines.remove(ask["item_id"])
    return conversation.show()


def _conversation(ask: Ask) -> Conversation:
    return ask.held(CONVERSATIONS).get(ask["conversation_id"])


ROUTES = (
    Route("POST", "/conversations", create_conversation),
    Route("GET", "/conversations/{conversation_id}", get_conversation),
    Route("POST", "/conversations/{conversation_id}", update_conversation),
    Route("DELETE", "/conversations/{conversation_id}", delete_conversation),
    Route("GET", "/conversations/{conversation_id}/items", list_items),
    Route("POST", "/conversations/{conversation_id}/items", create_items),
    Route("GET", "/conversations/{conversation_id}/items/{item_id}", get_item),
    Route("DELETE", "/conversations/{conversation_id}/items/{item_id}", delete_item),
)
