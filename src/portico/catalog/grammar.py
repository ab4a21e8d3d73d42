"""The words of a definition: what may be said of an integration, a resource, a method, an argument, and no more."""

import datetime
from typing import Any, Literal

import msgspec
from msgspec import Struct, field

from portico.errors import Failure, InvalidArguments
from portico.model.operation import BodyKind, Effect, LifecycleState, ReturnsKind, WebhookScheme
from portico.model.price import PriceDay, PriceList
from portico.model.reporting import Reports
from portico.shapes import Json, is_record


class ContextFieldRule(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    label: str
    secret: bool = False
    optional: bool = True
    aliases: tuple[str, ...] = ()
    hint: str = ""


class RevokingRule(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How a key is found among the vendor's, deleted there, and replaced."""

    list: str
    delete: str
    create: str = ""
    within: dict[str, str] = {}
    context: dict[str, str] = {}
    arguments: Json = {}
    id: str = "id"
    name: str = "name"
    shown: str
    needs: dict[str, str] = {}
    value: str = "value"
    by_hand: str = ""


class CredentialRule(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    label: str
    field: str
    headers: dict[str, str]
    prefixes: tuple[str, ...] = ()
    proof: str = ""
    hint: str = ""
    revoking: RevokingRule | None = None


class StepRule(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`keep`: field of the context → where the answer tells it."""

    call: str
    arguments: Json = {}
    keep: dict[str, str] = {}


class PageRule(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`from` names the inventory's fact that a list must have for this style to be its own."""

    send: str = ""
    next: str = ""
    more: str = ""
    items: str = "data"
    limit: str = "limit"
    before: str = ""
    first: str = ""
    counts: Literal["", "items", "pages"] = ""
    start: int = 0
    total: str = ""
    source: str = field(default="", name="from")


class LifecycleRule(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    path: str = ""
    verb: str = ""
    state: LifecycleState = "active"
    date: datetime.date | None = None
    ends: datetime.date | None = None
    replacement: str = ""
    note: str = ""


class UseRule(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    path: str
    use: str


class TagRule(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    path: str
    tags: tuple[str, ...]


class HeaderRule(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    path: str
    headers: dict[str, str]


class NamesRule(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    fields: tuple[str, ...] = ("name",)
    id: str = "id"
    ids: tuple[str, ...] = ()
    tells: tuple[str, ...] = ()


class UsageRule(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where the answers of a path say how many tokens were used; see UsageWords."""

    path: str
    verb: str = "POST"
    answer: str = "usage"
    events: str = "usage"
    input: str
    cached: str = ""
    output: str = ""
    model: str = "model"
    piece: str = ""


class BulkyRule(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Fields of a path's answers that stay out of what a model reads, and the arguments that ask for them."""

    path: str
    fields: dict[str, Json]


class Rules(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """First match wins, but for tags, headers and bulky, which add up; a method may say otherwise."""

    credential: tuple[UseRule, ...] = ()
    pages: dict[str, PageRule] = {}
    headers: tuple[HeaderRule, ...] = ()
    tags: tuple[TagRule, ...] = ()
    lifecycle: tuple[LifecycleRule, ...] = ()
    usage: tuple[UsageRule, ...] = ()
    bulky: tuple[BulkyRule, ...] = ()
    names: dict[str, NamesRule] = {}
    beta_header: str = ""  # the header that carries the inventory's beta fact
    events_when: Json = {}
    arguments: dict[str, Any] = {}


ArgumentType = Literal["", "any", "array", "boolean", "file", "integer", "number", "object", "string", "union"]


class ArgumentRule(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One argument: a sentence, or a sentence and what the inventory does not say or says badly."""

    help: str = ""
    type: ArgumentType = ""
    enum: tuple[Any, ...] = ()
    examples: tuple[Any, ...] = ()
    default: Any = None
    min: float | None = None
    max: float | None = None
    items: Json = {}
    required: bool | None = None
    fields: dict[str, Any] = {}
    hidden: bool = False
    rare: bool = False
    names: str = ""
    names_within: dict[str, str] = {}
    source: str = field(default="", name="from")
    also: Json = field(default_factory=lambda: {}, name="with")
    wire: str = ""


class WaitRule(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    look: str
    field: str
    until: tuple[str, ...]
    when: Json = {}
    id: str = "id"
    counts: tuple[str, ...] = ()
    fine: tuple[str, ...] = ()
    needs: dict[str, str] = {}
    ids: tuple[str, ...] = ()


class PricedRule(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    by: str
    arguments: dict[str, str] = field(name="with")


class MethodRule(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    call: str
    tool: str = ""
    aliases: tuple[str, ...] = ()
    title: str = ""
    says: str = ""
    alias: str = ""
    effect: Effect | None = None
    credential: str = ""
    tags: tuple[str, ...] = ()
    args: dict[str, Any] = {}
    query: dict[str, Any] = {}
    body: BodyKind | dict[str, Any] | None = None
    uploads: tuple[str, ...] = ()
    returns: ReturnsKind | None = None
    pages: str = ""
    events_when: Json | None = None
    text_when: Json | None = None
    headers: dict[str, str] = {}
    lifecycle: LifecycleRule | None = None
    secrets: tuple[str, ...] = ()
    wait: WaitRule | None = None
    asks: str = ""
    priced: PricedRule | None = None
    example: Json | None = None
    times: tuple[str, ...] = ()
    root_array: bool = False


class FailureRule(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    message: str = ""
    code: str = ""
    kind: str = ""
    missing_scopes: str = ""


class RateRule(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    limit: str = ""
    remaining: str = ""
    reset: str = ""


class WebhooksRule(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How the vendor's own webhooks come in: what makes an endpoint, how a message is verified, what it tells.

    `ends`: an operation that looks at a job → the event types that say that such a job is over.
    """

    verify: WebhookScheme
    create: str
    delete: str = ""
    rotate: str = ""
    test: str = ""
    arguments: Json = {}
    rotate_arguments: Json = {}
    test_arguments: Json = {}
    id: str = "id"
    secret: str
    type: str = "type"
    object: str = ""
    data: str = ""
    ends: dict[str, tuple[str, ...]] = {}


class DefinitionRule(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A whole definition. `resources` is resource → method → what there is to say; a resource may have own tags."""

    name: str
    label: str
    base_url: str
    category: str = "other"
    base_urls: tuple[str, ...] = ()
    documentation: str = ""
    tool_prefixes: tuple[str, ...] = ()
    synonyms: dict[str, tuple[str, ...]] = {}
    context: dict[str, ContextFieldRule] = {}
    credentials: dict[str, CredentialRule] = {}
    after_connecting: tuple[StepRule, ...] = ()
    rules: Rules = Rules()
    failure: FailureRule = FailureRule()
    rate_limits: RateRule = RateRule()
    trace: str = ""
    webhooks: WebhooksRule | None = None
    reports: Reports | None = None
    prices: dict[PriceDay, PriceList] = {}
    tags: dict[str, str] = {}
    resources: dict[str, dict[str, Any]] = {}


class _ResourceWords(Struct, frozen=True, kw_only=True):
    tags: tuple[str, ...] = ()
    singular: str = ""


_RESOURCE_WORDS = _ResourceWords.__struct_fields__


class ResourceRule(Struct, frozen=True, kw_only=True):
    tags: tuple[str, ...]
    singular: str
    methods: dict[str, MethodRule]


def read_definition(value: Json) -> DefinitionRule:
    """Raises InvalidArguments naming the field that is not in the grammar."""
    resources: Any = value.get("resources")
    # Resources are read one by one later; a place that the reader cannot name is named here.
    odd = [name for name, each in resources.items() if not is_record(each)] if is_record(resources) else []
    if odd:
        words = f"{', '.join(_RESOURCE_WORDS)} and methods by their names"
        raise InvalidArguments([Failure(f"resources.{name}", "is not an object", words) for name in odd])
    return _convert(value, DefinitionRule, "")


def read_resource(name: str, value: Json) -> ResourceRule:
    methods = {key: each for key, each in value.items() if key not in _RESOURCE_WORDS}
    said: _ResourceWords = _convert(
        {key: each for key, each in value.items() if key in _RESOURCE_WORDS}, _ResourceWords, f"resources.{name}"
    )
    return ResourceRule(
        tags=said.tags,
        singular=said.singular,
        methods={key: _convert(each, MethodRule, f"resources.{name}.{key}") for key, each in methods.items()},
    )


def read_argument(value: Any, path: str) -> ArgumentRule:
    if isinstance(value, str):
        return ArgumentRule(help=value)
    return _convert(value, ArgumentRule, path)


def _convert(value: Any, kind: Any, path: str) -> Any:
    try:
        return msgspec.convert(value, kind)
    except msgspec.ValidationError as problem:
        sentence, _, place = str(problem).partition(" - at `$")
        where = path + place.strip("`")
        raise InvalidArguments([Failure(where.lstrip("."), sentence, _words(kind))]) from None


def _words(kind: Any) -> str:
    names = [each.encode_name for each in msgspec.structs.fields(kind)]
    return ", ".join(names)
