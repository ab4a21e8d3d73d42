"""Definition + inventory → the operations of an integration. Pure: no files, no YAML; build.py brings those.

Authority: what a method says, then what a rule says, then the inventory. A definition without an inventory says
everything itself, in the same words.
"""

import re
from typing import Any

from msgspec import structs

from portico.catalog.find import View
from portico.catalog.following import steps
from portico.catalog.grammar import (
    DefinitionRule,
    MethodRule,
    ResourceRule,
    read_definition,
    read_resource,
)
from portico.catalog.listings import with_listings
from portico.catalog.names import tool_name
from portico.catalog.parameters import parameters_of
from portico.catalog.references import check_references
from portico.errors import Failure, InvalidArguments
from portico.model.operation import (
    BodyKind,
    ContextField,
    Credential,
    Effect,
    Failing,
    Integration,
    Lifecycle,
    NameRule,
    Operation,
    PageStyle,
    Parameter,
    PathRule,
    Priced,
    RateHeaders,
    ReturnsKind,
    Revoking,
    ToolName,
    UsageWords,
    VendorWebhooks,
    Wait,
    identity_of,
)
from portico.shapes import is_record

Json = dict[str, Any]
_NAME = re.compile(r"[a-z][a-z0-9_]{0,63}")
_CALL = re.compile(r"(GET|POST|PUT|PATCH|DELETE) (/\S*)")
_RETURNS: dict[str, ReturnsKind] = {
    "json": "value",
    "binary": "binary",
    "text": "text",
    "events": "events",
    "none": "nothing",
}
_EFFECTS: dict[str, Effect] = {"GET": "read", "DELETE": "destroy"}


def compile_definition(value: Json, inventory: Json | None = None) -> View:
    """All operations, or InvalidArguments that names resource, method, field and what is allowed."""
    definition = read_definition(value)
    records = {(each["verb"], each["path"]): each for each in (inventory or {}).get("operations", ())}
    compiler = _Compiler(definition, records)
    operations = [
        compiler.operation(resource, method, rule, resource_rule)
        for resource, resource_rule in (
            (name, read_resource(name, each)) for name, each in definition.resources.items()
        )
        for method, rule in resource_rule.methods.items()
    ]
    operations = [_with_wait(_with_replacement(each, operations), operations) for each in operations]
    operations = with_listings(operations, {key: rule.fields for key, rule in definition.rules.names.items()})
    failures = [*_check_names(definition, operations), *compiler.failures, *_undefined(records, operations)]
    if failures:
        raise InvalidArguments(
            failures, f"the definition of {definition.name!r}: {InvalidArguments(failures).sentence}"
        )
    return View(_integration(definition), operations)


def _integration(definition: DefinitionRule) -> Integration:
    credentials = tuple(
        Credential(
            name=name, label=each.label, field=each.field, prefixes=each.prefixes, headers=each.headers,
            proof=each.proof, hint=each.hint, revoking=Revoking(**_said(each.revoking)) if each.revoking else None,
        )
        for name, each in definition.credentials.items()
    )  # fmt: skip
    context = tuple(
        ContextField(
            name=name, label=each.label, secret=each.secret, optional=each.optional, aliases=each.aliases,
            hint=each.hint,
        )
        for name, each in definition.context.items()
    )  # fmt: skip
    base_url = definition.base_url.rstrip("/")
    return Integration(
        name=definition.name,
        label=definition.label,
        category=definition.category,
        base_url=base_url,
        base_urls=tuple(dict.fromkeys([base_url, *(each.rstrip("/") for each in definition.base_urls)])),
        credentials=credentials,
        context=context,
        after_connecting=steps(definition),
        credential_rules=tuple(PathRule(path=each.path, use=each.use) for each in definition.rules.credential),
        failure=Failing(**_said(definition.failure)),
        rate_limits=RateHeaders(**_said(definition.rate_limits)),
        trace=definition.trace,
        webhooks=VendorWebhooks(**_said(definition.webhooks)) if definition.webhooks else None,
        reports=definition.reports,
        tool_prefixes=definition.tool_prefixes,
        synonyms=definition.synonyms,
        tags=definition.tags,
        documentation=definition.documentation,
        prices=definition.prices,
        names={name: NameRule(**_said(each)) for name, each in definition.rules.names.items()},
    )


