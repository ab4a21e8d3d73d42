"""What an operation is: one METHOD + path of a vendor's API, described once. The core knows vendors by this alone."""

import datetime
from functools import cached_property
from typing import Any, Literal

from msgspec import Struct, structs

from portico.model.price import PriceDay, PriceList
from portico.model.reporting import Reports
from portico.shapes import is_list

Effect = Literal["read", "write", "destroy"]
BodyKind = Literal["none", "json", "multipart", "raw"]
ReturnsKind = Literal["value", "page", "binary", "events", "text", "nothing"]
Shown = Literal["always", "rare", "never"]
Place = Literal["path", "query", "header", "body", "upload"]
LifecycleState = Literal["active", "deprecated", "read_only", "removed"]
WebhookScheme = Literal["standard_webhooks"]
Json = dict[str, Any]


class Parameter(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One argument. `schema` is its JSON Schema, sentence included; `wire_name` is how the vendor spells it."""

    name: str
    place: Place
    schema: Json = {}
    required: bool = False
    wire_name: str = ""
    shown: Shown = "always"  # rare: named in `extra` only; never: what our own cursor or streaming replaces
    names: str = ""  # the operation that lists candidates when a name is given instead of an id
    names_within: dict[str, str] = {}  # the same for ids inside it, by place: `[].vector_store_ids[]`
    also: Json = {}  # constants that go along when this argument is given, by dotted place

    @property
    def on_the_wire(self) -> str:
        return self.wire_name or self.name

    @property
    def is_array(self) -> bool:
        kind = self.schema.get("type")
        return kind == "array" or (is_list(kind) and "array" in kind)


class PageStyle(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How a list is paged: what to send for the next page, and where the answer says what that is."""

    name: str
    send: str
    next: str  # a field, or `data[-1].id` for the last item's
    more: str = ""
    items: str = "data"
    limit: str = "limit"
    before: str = ""  # the parameter that asks for the page before, where there is one
    first: str = ""
    counts: Literal["", "items", "pages"] = ""  # the next value is not told but counted: items, or pages, from `start`
    start: int = 0
    total: str = ""  # where the answer says how many there are to be counted

    @property
    def is_numbered(self) -> bool:
        """Whether pages are told by number, so that their size must stay the same."""
        return self.counts == "pages"


class Wait(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How to tell that something asynchronous is over: look there, at this field, until it has one of these values.

    The first of them is the end that was hoped for; `fine` are others that are no failure; `needs` leads from an end at
    which the caller has to do something to the operation that goes on from it.
    """

    look: str
    field: str
    until: tuple[str, ...]
    when: Json = {}
    id: str = "id"  # where the answer says what to look at; not `id`: the answer is not itself the thing looked at
    counts: tuple[str, ...] = ()  # where the thing says how much is done, and of how much
    fine: tuple[str, ...] = ()
    needs: dict[str, str] = {}
    ids: tuple[str, ...] = ()  # how the ids of such things begin, where an id alone says what is meant

    def is_good(self, end: str) -> bool:
        return end == self.until[0] or end in self.fine or end in self.needs


class Priced(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What tells the price of a call before it is made: a composed tool, and which of its arguments come from which of
    the call's own."""

    by: str
    arguments: dict[str, str]


class UsageWords(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Where an answer says how many tokens were used, as dotted places.

    `answer` and `events` lead to the object that says it, in JSON and in an event; the rest are in it, but for
    `model`, which stands beside it. `piece` is a text that only events with a piece of the answer hold, about a token
    each: where a stream breaks off or says nothing of usage, they are counted instead.
    """

    answer: str = "usage"
    events: str = "usage"
    input: str = ""
    cached: str = ""
    output: str = ""
    model: str = "model"
    piece: str = ""


class Lifecycle(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What becomes of an operation. Its `state` is the one that it comes to, or has come to, on `date`; only what is
    deprecated still works until then. Beside `date`, `ends` is the day on which what is read-only is switched off."""

    state: LifecycleState = "active"
    date: datetime.date | None = None
    ends: datetime.date | None = None
    replacement: str = ""
    note: str = ""

    @property
    def turns(self) -> tuple[datetime.date, ...]:
        """The days from which on it may be something else."""
        return () if self.state == "active" else tuple(each for each in (self.date, self.ends) if each is not None)

    def on(self, day: datetime.date) -> "Lifecycle":
        """As it stands on that day, of UTC."""
        off = self.ends or (self.date if self.state in {"deprecated", "removed"} else None)
        state, when = self.state, self.date
        if state == "active":
            return self
        if off is not None and off <= day:
            state, when = "removed", off
        elif when is not None and when > day:
            state = "deprecated"
        return self if state == self.state else structs.replace(self, state=state, date=when, ends=None)


class ToolName(Struct, frozen=True, kw_only=True, omit_defaults=True):
    name: str
    aliases: tuple[str, ...] = ()


class Operation(Struct, frozen=True, kw_only=True, omit_defaults=True, dict=True):
    integration: str
    resource: str
    method: str
    verb: str
    path: str
    path_parameters: tuple[str, ...] = ()
    identity: str = ""  # the one of them that says which item is meant
    effect: Effect
    credential: str
    tool: ToolName
    title: str = ""
    says: str = ""
    alias: str = ""  # a line in users' words, for search
    parameters: tuple[Parameter, ...] = ()
    body: BodyKind = "none"
    content_types: tuple[str, ...] = ()
    root_array: bool = False
    returns: ReturnsKind = "value"
    page: PageStyle | None = None
    events_when: Json | None = None  # the arguments that turn the answer into a stream of events
    text_when: Json | None = None  # the arguments that turn the answer into plain text
    headers: dict[str, str] = {}
    idempotent: bool = False  # the vendor itself honours Idempotency-Key here
    lifecycle: Lifecycle = Lifecycle()
    tags: tuple[str, ...] = ()
    secrets: tuple[str, ...] = ()  # answer fields that are secret, as dotted paths
    wait: Wait | None = None
    usage: UsageWords | None = None
    asks: str = ""
    priced: Priced | None = None
    example: Json | None = None
    times: tuple[str, ...] = ()
    bulky: dict[str, Json] = {}  # answer fields (dotted) that stay out unless asked for → the arguments that ask

    @property
    def key(self) -> str:
        return f"{self.resource}.{self.method}"

    @cached_property
    def named(self) -> dict[str, Parameter]:
        return {each.name: each for each in self.parameters}

    @cached_property
    def spelled(self) -> dict[str, Parameter]:
        """By their own names and by the vendor's."""
        return {name: each for each in self.parameters for name in (each.name, each.on_the_wire)}

    @cached_property
    def required(self) -> tuple[Parameter, ...]:
        return tuple(each for each in self.parameters if each.required)

    @property
    def group(self) -> str:
        return ""  # its method says it

    @property
    def credentials(self) -> tuple[str, ...]:
        return (self.credential,)

    @property
    def follows(self) -> tuple[str, ...]:
        return ()

    @property
    def comfort(self) -> str:
        return ""  # it is the vendor's own

    @property
    def gives_bytes(self) -> bool:
        return self.returns == "binary"

    @property
    def is_repeatable(self) -> bool:
        """Whether doing it twice comes to the same as doing it once."""
        return self.verb in {"GET", "DELETE"}


def identity_of(method: str, path: str, path_parameters: tuple[str, ...]) -> str:
    """The path parameter that says which item is meant; empty for lists, for creating, and for what has no id."""
    if not path_parameters or method in {"list", "create"}:
        return ""
    segments = path.split("/")
    last = segments[-1] if method in {"get", "update", "delete"} else segments[-2]
    return path_parameters[-1] if last.startswith("{") else ""


class Revoking(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How a key is found, deleted and replaced at the vendor itself. `list`, `delete`, `create` are operations.

    `within` leads from an argument of all three to the list whose items it may be, unless the account's context says
    which one in the field that `context` names. `needs` leads from an argument of `create` to where the key's entry
    keeps its value; a key without it has none to take its place.
    """

    list: str
    delete: str
    create: str = ""
    within: dict[str, str] = {}
    context: dict[str, str] = {}
    arguments: Json = {}  # of `list`
    id: str = "id"
    name: str = "name"
    shown: str  # where an entry shows the key's beginning and end
    needs: dict[str, str] = {}
    value: str = "value"  # where `create` answers the new key
    by_hand: str = ""  # the vendor's own page for it


class Credential(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One key slot of an account: how the key is recognised, sent and proved."""

    name: str
    label: str
    field: str  # where the account's context keeps it
    prefixes: tuple[str, ...] = ()
    headers: dict[str, str] = {}
    proof: str = ""  # the harmless operation that shows the key works
    fallback: bool = False
    hint: str = ""
    revoking: Revoking | None = None


class Step(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One call that follows connecting. `keep`: field of the account's context → where the answer tells it."""

    call: str
    arguments: dict[str, Any] = {}
    keep: dict[str, str] = {}


class ContextField(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One value that an account of this integration keeps."""

    name: str
    label: str
    secret: bool = False
    optional: bool = True
    aliases: tuple[str, ...] = ()
    hint: str = ""


class Failing(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Where the vendor's error body says what went wrong, as dotted paths.

    `missing_scopes` are the words of its message after which the scopes stand that a key lacks.
    """

    message: str = ""
    code: str = ""
    kind: str = ""
    missing_scopes: str = ""


class RateHeaders(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Which of the vendor's headers say how much is left, and how the reset is written."""

    limit: str = ""
    remaining: str = ""
    reset: str = ""


class NameRule(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How the items of a list are called: the fields that hold names, the one that holds the id, how ids begin.

    Fields are dotted; a last `*` means every text of an object. No fields: the items have no names. `tells` are fields
    that tell namesakes apart.
    """

    fields: tuple[str, ...] = ("name",)
    id: str = "id"
    ids: tuple[str, ...] = ()
    tells: tuple[str, ...] = ()


class PathRule(Struct, frozen=True, kw_only=True):
    path: str
    use: str


class VendorWebhooks(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How the vendor's events come in. `create`, `delete`, `rotate` and `test` are operations, the rest dotted paths.

    `id` and `secret` stand in what `create` answers, and a new `secret` in what `rotate` does; `type`, `object` and
    `data` in a message. `ends` leads from an operation that looks at a job to the event types that say that such a job
    is over.
    """

    verify: WebhookScheme
    create: str
    delete: str = ""
    rotate: str = ""
    test: str = ""
    arguments: Json = {}  # of `create`; {url} and {event_types} are filled in, {event_type} into those of `test`
    rotate_arguments: Json = {}  # those that keep the old secret good for a day
    test_arguments: Json = {}
    id: str = "id"
    secret: str
    type: str = "type"
    object: str = ""
    data: str = ""
    ends: dict[str, tuple[str, ...]] = {}


class Integration(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One vendor: everything that is true of it and not of a single operation."""

    name: str
    label: str
    category: str
    base_url: str
    base_urls: tuple[str, ...] = ()
    credentials: tuple[Credential, ...] = ()
    context: tuple[ContextField, ...] = ()
    after_connecting: tuple[Step, ...] = ()
    credential_rules: tuple[PathRule, ...] = ()
    failure: Failing = Failing()
    rate_limits: RateHeaders = RateHeaders()
    trace: str = ""
    webhooks: VendorWebhooks | None = None
    reports: Reports | None = None
    tool_prefixes: tuple[str, ...] = ()  # other spellings of the integration's name in tool names
    synonyms: dict[str, tuple[str, ...]] = {}  # words of the API, and what people say instead
    tags: dict[str, str] = {}
    documentation: str = ""
    names: dict[str, NameRule] = {}  # by the list operation that knows them
    prices: dict[PriceDay, PriceList] = {}  # each in force from its date on
