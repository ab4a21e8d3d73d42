"""openai_rotate_service_account_key: a new key made, tried and handed over, then the old one deleted."""

from datetime import datetime

from portico.errors import Failure, InvalidArguments, Refusal, VendorFailure
from portico.integrations.openai import filters
from portico.integrations.openai.own_key import is_own_key
from portico.model.operation import ToolName
from portico.shapes import Json, is_record
from portico.toolbox.composed import Composed, Context
from portico.toolbox.journal import Journal, Step, Undo, perform

_NEW_KEY = "NEW_KEY"
_KEY = "new_key.value"
_LONGEST_GRACE_SECONDS = 2_592_000


class NewKeyRefused(Refusal):
    """OpenAI refused the new key when it was tried."""

    status = 409
    code = "new_key_refused"


async def run(context: Context, arguments: Json) -> Json:
    async def work(journal: Journal) -> Json:
        old = await _old_key(journal, arguments)
        await journal.ready(instead_of=_end(old))
        return await _rotate(journal, arguments, old)

    return await perform(context, arguments, work)


async def _rotate(journal: Journal, arguments: Json, old: Json) -> Json:
    context = journal.context
    made = await journal.do(_create(arguments, old))
    if not context.is_dry_run:
        await _try(context, str(made.get("value")))
        # Before the old key goes: whoever could not be given the new one still has it.
        called = f"{_owner(old).get('name') or old.get('name') or ''} key"
        made = {**made, "value": await journal.hand(_KEY, made.get("value"), called, instead_of=_end(old))}
    fate = await _end_old(journal, arguments, old, made)
    shown: Json = {
        "new_key": {name: made.get(name) for name in ("id", "name", "value", "expires_at") if name in made},
        "old_key": _shown(old, arguments, made) | {"state": fate},
        "tried": not context.is_dry_run,
    }
    if is_own_key(context.connected, old):
        shown["warning"] = "The old key is the one that this connected account uses; give the account the new one."
    return shown


def _shown(old: Json, arguments: Json, made: Json) -> Json:
    if old.get("id") == made.get("id"):
        return filters.chosen({"id": arguments.get("api_key_id")}, "id")
    return {"id": old.get("id"), "name": old.get("name"), "value": old.get("redacted_value")}


async def _end_old(journal: Journal, arguments: Json, old: Json, made: Json) -> str:
    """What has become of the old key. Once it may be gone, the new one stays: nobody is left without any."""
    context, project_id, grace = journal.context, str(arguments["project_id"]), int(arguments.get("grace_seconds") or 0)
    fate = "deleted" if not grace else f"expires {_moment(context, grace)}"
    if old.get("id") == made.get("id"):
        return fate  # the work was cut off after the old key's end, so that only the new one was found
    if arguments.get("api_key_id") not in {None, old.get("id")}:
        raise _no_such_key()

    async def has_acted() -> bool:
        try:
            now: Json = await context.call("project_api_keys.get", {"project_id": project_id, "api_key_id": old["id"]})
        except VendorFailure as problem:
            if problem.vendor_status != 404:
                raise
            return True
        return bool(grace) and now.get("expires_at") != old.get("expires_at")

    step = _expire(project_id, old, grace) if grace else _delete(project_id, old)
    problem = await journal.finish(step, has_acted)
    if problem is None:
        return fate
    context.note(step.does, problem.sentence)
    return "not known: it may still work; look with list_all_openai_project_api_keys, and end it if it is there"


async def _old_key(journal: Journal, arguments: Json) -> Json:
    """The key that is to go. Where the account has several, it must be named."""
    asking = {"project_id": arguments["project_id"], "owner_project_access": "any"}
    listed = await journal.context.pages("project_api_keys.list", asking)
    mine = [each for each in listed if _owner(each).get("id") == arguments["service_account_id"]]
    if wanted := arguments.get("api_key_id"):
        named = [each for each in mine if each.get("id") == wanted]
        # Gone already, perhaps by the work that was cut off: then its successor is the newest.
        mine = named if named or not journal.is_resumed else sorted(mine, key=_age)[-1:]
    elif journal.is_resumed and len(mine) > 1:
        # The newest is the one that was made before the work was cut off.
        mine = sorted(mine, key=_age)[:1]
    if len(mine) == 1:
        return mine[0]
    if not mine:
        raise _no_such_key()
    shown = ", ".join(f"{each.get('id')} ({each.get('redacted_value')})" for each in mine)
    raise InvalidArguments([Failure("api_key_id", f"is required: the service account has {len(mine)} keys", shown)])


