"""Multipart forms written out by hand, and a sound to put into them."""

from typing import Any

from tests.stage import Stage

BOUNDARY = "----a-boundary-of-our-own"


def form(*parts: tuple[str, str] | tuple[str, str, str, bytes]) -> tuple[bytes, str]:
    """(body, content type) of fields `(name, value)` and files `(name, filename, content type, content)`."""
    body = b""
    for part in parts:
        body += f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{part[0]}"'.encode()
        if len(part) == 2:
            body += f"\r\n\r\n{part[1]}\r\n".encode()
        else:
            body += f'; filename="{part[1]}"\r\nContent-Type: {part[2]}\r\n\r\n'.encode() + part[3] + b"\r\n"
    return body + f"--{BOUNDARY}--\r\n".encode(), f"multipart/form-data; boundary={BOUNDARY}"


async def sound(stage: Stage, speech: dict[str, Any]) -> bytes:
    """Speech that the sandbox can hear again."""
    got = await stage.proxy("POST", "speech", json={**speech, "response_format": "wav"})
    assert got.status == 200, got.content
    return got.content
