"""…/unified-override: what an account or an environment integration changes about the unified mappings, and changed.

Both have the same addresses. The override itself is written where the rest of its owner is.
"""

from collections.abc import Awaitable, Callable
from typing import Any

from msgspec import Struct

from portico.clock import iso
from portico.errors import Failure, InvalidArguments, NotFound
from portico.faces.admin import installations
from portico.faces.admin.accounts import found
from portico.faces.endpoint import Asked, Endpoint, Paging, count_of, page
from portico.gateway.accounts import Change, change_account
from portico.shapes import Json
from portico.store.installations import Wish
from portico.store.override_versions import KEPT, LAST, OverrideVersion
from portico.unified import overrides
from portico.unified.difference import differences

TAG = "Unified overrides"
_NOTHING: Json = {}


class VersionQuery(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Absent: the one that counts."""

    version: int | None = None


class DifferenceQuery(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Absent: the newest, and the one before the other. 0 is the time before there was any."""

    from_version: int | None = None
    to_version: int | None = None


class RestoreBody(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`version` is the one whose override is to count again; 0: none."""

    version: int


class VersionListed(Struct, frozen=True, kw_only=True):
    """`restored_from` is the version that was put back with it, 0 where that was none. Nobody's change was there before
    versions were kept."""

    version: int
    is_current: bool
    restored_from: int | None
    changed_by: str | None
    changed_by_name: str | None
    created_at: str | None


class VersionShown(VersionListed, frozen=True, kw_only=True):
    override: dict[str, Any]


class DifferenceShown(Struct, frozen=True, kw_only=True):
    """Each with its `path`, its `kind` (added, removed, changed), and what was `before` and is `after`."""

    from_version: int
    to_version: int
    difference: list[dict[str, Any]]


class Subject(Struct, frozen=True, kw_only=True):
    """What has an override, and how another is put in its place; that refuses what cannot be used."""

    id: str
    put: Callable[[OverrideVersion], Awaitable[Any]]


Find = Callable[[Asked], Awaitable[Subject]]


async def _account(asked: Asked) -> Subject:
    account = await found(asked, asked.path["id"])

    async def put(version: OverrideVersion) -> None:
        proposed = await overrides.for_account(asked.parts, account, version.override)
        await overrides.refuse_unusable(asked.parts, proposed)
        change = Change(unified_override=version.override, restored_version=version.number)
        await change_account(asked.caller, account, change, asked.parts)

    return Subject(id=account.id, put=put)


async def _installation(asked: Asked) -> Subject:
    present = await installations.found(asked)

    async def put(version: OverrideVersion) -> None:
        proposed = await overrides.for_environment(
            asked.parts, asked.environment_id, present.integration, version.override
        )
        await overrides.refuse_unusable(asked.parts, proposed)
        await installations.write(asked, present, Wish(unified_override=version.override), version.number)

    return Subject(id=present.id, put=put)


class _Face:
    """The addresses of one kind of subject."""

    def __init__(self, find: Find) -> None:
        self._find = find

    async def list_versions(self, asked: Asked) -> Any:
        subject, query = await self._find(asked), asked.query
        count = count_of(query)
        if query.next_cursor and not query.next_cursor.isdecimal():
            raise InvalidArguments([Failure("next_cursor", "is not a cursor of this list")])
        before = int(query.next_cursor[:18]) if query.next_cursor else LAST
        rows = await asked.parts.override_versions.page(asked.environment_id, subject.id, before, count + 1)
        newest = await _newest(asked, subject)
        return page(rows, query, lambda row: _listed(row, newest), lambda row: str(row.number))

    async def get_version(self, asked: Asked) -> Any:
        subject = await self._find(asked)
        return await _shown(asked, subject, asked.query.version)

    async def get_difference(self, asked: Asked) -> Any:
        subject, query = await self._find(asked), asked.query
        newest = await _newest(asked, subject)
        to = newest if query.to_version is None else query.to_version
        start = max(to - 1, 0) if query.from_version is None else query.from_version
        old, new = [await _version(asked, subject, number) for number in (start, to)]
        told = list(differences(old.override, new.override))
        return {"from_version": start, "to_version": to, "difference": told}

    async def restore(self, asked: Asked) -> Any:
        subject, body = await self._find(asked), asked.body
        await subject.put(await _version(asked, subject, body.version))
        return await _shown(asked, subject, None)


async def _newest(asked: Asked, subject: Subject) -> int:
    rows = await asked.parts.override_versions.page(asked.environment_id, subject.id, LAST, 1)
    return rows[0].number if rows else 0


async def _version(asked: Asked, subject: Subject, number: int) -> OverrideVersion:
    """NotFound says which there are."""
    if number == 0:
        return OverrideVersion(
            number=0,
            override=_NOTHING,
            restored_from=None,
            changed_by="",
            changed_by_name="",
            created_at=asked.parts.clock(),
        )
    present = await asked.parts.override_versions.get(asked.environment_id, subject.id, number)
    if present is not None:
        return present
    kept = await asked.parts.override_versions.page(asked.environment_id, subject.id, LAST, KEPT)
    there = f"there are {kept[-1].number} to {kept[0].number}" if kept else "it was never changed"
    raise NotFound(f"There is no version {number} of this override; {there}, and 0 for none.")


async def _shown(asked: Asked, subject: Subject, number: int | None) -> Json:
    newest = await _newest(asked, subject)
    version = await _version(asked, subject, newest if number is None else number)
    return {**_listed(version, newest), "override": version.override}


def _listed(version: OverrideVersion, newest: int) -> Json:
    return {
        "version": version.number,
        "is_current": version.number == newest,
        "restored_from": version.restored_from,
        "changed_by": version.changed_by or None,
        "changed_by_name": version.changed_by_name or None,
        "created_at": iso(version.created_at) if version.number else None,
    }


def _endpoints(base: str, of: str, find: Find) -> tuple[Endpoint, ...]:
    face, path = _Face(find), f"{base}/{{id}}/unified-override"
    return (
        Endpoint(
            verb="GET", path=path, name=f"get{of}UnifiedOverride", tag=TAG,
            summary="Get what is changed about the unified mappings, now or at a version", handler=face.get_version,
            query=VersionQuery, returns=VersionShown, scope="accounts:read",
        ),
        Endpoint(
            verb="GET", path=f"{path}/version", name=f"list{of}UnifiedOverrideVersions", tag=TAG,
            summary="List the versions of an override of the unified mappings",
            description=f"Newest first. The last {KEPT} are kept.", handler=face.list_versions, query=Paging,
            returns=list[VersionListed], scope="accounts:read",
        ),
        Endpoint(
            verb="GET", path=f"{path}/difference", name=f"compare{of}UnifiedOverrides", tag=TAG,
            summary="Compare two versions of an override of the unified mappings", handler=face.get_difference,
            query=DifferenceQuery, returns=DifferenceShown, scope="accounts:read",
        ),
        Endpoint(
            verb="POST", path=f"{path}/restore", name=f"restore{of}UnifiedOverride", tag=TAG,
            summary="Roll an override of the unified mappings back",
            description="Puts an earlier version in force, as a new version. 400 where it cannot be used any more.",
            handler=face.restore, body=RestoreBody, returns=VersionShown, scope="accounts",
        ),
    )  # fmt: skip


ENDPOINTS = (
    *_endpoints("/integrated-account", "", _account),
    *_endpoints("/environment-integration", "Environment", _installation),
)