def _age(key: Json) -> int:
    return int(key.get("created_at") or 0)


def _no_such_key() -> InvalidArguments:
    return InvalidArguments([Failure("api_key_id", "the service account has no such key")])


def _owner(key: Json) -> Json:
    owner = key.get("owner")
    account = owner.get("service_account") if is_record(owner) else None
    return dict(account) if is_record(account) else {}


def _end(key: Json) -> str:
    return str(key.get("redacted_value") or "")


def _create(arguments: Json, old: Json) -> Step:
    project_id = arguments["project_id"]
    asked = {"project_id": project_id, "service_account_id": arguments["service_account_id"]}
    asked |= {"name": arguments.get("name") or old.get("name") or "Secret Key"}
    asked |= filters.chosen(arguments, "scopes", "expires_in_seconds")
    return Step(
        does="create the new key",
        call="project_service_account_api_keys.create",
        arguments=asked,
        undo=Undo(
            call="project_api_keys.delete",
            arguments=lambda made: {"project_id": project_id, "api_key_id": made["id"]},
        ),
        stands_for={"id": _NEW_KEY, "name": asked["name"]},
    )


async def _try(context: Context, value: str) -> None:
    proof = await context.asked.prove("project_key", value)
    if not proof.works:
        raise NewKeyRefused(f"OpenAI refused the new key when it was tried: {proof.message}", step="try the new key")


def _delete(project_id: str, old: Json) -> Step:
    return Step(
        does=f"delete the old key {old.get('id')}",
        call="project_api_keys.delete",
        arguments={"project_id": project_id, "api_key_id": old["id"]},
        lasts="a deleted key cannot be brought back",
    )


def _expire(project_id: str, old: Json, seconds: int) -> Step:
    return Step(
        does=f"let the old key {old.get('id')} expire in {seconds} seconds",
        call="project_api_keys.update",
        arguments={"project_id": project_id, "api_key_id": old["id"], "expires_in_seconds": seconds},
        lasts="the end of a key can be moved but not taken away",
    )


def _moment(context: Context, seconds: int) -> str:
    return datetime.fromtimestamp(int(context.now.timestamp()) + seconds, context.zone).isoformat()


RECIPE = Composed(
    comfort="recipes",
    integration="openai",
    resource="service_account_key",
    method="rotate",
    tool=ToolName(name="openai_rotate_service_account_key"),
    title="Rotate a service account's key",
    says=(
        "Make a new key for a service account, try it, hand it over, then delete the old one, or let it expire after "
        "grace_seconds so that programs can change over. If anything fails, the old key stays as it was."
    ),
    alias="renew credential, replace token, roll over secret, exchange, leaked, scheduled rotation",
    effect="destroy",
    tags=("projects", "security", "admin", "destructive", "reveals-secret"),
    credentials=("admin_key",),
    parameters=(
        filters.argument("project_id", "string", "Project, by name or id", required=True, names="projects.list"),
        filters.argument(
            "service_account_id",
            "string",
            "Service account, by name or id",
            required=True,
            names="project_service_accounts.list",
        ),
        filters.argument(
            "api_key_id",
            "string",
            "The old key, by name or id; needed where the account has several",
            names="project_api_keys.list",
        ),
        filters.argument(
            "grace_seconds",
            "integer",
            "Let the old key work for so long; deleted at once if absent",
            minimum=0,
            maximum=_LONGEST_GRACE_SECONDS,
        ),
        filters.argument("name", "string", "Name of the new key; the old one's if absent"),
        filters.argument("expires_in_seconds", "integer", "Life of the new key; endless if absent", minimum=1),
        filters.several("scopes", "What the new key may do, as api.files.read; everything if absent"),
        filters.ONCE,
    ),
    secrets=(_KEY,),
    asks="Replace the key of service account {service_account_id} by a new one? Programs must be given the new one.",
    run=run,
)
