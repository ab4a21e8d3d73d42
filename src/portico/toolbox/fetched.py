"""What can go wrong where a file lies at somebody's address: said of that address, and with what to do instead. Pure.

An address is named without its query, which may hold a key, and without a user.
"""

from collections.abc import AsyncIterator, Generator
from contextlib import contextmanager
from urllib.parse import urlsplit

from portico import errors
from portico.errors import Failure, InvalidArguments, Refusal

_LONGEST = 200
_INSTEAD = "give the file itself as {text} or {base64}, or keep it with POST /file and give {file}"
_AGAIN = f"try again in a while, or {_INSTEAD}"
_WORDS: tuple[tuple[type[Refusal], str, str], ...] = (
    (errors.ForbiddenAddress, "is in a private network, from which nothing is fetched", _INSTEAD),
    (
        errors.VendorConnectTimeout,
        "could not be reached in time",
        f"see that it is right and open to all, or {_INSTEAD}",
    ),
    (errors.VendorTimeout, "did not answer in time", _AGAIN),
    (errors.VendorInsecure, "has a certificate that could not be verified", _INSTEAD),
    (errors.VendorProtocol, "gave an answer that breaks the rules of HTTP", _INSTEAD),
    (errors.VendorInterrupted, "broke off before its answer was complete", _AGAIN),
    (errors.VendorTooLarge, "holds more than is fetched here", _INSTEAD),
    (errors.VendorUnreachable, "could not be reached", f"see that it is right and open to all, or {_INSTEAD}"),
)


def plainly(url: str) -> str:
    """The address as it may be repeated to anybody."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return "one that cannot be read"
    host = parts.netloc.rpartition("@")[2]
    return f"{parts.scheme}://{host}{parts.path}"[:_LONGEST] if host else parts.path[:_LONGEST] or "an empty one"


def is_fetchable(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return parts.scheme == "https" and bool(parts.hostname)
    except ValueError:
        return False


def refused(where: str, url: str, status: int) -> Failure:
    """The address answered, but with no file."""
    instead = f"an address that anybody may open, or {_INSTEAD}" if status in {401, 403} else _INSTEAD
    return Failure(where, f"{plainly(url)} answered with status {status}; {instead}")


@contextmanager
def told(where: str, url: str) -> Generator[None]:
    """What the way there and back says of a vendor, said of the address instead."""
    try:
        yield
    except InvalidArguments:
        raise
    except Refusal as problem:
        words = next(((what, do) for kind, what, do in _WORDS if isinstance(problem, kind)), None)
        what, do = words or ("cannot be fetched", _INSTEAD)
        raise InvalidArguments([Failure(where, f"{plainly(url)} {what}; {do}")]) from None


async def measured(where: str, url: str, stream: AsyncIterator[bytes], size: int) -> AsyncIterator[bytes]:
    """As many bytes as were announced; more or fewer would spoil the form that they go into."""
    sent = 0
    with told(where, url):
        async for piece in stream:
            sent += len(piece)
            if sent > size:
                raise InvalidArguments([Failure(where, f"{plainly(url)} sent more than it had announced; {_INSTEAD}")])
            yield piece
