"""Byte for byte: the same request to the sandbox itself and through passthrough arrives alike and is answered alike."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest

from portico.sandbox.ledger import Entry
from tests.forms import form
from tests.gateways import Got
from tests.served import Served, exchanged
from tests.stage import ADMIN_KEY, PROJECT_KEY

pytestmark = pytest.mark.outside

# What does not come through: it belongs to one connection or to the vendor's edge. The date is the speaker's own.
STAYS_BEHIND = {"set-cookie", "server", "date", "connection", "keep-alive", "transfer-encoding", "content-length"}
ADDED = {"x-portico-request-id", "ratelimit-limit", "ratelimit-remaining", "ratelimit-reset"}
# What differs from one call to the next, whoever asks.
DIFFERS = {"openai-processing-ms"}
# A Monday, so that both worlds tell the same time.
MOMENT = 1_793_620_800.0


@dataclass(frozen=True)
class Asked:
    """One request, without the key."""

    verb: str
    path: str
    content: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict[str, str])

    def __str__(self) -> str:
        return f"{self.verb} {self.path}"[:60]


def of_json(verb: str, path: str, value: Any, **headers: str) -> Asked:
    """With blanks and letters that no encoder of ours would write."""
    content = json.dumps(value, indent=3, ensure_ascii=True).encode() + b"\n"
    return Asked(verb, path, content, {"Content-Type": "application/json; charset=utf-8"} | _named(headers))


def plain(verb: str, path: str, content: bytes = b"", **headers: str) -> Asked:
    return Asked(verb, path, content, _named(headers))


def _named(headers: dict[str, str]) -> dict[str, str]:
    return {name.replace("_", "-"): value for name, value in headers.items()}


def _form(path: str, *parts: Any) -> Asked:
    content, content_type = form(*parts)
    return Asked("POST", path, content, {"Content-Type": content_type})


CHAT: dict[str, Any] = {"model": "gpt-4o", "messages": [{"role": "user", "content": "Say: grüezi ☃"}]}
FILE = ("file", "näme.bin", "application/octet-stream", bytes(range(256)) * 3000)
SMALL = ("file", "a.txt", "text/plain", b"one\r\ntwo")
REQUESTS = [
    plain("GET", "/models"),
    plain("GET", "/models/gpt-4o", accept="application/json", x_stainless_lang="python"),
    plain("HEAD", "/models"),
    plain("GET", "/models/no%2Fsuch%20model"),
    plain("GET", "/models/ft:gpt-4o:acme::x?a=1&a=2&b=%20&c+d=e+f&empty=&bare"),
    plain("GET", "/files?limit=2&order=asc&purpose=user_data&after="),
    plain("GET", "/files/file-none/content"),
    plain("DELETE", "/files/file-none"),
    plain("GET", "/no/such/path"),
    plain("OPTIONS", "/models"),
    plain("PUT", "/models"),
    plain("GET", "/organization/projects?limit=2&include_archived=true"),
    plain("GET", "/organization/users?emails[]=a@b.example&emails[]=c%40d.example"),
    plain("GET", "/organization/audit_logs?effective_at[gt]=1&event_types[]=project.created&event_types%5B%5D=x"),
    plain("GET", "/organization/costs?start_time=1793000000&bucket_width=1d&group_by[]=project_id&limit=3"),
    plain("GET", "/organization/usage/completions?start_time=1793000000&group_by=model&group_by=project_id"),
    plain("GET", "/organization/admin_api_keys"),
    plain("GET", "/organization/usage/costs"),
    of_json("POST", "/organization/projects", {"name": "Ünïque"}),
    of_json("POST", "/organization/invites", {"email": "x@y.example", "role": "reader"}),
    of_json("POST", "/chat/completions", CHAT),
    of_json("POST", "/chat/completions", CHAT | {"stream": True}),
    of_json("POST", "/chat/completions", CHAT | {"n": 2, "logprobs": True, "unheard_of": 1}),
    of_json("POST", "/chat/completions", {"model": "gpt-4o"}),
    of_json("POST", "/responses", {"model": "gpt-4o", "input": "Say: one"}, OpenAI_Beta="responses=v1"),
    of_json("POST", "/responses", {"model": "gpt-4o", "input": "Say: one", "stream": True}),
    of_json("POST", "/embeddings", {"model": "text-embedding-3-small", "input": "x" * 200_000}),
    of_json("POST", "/moderations", {"input": "I like you"}),
    of_json("POST", "/audio/speech", {"model": "tts-1", "voice": "alloy", "input": "Hello. " * 100}),
    of_json("POST", "/images/generations", {"model": "gpt-image-1.5", "prompt": "A hill", "size": "1024x1024"}),
    of_json("POST", "/vector_stores", {"name": "Facts", "metadata": {"a": "b"}}),
    of_json("POST", "/vector_stores", {"name": "Facts"}, OpenAI_Beta="assistants=v2"),
    of_json("POST", "/assistants", {"model": "gpt-4o"}, OpenAI_Beta="assistants=v2"),
    of_json("POST", "/assistants", {"model": "gpt-4o"}),
    of_json("POST", "/batches", {"input_file_id": "file-none", "endpoint": "/v1/x", "completion_window": "24h"}),
    plain("POST", "/chat/completions", b"{not json", Content_Type="application/json"),
    plain("POST", "/chat/completions", b"\xff\xfe\x00", Content_Type="application/octet-stream"),
    plain("POST", "/chat/completions"),
    _form("/files", ("purpose", "user_data"), FILE),
    _form("/files", SMALL, ("purpose", "assistants")),
    _form("/files", ("purpose", "user_data")),
    _form("/audio/transcriptions", ("model", "whisper-1"), ("file", "x.wav", "audio/wav", b"RIFF....")),
    of_json("POST", "/uploads", {"filename": "a", "purpose": "user_data", "bytes": 3, "mime_type": "text/plain"}),
    plain("GET", "/models", x_sandbox_fault="status=429;retry-after=3"),
    plain("GET", "/models", x_sandbox_fault="status=500"),
    plain("GET", "/models", x_sandbox_fault="invalid-json"),
    plain("GET", "/models", x_sandbox_fault="bad-gzip"),
    plain("GET", "/models", x_sandbox_fault="wrong-type"),
    plain("GET", "/models", x_sandbox_fault="empty"),
    plain("GET", "/models", x_sandbox_fault="huge=300000"),
]  # fmt: skip


@pytest.mark.parametrize("asked", REQUESTS, ids=str)
def test_a_request_arrives_and_is_answered_as_if_nobody_stood_between(house: Served, asked: Asked) -> None:
    direct, said = answered(house, house.direct, key_for(asked.path), asked)
    through, heard = answered(house, house.passthrough, house.token, asked)
    assert (through.status, through.content) == (direct.status, direct.content)
    assert {name: value for name, value in through.headers.items() if name not in ADDED | DIFFERS | STAYS_BEHIND} == {
        name: value for name, value in direct.headers.items() if name not in DIFFERS | STAYS_BEHIND
    }
    assert arrived(heard) == arrived(said)


@pytest.mark.parametrize("address", ["/v1", ""])
def test_every_list_of_the_vendors_is_answered_alike(house: Served, address: str) -> None:
    """With the version in the path or without it, as clients have it in their base URL or not."""
    for path in lists(house):
        asked = plain("GET", f"{path}?limit=3")
        direct, _ = answered(house, house.direct, key_for(path), asked)
        through, _ = answered(house, house.passthrough + address, house.token, asked)
        assert (through.status, through.content) == (direct.status, direct.content), path


def lists(house: Served) -> list[str]:
    """The addresses that take GET and need no id."""
    got = exchanged(house.sandbox_url, "GET", "/_sandbox/routes", {})
    found = [route["path"] for route in got.json["data"] if route["verb"] == "GET" and "{" not in route["path"]]
    assert len(found) > 40
    return found


def answered(house: Served, url: str, key: str, asked: Asked) -> tuple[Got, Entry]:
    """The answer, and what the sandbox saw; in a world at its beginning, at a given moment."""
    house.world.reset()
    house.world.turn_to(MOMENT)
    headers = {"Authorization": f"Bearer {key}", "User-Agent": "somebody/1.0", "Accept": "*/*"} | dict(asked.headers)
    got = exchanged(url, asked.verb, asked.path, headers, asked.content)
    assert len(house.world.requests) == 1
    return got, house.world.requests[0]


def arrived(entry: Entry) -> dict[str, Any]:
    """All of a request but the key's name, which is that of a key made anew in each world, and the connection's own.

    That there is no body may be said or left unsaid.
    """
    shown = entry.show()
    headers = [(name.lower(), value) for name, value in shown["headers"]]
    aside = {"authorization", "connection"} if entry.body_bytes else {"authorization", "connection", "content-length"}
    kept = sorted(pair for pair in headers if pair[0] not in aside)
    names = ("verb", "path", "query", "body_bytes", "body_sha256", "status")
    return {name: shown[name] for name in names} | {"headers": kept}


def key_for(path: str) -> str:
    return ADMIN_KEY if path.startswith(("/organization", "/projects")) else PROJECT_KEY
