"""One operation's facts, from one source or from both."""

from dataclasses import dataclass, field
from typing import TypeAlias

from portico.catalog.harvest.shape import Field

AnswerFields: TypeAlias = "dict[str, AnswerField]"


@dataclass(frozen=True, slots=True)
class AnswerField:
    """A field of an answer: its kind in one word, and one level of fields below it."""

    type: str
    fields: AnswerFields = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Alternative:
    """One of several closed sets of body arguments, told apart by a constant or by what it requires."""

    type_value: str
    required: tuple[str, ...]
    optional: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Body:
    """`content_type` is the one the SDK sends; `content_types` are all that are admitted."""

    content_type: str = ""
    content_types: tuple[str, ...] = ()
    alternatives: tuple[Alternative, ...] = ()


@dataclass(frozen=True, slots=True)
class Answer:
    """`kind` is json, binary, text, events or none; `status` maps a code to the content types declared for it."""

    kind: str = "json"
    can_stream: bool = False
    status: tuple[tuple[str, tuple[str, ...]], ...] = ()
    fields: AnswerFields = field(default_factory=dict)
    is_array: bool = False
    sdk_only: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Record:
    verb: str
    path: str
    sdk: str = ""
    sdk_other: tuple[str, ...] = ()
    in_openapi: bool = False
    by_hand: bool = False
    operation_id: str = ""
    openapi_path: str = ""
    query_variants: tuple[str, ...] = ()
    deprecated_in: tuple[str, ...] = ()
    security: str = ""
    beta_header: str = ""
    idempotency_header: str = ""
    page_style: str = ""
    parameters: tuple[Field, ...] = ()
    body: Body = Body()
    answer: Answer = Answer()

    @property
    def key(self) -> tuple[str, str]:
        """The operation without the spelling of its path parameters, which the sources write differently."""
        return self.verb, bare(self.path)


def bare(path: str) -> str:
    """A path with every parameter's name left out: /files/{}/content."""
    return "/".join("{}" if segment.startswith("{") else segment for segment in path.split("/"))


def path_names(path: str) -> tuple[str, ...]:
    return tuple(segment[1:-1] for segment in path.split("/") if segment.startswith("{"))
