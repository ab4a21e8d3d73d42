"""Chat completions that were stored, as the families share them."""

from dataclasses import dataclass

from portico.sandbox.shapes import Json
from portico.sandbox.shelves import Kind


@dataclass(slots=True)
class Stored:
    """A kept completion, with the messages that it answered."""

    completion: Json
    messages: list[Json]


KEPT = Kind[Stored]("chat completion", "chatcmpl-")
