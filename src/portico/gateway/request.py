"""Operation + sorted arguments → the request that goes to the vendor, still unsigned. Pure."""

from urllib.parse import quote, unquote, urlencode

import msgspec

from portico.errors import Failure, InvalidArguments
from portico.gateway.arguments import Sorted
from portico.gateway.lookup import Connected
from portico.model.call import ByteStream, RawTarget, Upload
from portico.model.operation import Operation
from portico.shapes import is_list, is_record
from portico.upstream import multipart
from portico.upstream.transport import UpstreamRequest

# Characters that may stand in a path segment as they are (RFC 3986 pchar, without the percent sign).
_SEGMENT_SAFE = "-._~!$&'()*+,;=:@"
_JSON = "application/json"
Content = bytes | ByteStream | None


def build(operation: Operation, given: Sorted, connected: Connected) -> UpstreamRequest:
    url = connected.base_url + _fill(operation.path, given.path)
    if given.query:
        url += "?" + urlencode(given.query, quote_via=quote, safe="")
    headers = [("Accept", "*/*"), ("Accept-Encoding", "identity"), *operation.headers.items(), *given.headers]
    content, content_type, size = _body(operation, given)
    if content_type:
        headers.append(("Content-Type", content_type))
    return UpstreamRequest(
        verb=operation.verb,
        url=url,
        headers=headers,
        content=content,
        size_bytes=size,
        is_trusted=connected.is_trusted,
    )


def build_raw(target: RawTarget, content: Content, size: int | None, connected: Connected) -> UpstreamRequest:
    """The caller's own request, with nothing changed but where it goes."""
    base, path = connected.base_url, target.path
    _refuse_odd(path)
    prefix = "/" + base.split("://", 1)[1].partition("/")[2]
    if prefix != "/" and path.startswith(f"{prefix}/"):
        path = path[len(prefix) :]  # the base URL's own path was given twice, as clients with a base of …/v1 do
    url = f"{base}{path}?{target.query}" if target.query else f"{base}{path}"
    return UpstreamRequest(
        verb=target.verb,
        url=url,
        headers=target.headers,
        content=content,
        size_bytes=size,
        is_trusted=connected.is_trusted,
    )


def decoded_path(raw: str) -> str:
    """The path without query and percent-encoding, as the vendor will understand it."""
    return unquote(raw.partition("?")[0])


def _refuse_odd(path: str) -> None:
    """Nothing that could mean another place to the vendor than it means to us."""
    decoded = unquote(path)
    segments = decoded.split("/")[1:]
    if (
        not path.startswith("/")
        or any(part in {"", ".", ".."} for part in segments[:-1])
        or segments[-1] in {".", ".."}
        or "\\" in decoded
        or any(ord(character) < 32 or ord(character) == 127 for character in decoded)
    ):
        raise InvalidArguments(
            [Failure("path", "may not hold empty or dot segments, backslashes or control characters")]
        )


def _fill(path: str, values: dict[str, str]) -> str:
    parts = [
        quote(values[part[1:-1]], safe=_SEGMENT_SAFE) if part.startswith("{") else part for part in path.split("/")
    ]
    return "/".join(parts)


def _body(operation: Operation, given: Sorted) -> tuple[Content, str, int | None]:
    if given.body is not None:
        return given.body.content, given.body.content_type, given.body.size_bytes
    if given.uploads or (
        given.fields is not None and operation.body == "multipart" and _JSON not in operation.content_types
    ):
        form = multipart.encode(_form_parts(operation, given))
        return form.content, form.content_type, form.size_bytes
    if given.fields is not None:
        content = msgspec.json.encode(_root(operation, given.fields))
        return content, _JSON, len(content)
    return None, "", None


def _root(operation: Operation, fields: dict[str, object]) -> object:
    """A body that is an array at its root travels as the one argument `body`."""
    if not operation.root_array:
        return fields
    if "body" not in fields:
        raise InvalidArguments([Failure("body", "is required: the list that makes up the body")])
    return fields["body"]


def _form_parts(operation: Operation, given: Sorted) -> list[multipart.Field | multipart.FilePart]:
    parts: list[multipart.Field | multipart.FilePart] = []
    for name, value in (given.fields or {}).items():
        parts += _form_fields(name, value)
    for name, files in given.uploads.items():
        parameter = operation.named.get(name)
        wire = parameter.on_the_wire if parameter else name
        parts += [_file_part(wire, each) for each in files]
    return parts


def _form_fields(name: str, value: object) -> list[multipart.Field | multipart.FilePart]:
    if is_record(value):
        return [each for key, item in value.items() for each in _form_fields(f"{name}[{key}]", item)]
    if is_list(value):
        return [each for item in value for each in _form_fields(f"{name}[]", item)]
    if isinstance(value, bool):
        return [multipart.Field(name, "true" if value else "false")]
    return [multipart.Field(name, str(value))]


def _file_part(name: str, upload: Upload) -> multipart.FilePart:
    return multipart.FilePart(name, upload.filename, upload.content_type, upload.content, upload.size_bytes)
