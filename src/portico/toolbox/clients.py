"""Programs that speak MCP, as data: how each is connected to a server, and what is too much for it."""

import re
import tomllib
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any, Literal

import msgspec
from msgspec import Struct

Way = Literal["address", "header", "sign_in"]
WAYS: dict[Way, str] = {
    "address": "The address alone",
    "header": "The address and an API token",
    "sign_in": "Signing in",
}
TOKEN_HERE, SECRET_HERE = "YOUR_TOKEN", "YOUR_SECRET"
# What every request would cost before anybody has asked anything.
COSTLY_TOKENS = 12_000


class Client(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One program. `by`: the snippet for each way in that it offers."""

    name: str
    label: str
    where: str
    language: str
    by: dict[Way, str]
    note: str = ""
    most_tools: int | None = None
    most_tokens: int | None = None
    loads_all: bool = False


class Warned(Struct, frozen=True, kw_only=True):
    """A program for which a server is too much, and why."""

    client: str
    message: str


class Snippet(Struct, frozen=True, kw_only=True):
    """What to type or paste, where."""

    client: str
    label: str
    way: Way
    where: str
    language: str
    text: str
    note: str


@cache
def clients() -> tuple[Client, ...]:
    read: Any = tomllib.loads((Path(__file__).parent / "clients.toml").read_text("utf-8"))
    return msgspec.convert(read["client"], tuple[Client, ...])


def warnings(tools: int, tokens: int) -> list[Warned]:
    """Which programs will not take so many tools, or will pay for them with every request."""
    return [
        Warned(client=each.label, message=problem) for each in clients() if (problem := _problem(each, tools, tokens))
    ]


def snippets(url: str, name: str, ways: Sequence[Way], token: str = "") -> list[Snippet]:
    """For every program, with the first of these ways that it offers."""
    found: list[Snippet] = []
    for each in clients():
        offered: list[Way] = [way for way in ways if each.by.get(way)]
        if offered:
            text = each.by[offered[0]].strip("\n").replace("{url}", url).replace("{name}", name)
            text = text.replace("{id}", identifier(name)).replace("{token}", token or TOKEN_HERE)
            found.append(
                Snippet(
                    client=each.name, label=each.label, way=offered[0], where=each.where, language=each.language,
                    text=text, note=each.note,
                )
            )  # fmt: skip
    return found


def identifier(name: str) -> str:
    """A server's name as every program takes it: small letters, digits and dashes."""
    plain = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:30].strip("-")
    return plain or "portico"


def ways_into(*, asks_for_token: bool) -> Sequence[Way]:
    """How a server is entered, the easiest first."""
    return ("sign_in", "header") if asks_for_token else ("address",)


def _problem(client: Client, tools: int, tokens: int) -> str:
    instead = "narrow the server, or use discovery."
    if client.most_tools is not None and tools > client.most_tools:
        return f"{tools} tools are more than the {client.most_tools} that it takes; {instead}"
    if client.most_tokens is not None and tokens > client.most_tokens:
        return f"{tokens} tokens of definitions are more than the {client.most_tokens} that it takes; {instead}"
    if client.loads_all and tokens > COSTLY_TOKENS:
        return f"It sends all {tokens} tokens of definitions with every request; {instead}"
    return ""