class _Compiler:
    def __init__(self, definition: DefinitionRule, records: dict[tuple[str, str], Json]) -> None:
        self._definition, self._rules, self._records = definition, definition.rules, records
        self.failures: list[Failure] = []

    def operation(self, resource: str, method: str, rule: MethodRule, about: ResourceRule) -> Operation:
        where = f"resources.{resource}.{method}"
        verb, path = self._call(where, rule)
        record = self._record(where, verb, path)
        parameters, failures = parameters_of(where, path, rule, record, self._rules.arguments)
        self.failures += failures
        page = self._page(where, method, rule, record, parameters)
        if page is not None:
            parameters = tuple(_unlisted(each, page) for each in parameters)
        returns = rule.returns or ("page" if page else _RETURNS[(record or {}).get("answers", {}).get("kind", "json")])
        effect = rule.effect or ("read" if method == "list" else _EFFECTS.get(verb, "write"))
        names = tuple(each.name for each in parameters if each.place == "path")
        operation = Operation(
            integration=self._definition.name,
            resource=resource,
            method=method,
            verb=verb,
            path=path,
            path_parameters=names,
            identity=identity_of(method, path, names),
            effect=effect,
            credential=self._credential(where, rule, path),
            tool=ToolName(name="", aliases=rule.aliases),
            title=rule.title,
            says=rule.says.strip(),
            alias=rule.alias.strip(),
            parameters=parameters,
            body=_body_kind(rule, record),
            content_types=tuple((record or {}).get("body", {}).get("content_types", ())),
            root_array=rule.root_array,
            returns=returns,
            page=page if returns == "page" else None,
            events_when=self._events_when(rule, record),
            text_when=rule.text_when,
            headers=self._headers(rule, record, path),
            idempotent=bool((record or {}).get("idempotency_header")),
            lifecycle=self._lifecycle(rule, verb, path),
            tags=self._tags(where, rule, about, path, effect),
            secrets=rule.secrets,
            wait=Wait(**_said(rule.wait)) if rule.wait else None,
            usage=self._usage(verb, path),
            asks=rule.asks,
            priced=Priced(**_said(rule.priced)) if rule.priced else None,
            example=rule.example,
            times=rule.times,
            bulky=self._bulky(path),
        )
        name = rule.tool or tool_name(self._definition.name, operation, about.singular)
        return _named(operation, name, rule, self._definition.name, about.singular)

    def _call(self, where: str, rule: MethodRule) -> tuple[str, str]:
        match = _CALL.fullmatch(rule.call)
        if match is None:
            self.failures.append(
                Failure(f"{where}.call", f"is {rule.call!r}", "VERB /path, for example GET /files/{file_id}")
            )
            return "GET", "/"
        return match[1], match[2]

    def _record(self, where: str, verb: str, path: str) -> Json | None:
        record = self._records.get((verb, path))
        if record is None and self._records:
            self.failures.append(Failure(f"{where}.call", f"{verb} {path} is not in the inventory"))
        return record

    def _credential(self, where: str, rule: MethodRule, path: str) -> str:
        name = rule.credential or next((each.use for each in self._rules.credential if _fits(each.path, path)), "")
        name = name or next(iter(self._definition.credentials), "")
        if name not in self._definition.credentials:
            self.failures.append(
                Failure(f"{where}.credential", f"is {name!r}", ", ".join(self._definition.credentials))
            )
        return name

    def _page(
        self, where: str, method: str, rule: MethodRule, record: Json | None, parameters: tuple[Parameter, ...]
    ) -> PageStyle | None:
        styles = self._rules.pages
        name = rule.pages
        if name and name not in styles:
            self.failures.append(Failure(f"{where}.pages", f"is {name!r}", ", ".join(styles)))
            return None
        if not name and method == "list":
            page: Json = (record or {}).get("answers", {}).get("page") or {}
            facts = {page.get("style"), page.get("next_from")} - {None, ""}
            name = next((each for each, style in styles.items() if style.source in facts), "")
        if not name:
            return None
        style, known = styles[name], {each.name for each in parameters}
        return PageStyle(
            name=name,
            send=style.send,
            next=style.next,
            more=style.more,
            items=style.items,
            limit=style.limit if style.limit in known else "",
            before=style.before if style.before in known else "",
            first=style.first,
            counts=style.counts,
            start=style.start,
            total=style.total,
        )

    def _events_when(self, rule: MethodRule, record: Json | None) -> Json | None:
        if rule.events_when is not None:
            return rule.events_when or None
        can_stream = bool((record or {}).get("answers", {}).get("can_stream"))
        return self._rules.events_when or None if can_stream else None

    def _headers(self, rule: MethodRule, record: Json | None, path: str) -> dict[str, str]:
        headers: dict[str, str] = {}
        if self._rules.beta_header and (beta := (record or {}).get("beta_header")):
            headers[self._rules.beta_header] = beta
        for each in self._rules.headers:
            if _fits(each.path, path):
                headers |= each.headers
        return headers | rule.headers

    def _lifecycle(self, rule: MethodRule, verb: str, path: str) -> Lifecycle:
        said = rule.lifecycle or next(
            (each for each in self._rules.lifecycle if _fits(each.path, path) and each.verb in {"", verb}), None
        )
        if said is None:
            return Lifecycle()
        return Lifecycle(**{name: value for name, value in _said(said).items() if name not in {"path", "verb"}})

    def _usage(self, verb: str, path: str) -> UsageWords | None:
        rule = next((each for each in self._rules.usage if _fits(each.path, path) and each.verb == verb), None)
        if rule is None:
            return None
        return UsageWords(**{name: value for name, value in _said(rule).items() if name not in {"path", "verb"}})

    def _bulky(self, path: str) -> dict[str, Json]:
        return {name: by for each in self._rules.bulky if _fits(each.path, path) for name, by in each.fields.items()}

    def _tags(self, where: str, rule: MethodRule, about: ResourceRule, path: str, effect: Effect) -> tuple[str, ...]:
        tags = [tag for each in self._rules.tags if _fits(each.path, path) for tag in each.tags]
        tags += [*about.tags, *rule.tags]
        if effect == "destroy" and "destructive" in self._definition.tags:
            tags.append("destructive")
        if self._definition.tags and (unknown := [tag for tag in tags if tag not in self._definition.tags]):
            self.failures.append(
                Failure(f"{where}.tags", f"has unknown {', '.join(unknown)}", ", ".join(self._definition.tags))
            )
        return tuple(dict.fromkeys(tags))


