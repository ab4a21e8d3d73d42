"""openai_onboard_team: a project with all that a team needs, or nothing."""

from collections.abc import Iterable
from contextlib import nullcontext
from decimal import Decimal
from typing import Any

from msgspec import Struct

from portico.errors import AlreadyExists, Failure, InvalidArguments
from portico.integrations.openai import filters
from portico.model.operation import ToolName
from portico.shapes import Json, is_record
from portico.toolbox.composed import Composed, Context
from portico.toolbox.journal import Journal, Step, Undo, perform

_ROLES = ("member", "owner")
_LIMITS = {"requests_per_minute": "max_requests_per_1_minute", "tokens_per_minute": "max_tokens_per_1_minute"}
# What stands in a plan for ids that are known only once the project is there.
_KEY = "service_account.api_key.value"
_NEW_PROJECT, _NEW_ACCOUNT, _NEW_KEY = "NEW_PROJECT", "NEW_SERVICE_ACCOUNT", "NEW_KEY"
_MEMBER: Json = {
    "type": "object",
    "properties": {"user": {"type": "string"}, "role": {"type": "string", "enum": list(_ROLES)}},
    "required": ["user"],
}


class Member(Struct, frozen=True, kw_only=True):
    id: str
    email: str
    role: str


async def run(context: Context, arguments: Json) -> Json:
    async def work(journal: Journal) -> Json:
        await journal.ready()
        members = await _members(context, arguments.get("members") or ())
        project = await _new_project(journal, arguments)
        return await _onboard(journal, arguments, project, members)

    return await perform(context, arguments, work)


async def _new_project(journal: Journal, arguments: Json) -> Json:
    """Looked for and made while nobody else does the same. Who goes on with what was cut off has made it already."""
    name = str(arguments["name"])
    if journal.is_resumed:
        return await journal.do(_project(arguments))
    once = journal.context.asked.once
    async with nullcontext() if journal.context.is_dry_run else once.alone(f"the project {name!r}"):
        await _refuse_namesake(journal, name)
        return await journal.do(_project(arguments))


async def _onboard(journal: Journal, arguments: Json, project: Json, members: list[Member]) -> Json:
    project_id = str(project["id"])
    shown: Json = {"project": {name: project.get(name) for name in ("id", "name", "status")}}
    if arguments.get("service_account"):
        shown["service_account"] = await _service_account(journal, project_id, str(arguments["service_account"]))
    if arguments.get("rate_limits"):
        shown["rate_limits"] = await _rate_limits(journal, project_id, arguments["rate_limits"])
    if arguments.get("monthly_limit_usd") is not None:
        await journal.do(_spend_limit(project_id, arguments["monthly_limit_usd"]))
        shown["monthly_limit_usd"] = arguments["monthly_limit_usd"]
    if arguments.get("alert_usd") is not None:
        await journal.do(_spend_alert(project_id, arguments))
        shown["alert_usd"] = arguments["alert_usd"]
    if members:
        shown["members"] = await _join(journal, project_id, members)
    if key := shown.get("service_account", {}).get("api_key"):
        called = f"{arguments['name']} {arguments['service_account']}"
        key["value"] = await journal.hand(_KEY, key.get("value"), called)
    return shown | ({"done": journal.done()} if not journal.context.is_dry_run else {})


def _project(arguments: Json) -> Step:
    asked = {"name": arguments["name"]} | filters.chosen(arguments, "residency")
    return Step(
        does=f"create the project {arguments['name']}",
        call="projects.create",
        arguments=asked,
        undo=Undo(
            call="projects.archive",
            arguments=lambda made: {"project_id": made["id"]},
            leaves="archived, since OpenAI deletes no projects",
        ),
        stands_for={"id": _NEW_PROJECT, "name": arguments["name"], "status": "planned"},
    )


async def _service_account(journal: Journal, project_id: str, name: str) -> Json:
    made = await journal.do(
        Step(
            does=f"create the service account {name}",
            call="project_service_accounts.create",
            arguments={"project_id": project_id, "name": name},
            undo=Undo(
                call="project_service_accounts.delete",
                arguments=lambda made: {"project_id": project_id, "service_account_id": made["id"]},
            ),
            stands_for={"id": _NEW_ACCOUNT, "name": name, "api_key": {"id": _NEW_KEY}},
        )
    )
    key: Any = made.get("api_key")
    shown = {name: made.get(name) for name in ("id", "name", "role") if made.get(name)}
    return shown | ({"api_key": {name: key.get(name) for name in ("id", "value") if name in key}} if key else {})


async def _rate_limits(journal: Journal, project_id: str, wishes: list[Json]) -> int:
    """How many limits were set. A wish without a model holds for all that have none of their own."""
    by_model = {str(each["model"]): each for each in wishes if each.get("model")}
    general = next((each for each in wishes if not each.get("model")), None)
    if journal.context.is_dry_run:
        steps = [_rate_limit(project_id, f"LIMIT_OF_{model}", model, each) for model, each in by_model.items()]
        steps += [_rate_limit(project_id, "LIMIT_OF_EACH_OTHER_MODEL", "each other model", general)] if general else []
        return len(await journal.all(steps))
    limits = await journal.context.pages("project_rate_limits.list", {"project_id": project_id})
    ids = {str(each.get("model")): str(each["id"]) for each in limits}
    if unknown := [model for model in by_model if model not in ids]:
        known = ", ".join(sorted(ids)[:20])
        raise InvalidArguments([Failure("rate_limits", f"there are no limits for {', '.join(unknown)}", known)])
    chosen = {model: by_model.get(model, general) for model in ids}
    steps = [_rate_limit(project_id, ids[model], model, wish) for model, wish in chosen.items() if wish is not None]
    return len(await journal.all(steps))


