"""openai_key_audit: every key with owner, age and last use, and what is wrong with it. Keys themselves never show."""

import asyncio
from collections.abc import Iterable
from typing import Any

from msgspec import Struct

from portico.integrations.openai import directory, filters
from portico.integrations.openai.periods import DAY, day_of
from portico.model.operation import ToolName
from portico.shapes import Json, is_record
from portico.toolbox.composed import Composed, Context

USUALLY_OLD_DAYS, USUALLY_UNUSED_DAYS, SOON_DAYS = 90, 30, 14
ORGANIZATION = "(organization)"
_COLUMNS = ("key", "id", "project", "owner", "kind", "created", "age_days", "used_days_ago", "value", "flags")


class Found(Struct, frozen=True, kw_only=True):
    """One key as it is listed, and where."""

    key: Json
    project: str
    now: int

    @property
    def age_days(self) -> int:
        return (self.now - int(self.key.get("created_at") or self.now)) // DAY

    @property
    def unused_days(self) -> int | None:
        """Since it was last used; None where it never was."""
        used = self.key.get("last_used_at")
        return None if used is None else (self.now - int(used)) // DAY

    def is_older_than(self, days: int) -> bool:
        return self.now - int(self.key.get("created_at") or self.now) > days * DAY

    def is_unused_for(self, days: int) -> bool:
        """A key that was never used counts from its making: a new one has had no time to be used."""
        since = self.key.get("last_used_at") or self.key.get("created_at") or self.now
        return self.now - int(since) > days * DAY


async def run(context: Context, arguments: Json) -> Json:
    now = int(context.now.timestamp())
    projects = await directory.live_projects(context, arguments.get("project_ids") or ())
    wants_admin = not arguments.get("project_ids")
    found = await asyncio.gather(*(_of_project(context, each, now) for each in projects))
    keys = [each for listed in found for each in listed]
    if wants_admin:
        admin = await context.attempt("admin keys", context.pages("admin_api_keys.list"), [])
        keys += [Found(key=each, project=ORGANIZATION, now=now) for each in admin]
    old = int(arguments.get("older_than_days", USUALLY_OLD_DAYS))
    unused = int(arguments.get("unused_days", USUALLY_UNUSED_DAYS))
    flagged = {id(each): _flags(each, old, unused) for each in keys}
    kept = [each for each in keys if _is_wanted(each, arguments)]
    kept.sort(key=lambda each: (-each.age_days, str(each.key.get("id"))))
    return {
        "keys": {"columns": list(_COLUMNS), "rows": [_row(each, flagged[id(each)]) for each in kept]},
        "total": {"shown": len(kept), **_counts(keys, flagged.values(), old, unused), "projects": len(projects)},
    }


async def _of_project(context: Context, project: Json, now: int) -> list[Found]:
    name = str(project.get("name") or project["id"])
    work = context.pages("project_api_keys.list", {"project_id": project["id"], "owner_project_access": "any"})
    return [Found(key=each, project=name, now=now) for each in await context.attempt(f"keys of {name}", work, [])]


def _is_wanted(found: Found, arguments: Json) -> bool:
    """Whatever is asked for must hold; without a wish all keys are shown."""
    old, unused = arguments.get("older_than_days"), arguments.get("unused_days")
    is_old = old is None or found.is_older_than(int(old))
    is_unused = unused is None or found.is_unused_for(int(unused))
    return is_old and is_unused


def _flags(found: Found, old: int, unused: int) -> list[str]:
    key = found.key
    expires = key.get("expires_at")
    left = None if expires is None else (int(expires) - found.now) / DAY
    facts = {
        f"older than {old} days": found.is_older_than(old),
        "never used": key.get("last_used_at") is None,
        f"unused for {unused} days": key.get("last_used_at") is not None and found.is_unused_for(unused),
        "owner lost access": key.get("owner_project_access") == "inactive",
        "expired": left is not None and left <= 0,
        f"expires within {SOON_DAYS} days": left is not None and 0 < left <= SOON_DAYS,
    }
    return [name for name, holds in facts.items() if holds]


def _counts(keys: list[Found], flags: Iterable[list[str]], old: int, unused: int) -> Json:
    every = [flag for each in flags for flag in each]
    names = (f"older than {old} days", "never used", f"unused for {unused} days", "owner lost access", "expired")
    return {"keys": len(keys), **{name.replace(" ", "_"): every.count(name) for name in names}}


def _row(found: Found, flags: list[str]) -> list[Any]:
    key = found.key
    owner, kind = _owner(key)
    return [
        key.get("name"), key.get("id"), found.project, owner, kind, day_of(int(key.get("created_at") or 0)),
        found.age_days, found.unused_days, key.get("redacted_value"), ", ".join(flags),
    ]  # fmt: skip


def _owner(key: Json) -> tuple[str, str]:
    """Projects' keys name their owner one level deeper than admin keys do."""
    owner: Any = key.get("owner")
    if not is_record(owner):
        return "", ""
    kind = str(owner.get("type") or "")
    inner: Any = owner.get(kind)
    person = inner if is_record(inner) else owner
    return str(person.get("email") or person.get("name") or person.get("id") or ""), kind.replace("_", " ")


REPORT = Composed(
    comfort="reports",
    integration="openai",
    resource="key",
    method="audit",
    tool=ToolName(name="openai_key_audit"),
    title="Audit API keys",
    says=(
        "All keys of all projects and the admin keys, redacted, with owner, age and last use, and what is wrong with "
        "them: old, never or long not used, expired, owner without access. Give days to see only such keys."
    ),
    alias="stale credentials, unused tokens, leaked, rotation due, secrets hygiene, dormant, security review",
    effect="read",
    tags=("security", "projects", "admin"),
    credentials=("admin_key",),
    parameters=(
        filters.PROJECTS,
        filters.argument(
            "older_than_days", "integer", "Only keys made more than so many days ago", minimum=0, maximum=3650
        ),
        filters.argument(
            "unused_days", "integer", "Only keys not used for more than so many days", minimum=0, maximum=3650
        ),
    ),
    run=run,
)
