"""What a family of endpoints sees (`Ask`) and what it may answer: a dictionary, a `Reply`, or `Events`."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from dataclasses import dataclass, field

import msgspec

from portico.sandbox.blobs import Blob
from portico.sandbox.keys import Key
from portico.sandbox.refusals import HeaderPairs, invalid, missing
from portico.sandbox.shapes import Json, is_record
from portico.sandbox.shelves import Collection, Kind, T
from portico.sandbox.state import Organization, Project, Usage, World
from portico.sandbox.values import Values


@dataclass(frozen=True, slots=True)
class Upload:
    """One file of a form."""

    filename: str
    content_type: str
    blob: Blob


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer with a status, headers or a body of its own: JSON, bytes, a stream of bytes, or nothing."""

    body: Json | bytes | Blob | AsyncIterator[bytes] | None = None
    status: int = 200
    content_type: str | None = None
    headers: HeaderPairs = ()


@dataclass(frozen=True, slots=True)
class Events:
    """A stream of server-sent events: `anonymous` data lines that end in [DONE], or events `named` by their type."""

    source: Iterable[Json] | AsyncIterator[Json]
    named: bool = False


Answer = Json | Reply | Events
Handler = Callable[["Ask"], Answer | Awaitable[Answer]]
# verb, path below /v1, body -> the answer that the same key would get from outside.
Inside = Callable[[str, str, Json], Awaitable[Reply]]


@dataclass(frozen=True, slots=True)
class Route:
    """One operation. The path is below /v1; a segment in braces is a parameter, literal segments win over them.

    `beta`: the value of OpenAI-Beta that it needs. `metered`: a model endpoint, with rate limits by the body's model,
    or by the `usual_model` where the body may leave it out.
    `scope`: what a restricted key needs, where the default (api.<area>.read or .write) is wrong.
    """

    verb: str
    path: str
    handler: Handler
    beta: str | None = None
    metered: bool = False
    scope: str | None = None
    usual_model: str = ""

    @property
    def for_admins(self) -> bool:
        return self.path.startswith(("/organization/", "/projects/"))

    @property
    def needed_scope(self) -> str:
        if self.scope is not None:
            return self.scope
        if self.metered:
            return "api.model.request"
        area = "management" if self.for_admins else AREAS.get(self.path.split("/")[1], self.path.split("/")[1])
        return f"api.{area}.{'read' if self.verb == 'GET' else 'write'}"


AREAS = {"models": "model", "chat": "chat_completions"}


@dataclass(slots=True)
class Ask:
    """One request, after key, scope and limits were found good."""

    verb: str
    path: str
    parameters: dict[str, str]
    query: Values
    headers: dict[str, str]
    raw: Blob
    world: World
    organization: Organization
    project: Project
    key: Key
    inside: Inside
    form: Values | None = None
    files: dict[str, list[Upload]] = field(default_factory=dict[str, list[Upload]])
    is_batch: bool = False
    _body: Json | None = None

    def __getitem__(self, parameter: str) -> str:
        """The value of a path parameter."""
        return self.parameters[parameter]

    @property
    def now(self) -> int:
        return self.world.now()

    @property
    def body(self) -> Json:
        """The body as an object: decoded JSON, or a form's fields; an absent body is an empty object."""
        if self._body is None:
            self._body = self.form.tree() if self.form is not None else decode(self.raw.read())
        return self._body

    def held(self, kind: Kind[T]) -> Collection[T]:
        """The things of that kind which this key can see."""
        shelf = self.organization.shelf if kind.organization_wide else self.project.shelf
        return shelf.of(kind)

    def new_id(self, kind: Kind[T] | str) -> str:
        return self.world.new_id(kind if isinstance(kind, str) else kind.prefix)

    def file(self, name: str) -> Upload:
        """The uploaded file in that field, or OpenAI's 400."""
        found = self.uploads(name)
        if not found:
            raise missing(name)
        return found[0]

    def uploads(self, name: str) -> list[Upload]:
        """All files under a name, also where it was sent as `name[]`."""
        return [*self.files.get(name, []), *self.files.get(f"{name}[]", [])]

    def meter(self, kind: str, model: str, **details: int | str) -> None:
        """Write down what this call used; the usage and cost reports add it up.

        Numbers are amounts (input_tokens, images, ...), texts are labels to group by (service_tier, size, ...).
        """
        amounts = {name: value for name, value in details.items() if isinstance(value, int)}
        labels = {name: value for name, value in details.items() if isinstance(value, str)}
        used = Usage(
            self.now,
            kind,
            self.project.id,
            self.key.owner_id,
            self.key.id,
            model,
            amounts,
            is_batch=self.is_batch,
            labels=labels,
        )
        self.organization.usage.append(used)


def decode(raw: bytes) -> Json:
    if not raw.strip():
        return {}
    try:
        value = msgspec.json.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as failure:
        message = f"The body of this request is not valid JSON: {failure}."
        raise invalid(message, None, None) from None
    if not is_record(value):
        raise invalid("The body of this request must be a JSON object.", None, "invalid_type")
    return value


def gone(identity: str, noun: str) -> Json:
    """The usual answer to a deletion."""
    return {"id": identity, "object": noun, "deleted": True}
