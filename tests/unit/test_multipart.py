"""The form writer: what goes out is what a form parser reads back, whole or streamed, with the length it announced."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from python_multipart.multipart import MultipartParser, parse_options_header

from portico.upstream.multipart import Field, FilePart, encode
from tests.gateways import pieces


async def written(parts: list[Field | FilePart]) -> tuple[bytes, int | None, bytes]:
    """(the body, the announced length, the boundary)."""
    form = encode(parts)
    body = b"".join([piece async for piece in form.content])
    return body, form.size_bytes, form.content_type.partition("boundary=")[2].encode()


def parsed(body: bytes, boundary: bytes) -> list[tuple[dict[bytes, bytes], bytes]]:
    """Each part as (headers, data), read by a parser that is not ours."""
    parts: list[tuple[dict[bytes, bytes], bytes]] = []
    state: dict[str, Any] = {"name": b"", "value": b""}

    def header_end() -> None:
        parts[-1][0][state["name"].lower()] = state["value"]
        state.update(name=b"", value=b"")

    def data(chunk: bytes, start: int, end: int) -> None:
        headers, content = parts[-1]
        parts[-1] = (headers, content + chunk[start:end])

    parser = MultipartParser(
        boundary,
        {
            "on_part_begin": lambda: parts.append(({}, b"")),
            "on_header_field": lambda chunk, start, end: state.update(name=state["name"] + chunk[start:end]),
            "on_header_value": lambda chunk, start, end: state.update(value=state["value"] + chunk[start:end]),
            "on_header_end": header_end,
            "on_part_data": data,
        },
    )
    parser.write(body)
    parser.finalize()
    return parts


def options(headers: dict[bytes, bytes]) -> dict[bytes, bytes]:
    return parse_options_header(headers[b"content-disposition"])[1]


async def test_fields_and_files_are_read_back() -> None:
    given = [
        Field("purpose", "assistants"),
        FilePart("file", "späte.jsonl", "application/jsonl", b'{"a":1}\r\n--x\r\n', None),
        FilePart("file", "b.bin", "application/octet-stream", pieces(b"one", b"", b"two"), 6),
    ]
    body, size, boundary = await written(list(given))
    assert size == len(body)
    first, second, third = parsed(body, boundary)
    assert (options(first[0])[b"name"], first[1]) == (b"purpose", b"assistants")
    assert second[0][b"content-type"] == b"application/jsonl"
    assert options(second[0])[b"filename"].decode() == "späte.jsonl"
    assert (second[1], third[1]) == (b'{"a":1}\r\n--x\r\n', b"onetwo")


async def test_a_file_of_unknown_length_makes_a_form_of_unknown_length() -> None:
    body, size, boundary = await written([FilePart("file", "a", "text/plain", pieces(b"x"), None)])
    assert size is None
    assert parsed(body, boundary)[0][1] == b"x"


async def test_an_empty_form_is_just_its_end() -> None:
    body, size, boundary = await written([])
    assert body == b"--" + boundary + b"--\r\n"
    assert size == len(body)


async def test_nothing_in_a_name_can_add_a_header_or_a_part() -> None:
    hostile = 'a"\r\nX-Evil: 1\r\n\r\nboo'
    body, _, boundary = await written(
        [FilePart(hostile, hostile, "text/plain\r\nX-Evil: 1", b"x", 1), Field(hostile, "y")]
    )
    parts = parsed(body, boundary)
    assert [set(headers) for headers, _ in parts] == [
        {b"content-disposition", b"content-type"},
        {b"content-disposition"},
    ]
    assert options(parts[0][0])[b"name"] == b"a%22%0D%0AX-Evil: 1%0D%0A%0D%0Aboo"
    assert [data for _, data in parts] == [b"x", b"y"]


async def test_a_file_without_a_content_type_gets_the_plainest() -> None:
    body, _, boundary = await written([FilePart("file", "a", "\r\n", b"x", 1)])
    assert parsed(body, boundary)[0][0][b"content-type"] == b"application/octet-stream"


async def test_no_two_forms_share_a_boundary() -> None:
    assert len({encode([]).content_type for _ in range(100)}) == 100


names = st.text(st.characters(exclude_categories=["Cs"], exclude_characters='"\\;\r\n'), min_size=1, max_size=8)


@given(
    st.lists(st.tuples(names, st.text(st.characters(exclude_categories=["Cs"]), max_size=20)), min_size=1, max_size=5)
)
async def test_any_fields_survive(fields: list[tuple[str, str]]) -> None:
    body, size, boundary = await written([Field(name, value) for name, value in fields])
    assert size == len(body)
    assert [(options(headers)[b"name"].decode(), data.decode()) for headers, data in parsed(body, boundary)] == fields
