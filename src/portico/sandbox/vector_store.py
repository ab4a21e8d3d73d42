"""Vector stores as the families share them: files that become searchable with time, their chunks, and the search."""

from dataclasses import dataclass, field

from portico.sandbox.attribute_filter import Test
from portico.sandbox.chunking import Chunk, Strategy, chunks_of, question, score
from portico.sandbox.file_store import StoredFile, live_files
from portico.sandbox.refusals import Refusal
from portico.sandbox.shapes import Json
from portico.sandbox.shelves import Collection, Kind
from portico.sandbox.wire import Ask

# All calls to vector stores carry this.
BETA = "assistants=v2"
INDEXING_SECONDS = 2.0
DAY_SECONDS = 24 * 3600
STATUSES = ("in_progress", "completed", "failed", "cancelled")
# Nothing can be read from files whose beginning holds these.
NOT_TEXT = b"\x00"


@dataclass(slots=True)
class StoreFile:
    """A file in a vector store. What becomes of it is known from the start; when it shows depends on the clock."""

    id: str
    store_id: str
    created_at: int
    ready_at: float
    strategy: Strategy
    attributes: dict[str, str | float | bool] = field(default_factory=dict[str, str | float | bool])
    chunks: list[Chunk] = field(default_factory=list[Chunk])
    error: Json | None = None
    batch_id: str | None = None
    cancelled: bool = False
    usage_bytes: int = 0

    def status(self, now: float) -> str:
        if self.cancelled:
            return "cancelled"
        if now < self.ready_at:
            return "in_progress"
        return "failed" if self.error else "completed"

    def show(self, now: float) -> Json:
        status = self.status(now)
        return {
            "id": self.id,
            "object": "vector_store.file",
            "created_at": self.created_at,
            "vector_store_id": self.store_id,
            "status": status,
            "usage_bytes": self.usage_bytes if status == "completed" else 0,
            "last_error": self.error if status == "failed" else None,
            "chunking_strategy": {
                "type": "static",
                "static": {
                    "max_chunk_size_tokens": self.strategy.max_chunk_size_tokens,
                    "chunk_overlap_tokens": self.strategy.chunk_overlap_tokens,
                },
            },
            "attributes": self.attributes,
        }


@dataclass(frozen=True, slots=True)
class FileBatch:
    id: str
    store_id: str
    created_at: int


def _no_files() -> Collection[StoreFile]:
    return Collection[StoreFile]("vector store file")


def _no_batches() -> Collection[FileBatch]:
    return Collection[FileBatch]("file batch")


@dataclass(slots=True)
class VectorStore:
    id: str
    created_at: int
    last_active_at: int
    name: str = ""
    description: str | None = None
    expires_days: int | None = None
    metadata: dict[str, str] = field(default_factory=dict[str, str])
    files: Collection[StoreFile] = field(default_factory=_no_files)
    batches: Collection[FileBatch] = field(default_factory=_no_batches)

    def expires_at(self) -> int | None:
        return None if self.expires_days is None else self.last_active_at + self.expires_days * DAY_SECONDS

    def is_expired(self, now: float) -> bool:
        end = self.expires_at()
        return end is not None and now >= end

    def show(self, now: float) -> Json:
        counts = count_files(list(self.files), now)
        status = "in_progress" if counts["in_progress"] else "completed"
        return {
            "id": self.id,
            "object": "vector_store",
            "created_at": self.created_at,
            "name": self.name,
            "description": self.description,
            "usage_bytes": sum(file.usage_bytes for file in self.files if file.status(now) == "completed"),
            "file_counts": counts,
            "status": "expired" if self.is_expired(now) else status,
            "expires_after": None
            if self.expires_days is None
            else {"anchor": "last_active_at", "days": self.expires_days},
            "expires_at": self.expires_at(),
            "last_active_at": self.last_active_at,
            "metadata": self.metadata,
        }


STORES = Kind[VectorStore]("vector store", "vs_")


@dataclass(frozen=True, slots=True)
class Hit:
    file: StoreFile
    filename: str
    score: float
    texts: list[str]


def count_files(files: list[StoreFile], now: float) -> dict[str, int]:
    counts: dict[str, int] = {status: 0 for status in STATUSES}
    for file in files:
        counts[file.status(now)] += 1
    return {**counts, "total": len(files)}


def attach(ask: Ask, store: VectorStore, file: StoredFile, strategy: Strategy) -> StoreFile:
    """Put a file into a store. It is read and cut now, and shows as done after a while."""
    ready_at = ask.world.time() + INDEXING_SECONDS * ask.world.pace
    added = StoreFile(file.id, store.id, ask.now, ready_at, strategy)
    content = file.blob.read()
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError:
        text = ""
    if not text.strip() or NOT_TEXT in content[:1024]:
        added.error = {"code": "unsupported_file", "message": "No text could be read from this file."}
    else:
        added.chunks = chunks_of(text, strategy)
        added.usage_bytes = sum(len(chunk.text.encode()) + 4 * len(chunk.vector) for chunk in added.chunks)
    store.last_active_at = ask.now
    return store.files.add(file.id, added)


def require_live(ask: Ask) -> VectorStore:
    """The store in the path, unless its time is over."""
    store = ask.held(STORES).get(ask["vector_store_id"])
    if store.is_expired(ask.world.time()):
        raise Refusal(400, "This vector store has expired.", code="vector_store_expired")
    return store


def search(ask: Ask, store: VectorStore, queries: list[str], passes: Test, floor: float = 0.0) -> list[Hit]:
    """The completed files that pass, best first, each with its fitting chunks, best first."""
    now = ask.world.time()
    asked = [question(query) for query in queries]
    files = live_files(ask)
    hits: list[Hit] = []
    for held in store.files:
        if held.status(now) != "completed" or not passes(held.attributes):
            continue
        rated = [(max(score(chunk, vector) for vector in asked), chunk.text) for chunk in held.chunks]
        fitting = sorted((pair for pair in rated if pair[0] > floor), key=lambda pair: -pair[0])
        if fitting:
            file = files.look(held.id)
            texts = [text for _, text in fitting]
            hits.append(Hit(held, file.filename if file else held.id, fitting[0][0], texts))
    store.last_active_at = ask.now
    ask.meter("file_search_calls", "", num_requests=1, vector_store_id=store.id)
    return sorted(hits, key=lambda hit: -hit.score)
