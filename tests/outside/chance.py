"""Requests and answers drawn by lot: all that HTTP allows and a vendor's client or server might one day send."""

import gzip
import json
from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from string import ascii_letters, digits
from typing import Any

from tests.outside.verbatim import Pairs

UNRESERVED = ascii_letters + digits + "-._~"
# The last of either are not URI, and are sent all the same.
IN_PATHS, IN_QUERIES = "!$&'()*+,;=:@[]|{}^<>\"`", "!$'()*+,;:@/?[]|{}^<>\"`\\"
TOKEN = ascii_letters + digits + "!#$%&'*+-.^_`|~"
PLACES = [
    "chat/completions", "responses", "embeddings", "files", "models", "organization/projects", "organization/costs",
    "vector_stores/vs_1/search", "audio/speech", "no/such", "v2", "x",
]  # fmt: skip
VERBS = ["GET"] * 5 + ["POST"] * 5 + ["PUT", "PATCH", "DELETE", "HEAD", "HEAD", "OPTIONS", "PROPFIND", "SEARCH"]
KEYS = [
    "limit", "after", "group_by[]", "group_by%5B%5D", "effective_at[gt]", "a[b][c]", "integrated_account_id",
    "truto_response_format", "%20", "caf%C3%A9", "x", "",
]  # fmt: skip
# Names that mean something to somebody; what belongs to one connection or is ours to say is not among them.
HEADERS = [
    "Accept", "Accept-Language", "Cache-Control", "OpenAI-Beta", "OpenAI-Project", "Idempotency-Key", "If-None-Match",
    "Range", "X-Stainless-Lang", "X-Request-Id", "Traceparent", "Origin", "Referer", "Prefer", "X-HTTP-Method-Override",
]  # fmt: skip
ANSWERED = [
    "ETag", "Link", "Vary", "Cache-Control", "WWW-Authenticate", "Warning", "OpenAI-Version",
    "x-ratelimit-remaining-requests", "x-ratelimit-reset-requests", "Access-Control-Allow-Origin", "CF-RAY",
    "Content-Disposition", "Content-Language", "Retry-After", "X-Content-Type-Options",
]  # fmt: skip
TYPES = [
    "application/json", "application/json; charset=utf-8", "text/plain;charset=ISO-8859-1", "application/octet-stream",
    "APPLICATION/JSON", "text/event-stream", "application/x-ndjson", "image/png", "application/problem+json", "odd",
]  # fmt: skip
STATUSES = [
    *[200] * 12, 201, 202, 203, 206, 207, 226, 299, 204, 204, 304, 300, 301, 302, 303, 307, 308, 400, 401, 402, 403,
    404, 405, 409, 410, 413, 418, 422, 425, 429, 431, 451, 499, 500, 501, 502, 503, 504, 529, 599,
]  # fmt: skip
SMALL_BYTES, LARGE_BYTES, MOST_CHUNKS = 200_000, 400_000, 50


@dataclass(frozen=True)
class Asked:
    """`target` is what follows the base URL; `sent` is the body as it goes over the wire, `content` without framing."""

    verb: str
    target: str
    headers: Pairs
    content: bytes
    sent: bytes
    connection: bytes = b"close"

    def written(self, prefix: str, token: str, host: str) -> bytes:
        own = f"{self.verb} {prefix}{self.target} HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {token}\r\n"
        lines = b"".join(b"%s: %s\r\n" % pair for pair in self.headers)
        return own.encode() + lines + b"Connection: %s\r\n\r\n%s" % (self.connection, self.sent)


@dataclass(frozen=True)
class Answer:
    """Ready to be said; `hangs_up` where the end of the connection is the end of the body."""

    written: bytes
    hangs_up: bool