def _rate_limit(project_id: str, limit_id: str, model: str, wish: Json) -> Step:
    numbers = {_LIMITS[name]: int(value) for name, value in wish.items() if name in _LIMITS and value is not None}
    return Step(
        does=f"set the rate limit of {model}",
        call="project_rate_limits.update",
        arguments={"project_id": project_id, "rate_limit_id": limit_id, **numbers},
    )


def _spend_limit(project_id: str, dollars: Any) -> Step:
    return Step(
        does=f"set the spend limit to {dollars} dollars a month",
        call="project_spend_limit.update",
        arguments={"project_id": project_id, "threshold_amount": _cents(dollars)},
    )


def _spend_alert(project_id: str, arguments: Json) -> Step:
    recipients: list[Any] = arguments.get("alert_emails") or []
    if not recipients:
        raise InvalidArguments([Failure("alert_emails", "is required with alert_usd", "addresses to write to")])
    return Step(
        does=f"warn at {arguments['alert_usd']} dollars a month",
        call="project_spend_alerts.create",
        arguments={
            "project_id": project_id,
            "threshold_amount": _cents(arguments["alert_usd"]),
            "recipients": recipients,
        },
    )


def _cents(dollars: Any) -> int:
    return int((Decimal(str(dollars)) * 100).to_integral_value())


async def _join(journal: Journal, project_id: str, members: list[Member]) -> list[str]:
    """Whoever made the project is in it already, as its owner."""
    inside: set[str] = set()
    if not journal.context.is_dry_run:
        listed = await journal.context.pages("project_users.list", {"project_id": project_id})
        inside = {str(each["id"]) for each in listed}
    steps = [
        Step(
            does=f"add {each.email} as {each.role}",
            call="project_users.create",
            arguments={"project_id": project_id, "user_id": each.id, "role": each.role},
        )
        for each in members
        if each.id not in inside
    ]
    await journal.all(steps)
    return [each.email for each in members]


async def _members(context: Context, wishes: Iterable[Any]) -> list[Member]:
    """Everybody must be in the organization before anything is made."""
    asked = [each if is_record(each) else {"user": each} for each in wishes]
    users = await context.pages("users.list") if asked else []
    found: dict[str, Member] = {}
    failures: list[Failure] = []
    for place, each in enumerate(asked):
        name, role = str(each.get("user") or ""), str(each.get("role") or _ROLES[0])
        fitting = [user for user in users if name.lower() in _called(user)]
        if role not in _ROLES:
            failures.append(Failure(f"members[{place}].role", f"is {role!r}", ", ".join(_ROLES)))
        elif len(fitting) != 1:
            problem = "is the name of several people" if fitting else "is nobody in the organization"
            help_ = "an address or id from list_all_openai_users; invite others with create_a_openai_invite"
            failures.append(Failure(f"members[{place}].user", f"{name!r} {problem}", help_))
        else:
            member = Member(id=str(fitting[0]["id"]), email=str(fitting[0].get("email") or name), role=role)
            if found.setdefault(member.id, member).role != role:
                failures.append(Failure(f"members[{place}].role", f"{name!r} is named before with another role"))
    if failures:
        raise InvalidArguments(failures)
    return list(found.values())


def _called(user: Json) -> set[str]:
    return {str(user.get(name) or "").lower() for name in ("id", "email", "name")}


async def _refuse_namesake(journal: Journal, name: str) -> None:
    """OpenAI takes the same name twice; a team that is there twice is a mistake."""
    for each in await journal.context.pages("projects.list"):
        if each.get("name") == name:
            raise AlreadyExists(f"There is a project {name!r} already ({each.get('id')}); choose another name.")


RECIPE = Composed(
    comfort="recipes",
    integration="openai",
    resource="team",
    method="onboard",
    tool=ToolName(name="openai_onboard_team"),
    title="Onboard a team",
    says=(
        "Make a project with service account and key, rate limits, monthly spend limit, spend alert and members: all "
        "of it or nothing. dry_run shows every request."
    ),
    alias="set up squad, new workspace with everything, provision, kick off, bootstrap department",
    effect="write",
    tags=("projects", "users", "security", "admin", "reveals-secret"),
    credentials=("admin_key",),
    parameters=(
        filters.argument("name", "string", "Name of the project", required=True, minLength=1, maxLength=256),
        filters.argument("service_account", "string", "Name of an account for its programs, with a key"),
        filters.argument(
            "rate_limits",
            "array",
            "Limits of models; without model: of all others",
            items={
                "type": "object",
                "properties": {
                    "model": {"type": "string"},
                    "requests_per_minute": {"type": "integer", "minimum": 0},
                    "tokens_per_minute": {"type": "integer", "minimum": 0},
                },
            },
        ),
        filters.argument("monthly_limit_usd", "number", "Hard spend limit a month, in dollars", exclusiveMinimum=0),
        filters.argument("alert_usd", "number", "Mail somebody at so many dollars a month", minimum=0),
        filters.several("alert_emails", "Whom to mail"),
        filters.argument(
            "members",
            "array",
            "People of the organization, by address, name or id; alone, or with a role (member if absent)",
            items={"anyOf": [{"type": "string", "minLength": 1}, _MEMBER]},
        ),
        filters.argument("residency", "string", "Where data is kept, such as EU_STORAGE_PROCESSING"),
        filters.ONCE,
    ),
    secrets=(_KEY,),
    run=run,
)
