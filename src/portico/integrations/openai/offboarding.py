"""openai_offboard_team: a project's keys and service accounts deleted, the project archived."""

from portico.errors import Failure, InvalidArguments
from portico.integrations.openai import filters
from portico.integrations.openai.own_key import is_own_key
from portico.model.operation import ToolName
from portico.shapes import Json, is_record
from portico.toolbox.composed import Composed, Context
from portico.toolbox.journal import Journal, Step, perform

# OpenAI's own name for the project that can be neither archived nor renamed.
_DEFAULT = "Default project"
_GONE = "what is deleted cannot be brought back"


async def run(context: Context, arguments: Json) -> Json:
    async def work(journal: Journal) -> Json:
        return await _offboard(journal, str(arguments["project_id"]))

    return await perform(context, arguments, work)


async def _offboard(journal: Journal, project_id: str) -> Json:
    context = journal.context
    project: Json = await context.call("projects.get", {"project_id": project_id})
    _refuse(project, journal)
    asking = {"project_id": project_id}
    keys = await context.pages("project_api_keys.list", {**asking, "owner_project_access": "any"})
    accounts = await context.pages("project_service_accounts.list", asking)
    machines = {str(each["id"]) for each in accounts}
    personal = [each for each in keys if _account_of(each) not in machines]
    await journal.all([_delete_key(project_id, each) for each in personal])
    await journal.all([_delete_account(project_id, each) for each in accounts])
    archived = await journal.do(
        Step(
            does=f"archive the project {project.get('name')}",
            call="projects.archive",
            arguments=asking,
            lasts="an archived project stays archived",
        )
    )
    rows = [[each.get("name"), each.get("id"), each.get("redacted_value")] for each in keys]
    shown: Json = {
        "project": {"id": project_id, "name": project.get("name"), "status": archived.get("status", "active")},
        "keys": {"columns": ["key", "id", "value"], "rows": rows},
        "service_accounts": [str(each.get("name")) for each in accounts],
    }
    if any(is_own_key(context.connected, each) for each in keys):
        shown["warning"] = "This account's own project key is among these keys; connect it again with another."
    return shown


def _refuse(project: Json, journal: Journal) -> None:
    if project.get("name") == _DEFAULT:
        raise InvalidArguments([Failure("project_id", "the default project cannot be archived")])
    if project.get("status") == "archived" and not journal.is_resumed:
        raise InvalidArguments([Failure("project_id", "is archived already")])


def _account_of(key: Json) -> str:
    owner = key.get("owner")
    inner = owner.get("service_account") if is_record(owner) else None
    return str(inner.get("id")) if is_record(inner) else ""


def _delete_key(project_id: str, key: Json) -> Step:
    return Step(
        does=f"delete the key {key.get('name')} ({key.get('id')})",
        call="project_api_keys.delete",
        arguments={"project_id": project_id, "api_key_id": key["id"]},
        lasts=_GONE,
    )


def _delete_account(project_id: str, account: Json) -> Step:
    return Step(
        does=f"delete the service account {account.get('name')} with its keys",
        call="project_service_accounts.delete",
        arguments={"project_id": project_id, "service_account_id": account["id"]},
        lasts=_GONE,
    )


RECIPE = Composed(
    comfort="recipes",
    integration="openai",
    resource="team",
    method="offboard",
    tool=ToolName(name="openai_offboard_team"),
    title="Offboard a team",
    says=(
        "Close a project: delete all its keys and service accounts, then archive it. Nothing of it can be undone, so "
        "look at the plan first: dry_run shows every request."
    ),
    alias="shut down workspace, wind up, decommission, revoke everything, retire squad",
    effect="destroy",
    tags=("projects", "security", "admin", "destructive"),
    credentials=("admin_key",),
    parameters=(
        filters.argument("project_id", "string", "Project, by name or id", required=True, names="projects.list"),
        filters.ONCE,
    ),
    asks="Delete all keys and service accounts of project {project_id} and archive it? Nothing of it can be undone.",
    run=run,
)