def asked(dice: Random) -> Asked:
    verb = dice.choice(VERBS)
    content = _content(dice) if dice.random() < (0.85 if verb in {"POST", "PUT", "PATCH"} else 0.15) else b""
    framing, sent = _framed(dice, content, b"", in_doubt=dice.random() < 0.5)
    headers = [
        (b"User-Agent", b"somebody/%d" % dice.randrange(100)),
        *_headers(dice, HEADERS, is_ascii=len(content) > SMALL_BYTES),
        *framing,
    ]
    if content:
        headers.append((b"Content-Type", dice.choice(TYPES).encode()))
    if dice.random() < 0.3:
        headers.append((b"Accept-Encoding", dice.choice([b"gzip", b"gzip, deflate", b"identity", b"gzip;q=0.5"])))
    return Asked(verb, _target(dice), headers, content, sent)


def answer(dice: Random, verb: str, base_url: str) -> Answer:
    """To a request with this verb."""
    status = dice.choice(STATUSES)
    head = b"HTTP/1.%d %d %s\r\n" % (dice.random() < 0.95, status, dice.choice([b"OK", b"Made Up Words", b""]))
    headers = _headers(dice, ANSWERED)
    if 300 <= status < 400 and dice.random() < 0.7:
        headers.append((b"Location", dice.choice(["elsewhere", "/v1/there?a=b", f"{base_url}/there#x"]).encode()))
    if status in {204, 304}:
        return _whole(dice, head, headers, b"")
    content = _content(dice) if dice.random() < 0.9 else b""
    headers.append((b"Content-Type", dice.choice(TYPES).encode()))
    kind = dice.random()
    if kind < 0.2:
        content = gzip.compress(content)
        headers.append((b"Content-Encoding", b"gzip"))
    elif kind < 0.3:
        headers.append((b"Content-Encoding", b"br"))  # nobody between the two ends need understand it
    if head.startswith(b"HTTP/1.0") or (dice.random() < 0.15 and verb != "HEAD"):
        return _whole(dice, head, [*headers, (b"Connection", b"close")], content if verb != "HEAD" else b"", True)
    framing, sent = _framed(dice, content, b"X-Sum: 1\r\n", in_doubt=True)
    return _whole(dice, head, headers + framing, sent if verb != "HEAD" else b"")


def _whole(dice: Random, head: bytes, headers: Pairs, sent: bytes, hangs_up: bool = False) -> Answer:
    dice.shuffle(headers)
    early = b"HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n" if dice.random() < 0.1 else b""
    lines = b"".join(dice.choice([b"%s: %s\r\n", b"%s:%s\r\n", b"%s:  \t%s \r\n"]) % pair for pair in headers)
    return Answer(early + head + lines + b"\r\n" + sent, hangs_up)


def _target(dice: Random) -> str:
    segments = [dice.choice(PLACES)] if dice.random() < 0.8 else []
    segments += [_segment(dice) for _ in range(dice.choice([0, 0, 1, 1, 2, 4]) or not segments)]
    path = "/" + "/".join(segments) + ("/" if dice.random() < 0.1 else "")
    pairs = [_pair(dice) for _ in range(dice.choice([0, 0, 1, 2, 3, 8]))]
    return f"{path}?{'&'.join(pairs)}" if any(pairs) else path


def _segment(dice: Random) -> str:
    """Something to begin and to end with, so that no escape makes it empty, a dot or two."""
    inner = [_character(dice, IN_PATHS) for _ in range(dice.choice([0, 1, 3, 12, 40]))]
    return "a" + "".join(inner) + dice.choice("z9-~")


def _pair(dice: Random) -> str:
    value = "".join(_character(dice, IN_QUERIES) for _ in range(dice.choice([0, 0, 1, 5, 30])))
    return dice.choice(KEYS) + dice.choice(["=", "=", "=", "", "=="]) + value


def _character(dice: Random, more: str) -> str:
    """One that stands for itself, or an escape in either case of what may be one letter or the half of one."""
    if dice.random() < 0.25:
        code = dice.choice([0x20, 0x22, 0x25, 0x26, 0x2B, 0x2F, 0x3F, 0x41, 0x7E, 0xC3, 0xA9, 0xE2, 0x98, 0x83, 0xFF])
        escaped = f"%{code:02X}" if dice.random() < 0.5 else f"%{code:02x}"
        return f"{escaped}b" if code == ord("/") else escaped  # two in a row are refused
    return dice.choice(UNRESERVED + more * 3)


