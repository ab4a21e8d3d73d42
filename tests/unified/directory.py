"""The unified directory as a client sees it, and an organization with something in it."""

from dataclasses import dataclass, field
from typing import Any

from msgspec import structs

from portico.model.account import AccountId, EnvironmentId
from tests.gateways import Got
from tests.stage import Stage

PEOPLE = ("ada", "ben", "cleo", "dov", "eva", "finn", "gwen")


@dataclass
class Directory:
    """Asks the Unified API for one account."""

    stage: Stage
    account_id: str
    ids: dict[str, str] = field(default_factory=dict[str, str])
    headers: dict[str, str] = field(default_factory=dict[str, str])

    async def send(self, verb: str, path: str, json: Any = None, **query: Any) -> Got:
        given = {"integrated_account_id": self.account_id, **query}
        return await self.stage.client.send(
            verb, f"/unified/user-directory/{path}", query=given, json=json, headers=self.headers
        )

    async def got(self, path: str, **query: Any) -> Any:
        answer = await self.send("GET", path, **query)
        assert answer.status == 200, answer.content
        return answer.json

    async def all(self, path: str, **query: Any) -> list[Any]:
        """Every page of a list."""
        found: list[Any] = []
        cursor = ""
        for _ in range(200):
            page = await self.got(path, **query, next_cursor=cursor)
            assert page["result_count"] == len(page["result"])
            found += page["result"]
            cursor = page["next_cursor"]
            if cursor is None:
                return found
        raise AssertionError("the list does not end")

    async def done(self, verb: str, path: str, json: Any = None, **query: Any) -> Any:
        answer = await self.send(verb, path, json, **query)
        assert answer.status == 200, answer.content
        return answer.json

    async def plant(self, override: Any) -> None:
        """An override as it may have been kept before ours changed beneath it: nothing looks at it."""
        parts = self.stage.gateway.parts
        caller = await parts.lookup.caller(self.stage.client.token or "")
        account = await parts.accounts.get(EnvironmentId(caller.environment_id), AccountId(self.account_id))
        assert account is not None
        async with parts.database.transaction() as session:
            assert await parts.accounts.update(session, structs.replace(account, unified_override=override))
        parts.changes.apply("accounts")

    async def refused(self, verb: str, path: str, json: Any = None, **query: Any) -> Got:
        answer = await self.send(verb, path, json, **query)
        assert 400 <= answer.status < 500, answer.content
        return answer


async def filled(stage: Stage) -> Directory:
    directory = Directory(stage, stage.account_id)
    stage.world.pace = 0  # whoever accepts an invitation does so at once
    for name in PEOPLE:
        await stage.proxy("POST", "invites", json={"email": f"{name}.lee+accepts@stage.example", "role": "reader"})
    people = await directory.all("users")
    directory.ids = {each["emails"][0]["email"].partition(".")[0]: each["id"] for each in people}
    invited = await stage.proxy("POST", "invites", json={"email": "hal@stage.example", "role": "owner"})
    role = await stage.proxy("POST", "roles", json={"role_name": "Auditor", "permissions": ["api.files.read"]})
    group = await stage.proxy("POST", "groups", json={"name": "Crew"})
    lab = await stage.proxy("POST", "projects", json={"name": "Lab"})
    directory.ids |= {"hal": invited.json["id"], "auditor": role.json["id"], "crew": group.json["id"]}
    directory.ids["lab"] = lab.json["id"]
    await stage.proxy(
        "POST", "group_users", json={"user_id": directory.ids["ben"]}, query={"group_id": group.json["id"]}
    )
    await stage.proxy("POST", "user_roles", json={"role_id": role.json["id"]}, query={"user_id": directory.ids["cleo"]})
    await stage.proxy(
        "POST", "project_users", json={"user_id": directory.ids["dov"], "role": "member"},
        query={"project_id": lab.json["id"]},
    )  # fmt: skip
    return directory
