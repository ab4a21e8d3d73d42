"""What ids are called: projects, people, service accounts and keys. What cannot be looked up keeps its id."""

import asyncio
from collections.abc import Collection

from portico.shapes import Json
from portico.toolbox.composed import Context


async def projects(context: Context) -> dict[str, str]:
    """Archived ones too: what they used stays in the reports."""
    work = context.names("projects.list", {"include_archived": True})
    return await context.attempt("names of projects", work, {})


async def owners(context: Context, project_ids: Collection[str]) -> dict[str, str]:
    """People by their addresses, and the service accounts of these projects by name."""
    people = context.attempt("names of users", context.names("users.list"), {})
    live = {str(each.get("id")) for each in await context.attempt("live projects", live_projects(context), [])}
    found = await asyncio.gather(people, *(_service_accounts(context, each) for each in sorted(live & {*project_ids})))
    return {identity: name for each in found for identity, name in each.items()}


async def keys(context: Context, project_ids: Collection[str]) -> dict[str, str]:
    found = await asyncio.gather(*(_keys(context, each) for each in sorted(project_ids)))
    return {identity: name for each in found for identity, name in each.items()}


async def live_projects(context: Context, project_ids: Collection[str] = ()) -> list[Json]:
    """The projects that are not archived, or those of them that were asked for."""
    found = await context.pages("projects.list")
    return [each for each in found if not project_ids or each.get("id") in project_ids]


async def _service_accounts(context: Context, project_id: str) -> dict[str, str]:
    work = context.names("project_service_accounts.list", {"project_id": project_id})
    return await context.attempt(f"names of service accounts of {project_id}", work, {})


async def _keys(context: Context, project_id: str) -> dict[str, str]:
    work = context.names("project_api_keys.list", {"project_id": project_id, "owner_project_access": "any"})
    return await context.attempt(f"names of keys of {project_id}", work, {})