def _headers(dice: Random, known: list[str], *, is_ascii: bool = False) -> Pairs:
    found: Pairs = []
    for _ in range(dice.choice([0, 2, 5, 12])):
        name = (
            dice.choice(known) if dice.random() < 0.6 else "X-" + "".join(dice.choices(TOKEN, k=dice.randrange(1, 20)))
        )
        found += [(_cased(dice, name), _value(dice, is_ascii=is_ascii)) for _ in range(dice.choice([1, 1, 1, 2, 3]))]
    return found


def _cased(dice: Random, name: str) -> bytes:
    return dice.choice([name, name.lower(), name.upper()]).encode()


def _value(dice: Random, *, is_ascii: bool) -> bytes:
    """Visible, with blanks and tabs inside, and at times beyond ASCII."""
    letters = bytes(range(0x21, 0x7F)) + (bytes(range(0x80, 0x100)) if dice.random() < 0.2 and not is_ascii else b"")
    words = [bytes(dice.choices(letters, k=dice.choice([1, 4, 30]))) for _ in range(dice.choice([0, 1, 1, 2, 5]))]
    return dice.choice([b" ", b"  ", b"\t", b", "]).join(words)


def _content(dice: Random) -> bytes:
    return dice.choice(CONTENTS)(dice)


def _json(dice: Random) -> bytes:
    value: Any = {"model": "gpt-4o", "input": "grüezi ☃ \ud83d", "n": 1e400, "stream": dice.random() < 0.5, "": [None]}
    return json.dumps(value, indent=dice.choice([None, 3])).encode() + dice.choice([b"", b"\n", b" \r\n"])


def _form(dice: Random) -> bytes:
    end = dice.choice([b"\r\n", b"\n"])
    return end.join(
        [b"--b", b'Content-Disposition: form-data; name="a"', b"", bytes(dice.randbytes(50)), b"--b--", b""]
    )


def _events(dice: Random) -> bytes:
    """With every end of line that the format knows, comments, a mark of byte order, and at times no last end."""
    lines = [b"data: {}", b'data:{"usage": {"total_tokens": 1}}', b": a comment", b"event: x", b"id", b"", b"", b"data"]
    said = b"".join(dice.choice(lines) + dice.choice([b"\n", b"\r", b"\r\n"]) for _ in range(dice.randrange(40)))
    return dice.choice([b"", b"\xef\xbb\xbf"]) + said + dice.choice([b"data: [DONE]\n\n", b"data: half", b"\r"])


def _large(dice: Random) -> bytes:
    return dice.randbytes(dice.randrange(LARGE_BYTES // 4, LARGE_BYTES))


def _few(dice: Random) -> bytes:
    return dice.randbytes(dice.choice([1, 2, 100, 5000]))


CONTENTS: list[Callable[[Random], bytes]] = [_json, _json, _form, _events, _events, _few, _few, _large]


def _framed(dice: Random, content: bytes, trailer: bytes, *, in_doubt: bool) -> tuple[Pairs, bytes]:
    """With its length or in chunks of any size. `in_doubt`: it is said even where there is nothing."""
    if not content and not in_doubt:
        return [], b""
    if dice.random() < 0.5:
        return [(b"Content-Length", b"%d" % len(content))], content
    chunks: list[bytes] = []
    at = 0
    while at < len(content):
        size = dice.choice([1, 7, 1000, 16_384]) if len(chunks) < MOST_CHUNKS else len(content)
        piece = content[at : at + size]
        chunks.append(b"%x%s\r\n%s\r\n" % (len(piece), dice.choice([b"", b"", b";a=b"]), piece))
        at += size
    return [(b"Transfer-Encoding", b"chunked")], b"".join(chunks) + b"0\r\n" + dice.choice([b"", trailer]) + b"\r\n"
