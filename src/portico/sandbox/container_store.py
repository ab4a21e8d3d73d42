"""Containers and the files in them as the families share them; a container left alone too long is emptied for good."""

from dataclasses import dataclass, field

from portico.sandbox.blobs import Blob
from portico.sandbox.refusals import invalid
from portico.sandbox.shapes import Json
from portico.sandbox.shelves import Collection, Kind
from portico.sandbox.wire import Ask

FOLDER = "/mnt/data"
EXPIRES_MINUTES = 20


@dataclass(frozen=True, slots=True)
class ContainerFile:
    id: str
    container_id: str
    path: str
    source: str
    created_at: int
    blob: Blob

    def show(self) -> Json:
        return {
            "id": self.id,
            "object": "container.file",
            "container_id": self.container_id,
            "path": self.path,
            "source": self.source,
            "bytes": self.blob.size,
            "created_at": self.created_at,
        }


@dataclass(slots=True)
class Container:
    id: str
    name: str
    created_at: int
    last_active_at: int
    minutes: int = EXPIRES_MINUTES
    memory_limit: str = "1g"
    network_policy: Json = field(default_factory=lambda: {"type": "disabled"})
    files: Collection[ContainerFile] = field(default_factory=lambda: Collection[ContainerFile]("container file"))

    def has_expired(self, now: int) -> bool:
        return now >= self.last_active_at + self.minutes * 60

    def put(self, file: ContainerFile) -> ContainerFile:
        """Add a file; another one at the same path is overwritten."""
        for held in self.files:
            if held.path == file.path:
                self.files.remove(held.id)
        return self.files.add(file.id, file)

    def show(self, now: int) -> Json:
        return {
            "id": self.id,
            "object": "container",
            "name": self.name,
            "created_at": self.created_at,
            "status": "expired" if self.has_expired(now) else "running",
            "last_active_at": self.last_active_at,
            "expires_after": {"anchor": "last_active_at", "minutes": self.minutes},
            "memory_limit": self.memory_limit,
            "network_policy": self.network_policy,
        }


CONTAINERS = Kind[Container]("container", "cntr_")


def require_running(ask: Ask, container_id: str) -> Container:
    """The container, which is active by being used; or OpenAI's refusal."""
    container = ask.held(CONTAINERS).get(container_id)
    if container.has_expired(ask.now):
        raise invalid(f"The container '{container.id}' has expired.", "container_id", "container_expired")
    container.last_active_at = ask.now
    return container


def put_file(ask: Ask, container: Container, path: str, blob: Blob, source: str = "user") -> ContainerFile:
    place = path if path.startswith("/") else f"{FOLDER}/{path}"
    return container.put(ContainerFile(ask.new_id("cfile_"), container.id, place, source, ask.now, blob))
