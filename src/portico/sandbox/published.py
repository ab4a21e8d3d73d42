"""Files that anybody may fetch by their address for a while, without a key: pictures that are answered as a URL."""

from urllib.parse import urlsplit

from portico.sandbox.blobs import Blob
from portico.sandbox.refusals import Refusal, forbidden, not_found
from portico.sandbox.state import Published, World
from portico.sandbox.wire import Answer, Ask, Reply

PREFIX = "/_published/"
LIFETIME_SECONDS = 3600


def publish(ask: Ask, content: bytes, content_type: str, ending: str) -> str:
    """Put a file up for an hour; the answer is its address, on the host that the request named."""
    published = ask.world.published
    # For another hour an address is known as one whose time is over, then it is forgotten.
    for old in [held for held, file in published.items() if ask.now >= file.expires_at + LIFETIME_SECONDS]:
        del published[old]
    path = f"{PREFIX}{ask.new_id('img-')}.{ending}"
    published[path] = Published(Blob(content), content_type, ask.now + LIFETIME_SECONDS)
    return f"http://{ask.headers.get('host', 'localhost')}{path}"


def content_of(world: World, url: str) -> bytes | None:
    """The file at an address of ours, if it is still up."""
    held = world.published.get(urlsplit(url).path)
    return held.blob.read() if held is not None and world.now() < held.expires_at else None


def answer(world: World, verb: str, path: str) -> Answer:
    held = world.published.get(path)
    try:
        if verb != "GET" or held is None:
            raise not_found(f"Nothing was published at {path}.", None, None)
        if world.now() >= held.expires_at:
            raise forbidden("The time of this address is over.", "url_expired")
    except Refusal as refusal:
        return Reply(refusal.envelope(), refusal.status)
    return Reply(held.blob, content_type=held.content_type)
