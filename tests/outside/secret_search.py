"""Looking for secrets in whatever a program leaves behind, however they may have been written down."""

import base64
import json
from collections.abc import Iterator, Mapping
from urllib.parse import quote


def traces_of(secrets: Mapping[str, str], left: Mapping[str, bytes]) -> list[str]:
    """`secret in place, form` for every secret (by its name) that stands in one of the places."""
    return [
        f"{name} in {place}, {form}"
        for name, secret in secrets.items()
        for form, written in _forms(secret)
        for place, content in left.items()
        if written in content
    ]


def _forms(secret: str) -> Iterator[tuple[str, bytes]]:
    """Each way of writing it once, the plain one first."""
    plain = secret.encode()
    yield "plain", plain
    for form, written in (
        ("percent-encoded", quote(secret, safe="").encode()),
        ("as JSON", json.dumps(secret)[1:-1].encode()),
        ("hexadecimal", plain.hex().encode()),
    ):
        if written != plain:
            yield form, written
    for offset in range(3):
        yield f"base64 at {offset}", _inside_base64(plain, offset)


def _inside_base64(plain: bytes, offset: int) -> bytes:
    """The characters that stand for it wherever it begins in a text, without those that hold a neighbour's bits."""
    written = base64.b64encode(b"\0" * offset + plain)
    first = {0: 0, 1: 2, 2: 3}[offset]
    spare = (len(plain) + offset) % 3
    return written[first : len(written) - (4 if spare else 0)]
