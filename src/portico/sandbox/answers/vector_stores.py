"""Vector stores: made, changed, listed, deleted and searched. Their files are in a family of their own."""

from portico.sandbox.attribute_filter import read_filter
from portico.sandbox.checks import (
    array,
    boolean,
    either,
    fields,
    integer,
    metadata,
    number,
    one_of,
    record,
    text,
)
from portico.sandbox.chunking import CHUNKING, Strategy
from portico.sandbox.file_store import require_file
from portico.sandbox.pages import Cursor
from portico.sandbox.shapes import Json
from portico.sandbox.shapes import record as record_of
from portico.sandbox.vector_store import BETA, STORES, Hit, VectorStore, attach, require_live, search
from portico.sandbox.wire import Answer, Ask, Route, gone

LIST = Cursor(before=True)
EXPIRES_AFTER = record({"anchor": one_of("last_active_at"), "days": integer(1, 365)})
SEARCH_DEFAULT = 10


def create_store(ask: Ask) -> Answer:
    optional = {
        "chunking_strategy": CHUNKING,
        "description": text(longest=512),
        "expires_after": EXPIRES_AFTER,
        "file_ids": array(str, longest=500),
        "metadata": metadata,
        "name": str,
    }
    body = fields(ask.body, optional=optional)
    files = [require_file(ask, file_id) for file_id in body.get("file_ids", [])]
    store = VectorStore(ask.new_id(STORES), ask.now, ask.now, body.get("name", ""), body.get("description"))
    store.expires_days = record_of(body.get("expires_after")).get("days")
    store.metadata = body.get("metadata", {})
    ask.held(STORES).add(store.id, store)
    for file in files:
        attach(ask, store, file, body.get("chunking_strategy", Strategy()))
    return store.show(ask.world.time())


def list_stores(ask: Ask) -> Answer:
    return LIST.answer(ask, ask.held(STORES).rows(), lambda store: store.show(ask.world.time()))


def get_store(ask: Ask) -> Answer:
    return ask.held(STORES).get(ask["vector_store_id"]).show(ask.world.time())


def update_store(ask: Ask) -> Answer:
    store = ask.held(STORES).get(ask["vector_store_id"])
    body = fields(ask.body, optional={"name": str, "expires_after": EXPIRES_AFTER, "metadata": metadata})
    store.name = body.get("name", store.name)
    if "expires_after" in ask.body:
        store.expires_days = record_of(body.get("expires_after")).get("days")
    if "metadata" in ask.body:
        store.metadata = body.get("metadata", {})
    store.last_active_at = ask.now
    return store.show(ask.world.time())


def delete_store(ask: Ask) -> Answer:
    ask.held(STORES).remove(ask["vector_store_id"])
    return gone(ask["vector_store_id"], "vector_store.deleted")


def search_store(ask: Ask) -> Answer:
    store = require_live(ask)
    optional = {
        "filters": dict,
        "max_num_results": integer(1, 50),
        "ranking_options": record(optional={"ranker": str, "score_threshold": number(0, 1), "hybrid_search": dict}),
        "rewrite_query": boolean,
    }
    body = fields(ask.body, {"query": either(str, array(str, shortest=1))}, optional)
    queries: list[str] = [body["query"]] if isinstance(body["query"], str) else body["query"]
    threshold = record_of(body.get("ranking_options")).get("score_threshold", 0)
    hits = search(ask, store, queries, read_filter(body.get("filters")))
    most = body.get("max_num_results", SEARCH_DEFAULT)
    fitting = [hit for hit in hits if hit.score >= threshold]
    return {
        "object": "vector_store.search_results.page",
        "search_query": queries,
        "data": [_hit(hit) for hit in fitting[:most]],
        "has_more": len(fitting) > most,
        "next_page": None,
    }


def _hit(hit: Hit) -> Json:
    return {
        "file_id": hit.file.id,
        "filename": hit.filename,
        "score": hit.score,
        "attributes": hit.file.attributes,
        "content": [{"type": "text", "text": chunk} for chunk in hit.texts[:3]],
    }


ROUTES = (
    Route("GET", "/vector_stores", list_stores, beta=BETA),
    Route("POST", "/vector_stores", create_store, beta=BETA),
    Route("GET", "/vector_stores/{vector_store_id}", get_store, beta=BETA),
    Route("POST", "/vector_stores/{vector_store_id}", update_store, beta=BETA),
    Route("DELETE", "/vector_stores/{vector_store_id}", delete_store, beta=BETA),
    Route("POST", "/vector_stores/{vector_store_id}/search", search_store, beta=BETA, scope="api.vector_stores.read"),
)
