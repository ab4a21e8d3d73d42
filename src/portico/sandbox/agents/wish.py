"""What a session shall be, once checked: from a request, or saved in an automation for later."""

from dataclasses import dataclass, field
from typing import Any

from portico.sandbox.agents.tools import variant
from portico.sandbox.checks import array, one_of, record, text
from portico.sandbox.refusals import invalid
from portico.sandbox.shapes import Json

MOST_VAULTS = 10
PART = variant(
    {
        "input_text": record({"type": str, "text": str}),
        "input_image": record({"type": str, "image_url": text(shortest=1)}),
    }
)
MESSAGE = record({"role": one_of("user"), "content": array(PART, shortest=1)}, {"type": one_of("message")})
VAULT_IDS = array(str, longest=MOST_VAULTS)


@dataclass(slots=True)
class Wish:
    # The whole settings, or else the saved agent whose settings count when the session begins.
    agent: Json | None
    agent_id: str | None
    environment: Json
    messages: list[list[Json]] = field(default_factory=list[list[Json]])
    metadata: dict[str, str] = field(default_factory=dict[str, str])
    vault_ids: list[str] = field(default_factory=list[str])
    review: str = "none"
    ttl: str | None = None
    spend_limit: int | None = None


def messages(value: Any, path: str) -> list[list[Json]]:
    """A check for what a user says: one text, or messages; answers the content of each."""
    if isinstance(value, str):
        if not value:
            raise invalid(f"'{path}' must not be empty.", path, "string_below_min_length")
        return [[{"type": "input_text", "text": value}]]
    return spoken(value, path)


def spoken(value: Any, path: str) -> list[list[Json]]:
    """A check for messages of the user; answers the content of each."""
    given: list[Json] = array(MESSAGE, shortest=1)(value, path)
    return [message["content"] for message in given]
