"""The head of a request as bytes. Pure: what cannot stand in a head is refused here, so that nothing slips in."""

from collections.abc import Iterable

from portico.errors import Failure, InvalidArguments

_NOT_IN_TARGET = frozenset(" \t\r\n\0")


def split(url: str) -> tuple[str, str]:
    """(origin, request target) of an encoded URL; a fragment stays behind."""
    scheme, _, rest = url.partition("://")
    host, _, path = rest.partition("/")
    if "?" in host or "#" in host:
        length = min(host.index(mark) for mark in "?#" if mark in host)
        host, path = rest[:length], rest[length:]
    return f"{scheme}://{host}", f"/{path}".partition("#")[0]


def write(verb: str, target: str, headers: Iterable[tuple[str, str]]) -> bytes:
    """Request line and fields. Raises InvalidArguments for a line break where none may be."""
    lines = [f"{verb} {target} HTTP/1.1\r\n", *[f"{name}: {value}\r\n" for name, value in headers], "\r\n"]
    text = "".join(lines)
    breaks = len(lines)
    is_whole = text.count("\n") == breaks and text.count("\r") == breaks and "\0" not in text
    if not is_whole or not _NOT_IN_TARGET.isdisjoint(target):
        raise InvalidArguments([Failure("", "holds a line break or another character that no header may have")])
    try:
        return text.encode("latin-1")  # bytes that came in this way go out as they were
    except UnicodeEncodeError:
        return text.encode()