def _with_replacement(operation: Operation, operations: list[Operation]) -> Operation:
    """What replaces a switched-off operation is told by its tool name, which serves a person and a model alike."""
    replacement = next((each for each in operations if each.key == operation.lifecycle.replacement), None)
    if replacement is None:
        return operation
    lifecycle = structs.replace(operation.lifecycle, replacement=replacement.tool.name)
    return structs.replace(operation, lifecycle=lifecycle)


def _with_wait(operation: Operation, operations: list[Operation]) -> Operation:
    """Whatever looks at something asynchronous can wait for its end too: as whoever makes it hopes that it ends."""
    looking = [each for each in operations if each.wait is not None and each.wait.look == operation.key]
    if operation.wait is not None or not looking:
        return operation
    wait = min(looking, key=lambda each: each.method != "create").wait
    return structs.replace(operation, wait=structs.replace(wait, when={}, id="id") if wait else None)


def _named(operation: Operation, name: str, rule: MethodRule, integration: str, singular: str) -> Operation:
    """With its tool name; the name that the grammar would have given is an alias where another was promised."""
    aliases = list(rule.aliases)
    usual = tool_name(integration, operation, singular)
    if usual != name:
        aliases.append(usual)
    return structs.replace(operation, tool=ToolName(name=name, aliases=tuple(dict.fromkeys(aliases))))


def _body_kind(rule: MethodRule, record: Json | None) -> BodyKind:
    if isinstance(rule.body, str):
        return rule.body
    if is_record(rule.body):
        return "multipart" if rule.uploads else "json"
    kind = (record or {}).get("body", {}).get("kind", "none")
    return "multipart" if kind == "both" else kind


def _unlisted(parameter: Parameter, page: PageStyle) -> Parameter:
    """What our own cursor replaces is still passed on when given, but no longer offered."""
    hidden = parameter.name in {page.send, page.before} - {""}
    return structs.replace(parameter, shown="never") if hidden else parameter


def _check_names(definition: DefinitionRule, operations: list[Operation]) -> list[Failure]:
    failures = [
        Failure(f"resources.{name}", "is not a name", "lower-case letters, digits and _")
        for name in [definition.name, *definition.resources]
        if not _NAME.fullmatch(name)
    ]
    failures += _twice("tool name", [(each.tool.name, each.key) for each in operations])
    failures += _twice("call", [(f"{each.verb} {each.path}", each.key) for each in operations])
    return failures + check_references(definition, operations)


def _twice(what: str, named: list[tuple[str, str]]) -> list[Failure]:
    first: dict[str, str] = {}
    failures: list[Failure] = []
    for name, key in named:
        if name in first:
            failures.append(Failure(f"resources.{key}", f"has the same {what} {name!r} as {first[name]}"))
        first.setdefault(name, key)
    return failures


def _undefined(records: dict[tuple[str, str], Json], operations: list[Operation]) -> list[Failure]:
    known = {(each.verb, each.path) for each in operations}
    return [
        Failure("resources", f"{verb} {path} is in the inventory and in no definition")
        for verb, path in records
        if (verb, path) not in known
    ]


def _fits(pattern: str, path: str) -> bool:
    return re.fullmatch(re.escape(pattern).replace(r"/\*\*", r"(/.*)?").replace(r"\*", "[^/]+"), path) is not None


def _said(rule: Any) -> Json:
    return {name: getattr(rule, name) for name in rule.__struct_fields__}
