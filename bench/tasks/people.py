"""Requests about projects, who is in them, what they may use, and their keys."""

import re
from typing import Any, ClassVar

from tests.faces.mcp.speaker import Json
from tests.faces.oauth.browser import Browser

from bench.tasks.player import Player, rows
from bench.tasks.request import Request, ids_of_projects
from portico.sandbox.people import accounts, project_keys

PROJECTS, LIMITS, KEYS = (f"list_all_openai_{each}" for each in ("projects", "project_rate_limits", "project_api_keys"))
SET_LIMIT = "update_a_openai_project_rate_limit_by_id"
MAKE_ACCOUNT = "create_a_openai_project_service_account"
DAY = 86_400
_KEY = re.compile(r"sk-[A-Za-z0-9_-]{20,}")


class ActiveProjects(Request):
    asked = "All active projects with state and date of creation, as a table"

    async def plainly(self, agent: Player) -> Any:
        found = await agent.pages(PROJECTS, {"limit": 100})
        return {each["name"]: each["created_at"] for each in found if each["status"] == "active"}

    async def with_comforts(self, agent: Player) -> Any:
        told = await agent.ask(PROJECTS, {"limit": 100, "fields": "name,status,created_at", "as": "table"})
        return {each["name"]: each["created_at"] for each in rows(told["result"]) if each["status"] == "active"}

    def right(self) -> Any:
        return {each.name: each.created_at for each in self.house.active()}


class NewServiceAccount(Request):
    asked = "Make the service account Prod-Vector-Pipeline in Data-Science and hand over its key"
    changes = True
    account, project = "Prod-Vector-Pipeline", "Data-Science"

    async def plainly(self, agent: Player) -> Any:
        place = (await ids_of_projects(agent))[self.project]
        made = await agent.ask(MAKE_ACCOUNT, {"project_id": place, "name": self.account})
        return made["api_key"]["value"]

    async def with_comforts(self, agent: Player) -> Any:
        made = await agent.ask(MAKE_ACCOUNT, {"project_id": self.project, "name": self.account})
        link = made["api_key"]["value"]["link"]
        assert not _KEY.search(str(agent.seen)), "the key is in the context"
        person = Browser(self.house.gateway)
        await person.open(link)
        await person.submit()
        found = _KEY.search(person.text)
        return found and found[0]

    async def check(self, answer: Any, agent: Player) -> None:
        project = self.house.project(self.project)
        (made,) = [each for each in accounts(project) if each.name == self.account]
        assert answer in {each.secret for each in project_keys(self.house.world, project) if each.owner_id == made.id}


class HigherLimit(Request):
    asked = "Raise gpt-4o in Customer-Support-Bot to 10,000 requests and 2 million tokens a minute"
    changes = True
    project = "Customer-Support-Bot"
    wanted: ClassVar[Json] = {"max_requests_per_1_minute": 10_000, "max_tokens_per_1_minute": 2_000_000}

    async def prepare(self) -> None:
        self.before = dict(self.house.project(self.project).limits.by_model)

    async def plainly(self, agent: Player) -> Any:
        place = {"project_id": (await ids_of_projects(agent))[self.project]}
        limits = await agent.pages(LIMITS, {**place, "limit": 100})
        (own,) = [each["id"] for each in limits if each["model"] == "gpt-4o"]
        return await agent.ask(SET_LIMIT, {**place, "id": own, **self.wanted})

    async def with_comforts(self, agent: Player) -> Any:
        return await agent.ask(SET_LIMIT, {"project_id": self.project, "id": "gpt-4o", **self.wanted})

    async def check(self, answer: Any, agent: Player) -> None:
        after = self.house.project(self.project).limits.by_model
        changed = {model for model in after if after[model] != self.before.get(model)}
        assert changed == {"gpt-4o"}
        assert (after["gpt-4o"].requests_per_minute, after["gpt-4o"].tokens_per_minute) == (10_000, 2_000_000)
        assert answer["max_requests_per_1_minute"] == 10_000


class WhoDeleted(Request):
    asked = "Who deleted the service account in Marketing-Gen within the last 24 hours?"
    logs, happened = "list_all_openai_audit_logs", "service_account.deleted"

    async def plainly(self, agent: Player) -> Any:
        place = (await ids_of_projects(agent))["Marketing-Gen"]
        since = {"effective_at": {"gte": self.house.now - DAY}}
        asked = {"project_ids": [place], "event_types": [self.happened], "limit": 100, **since}
        return [_person(each["actor"]) for each in await agent.pages(self.logs, asked)]

    async def with_comforts(self, agent: Player) -> Any:
        asked = {"project_ids": ["Marketing-Gen"], "event_types": [self.happened], "start_time": "last 24 hours"}
        return [_person(each["actor"]) for each in await agent.pages(self.logs, {**asked, "fields": "actor"})]

    def right(self) -> Any:
        return ["mei.lindqvist@larkfield.example"]


def _person(actor: Json) -> str:
    return actor[actor["type"]]["user"]["email"]


class NewSquad(Request):
    asked = "Set up a squad: project Alpha-RAG-Testing, service account Alpha-CI-CD, 500 requests a minute of gpt-4o"
    changes = True
    project, account = "Alpha-RAG-Testing", "Alpha-CI-CD"

    async def plainly(self, agent: Player) -> Any:
        place = {"project_id": (await agent.ask("create_a_openai_project", {"name": self.project}))["id"]}
        await agent.ask(MAKE_ACCOUNT, {**place, "name": self.account})
        limits = await agent.pages(LIMITS, {**place, "limit": 100})
        (own,) = [each["id"] for each in limits if each["model"] == "gpt-4o"]
        await agent.ask(SET_LIMIT, {**place, "id": own, "max_requests_per_1_minute": 500})

    async def with_comforts(self, agent: Player) -> Any:
        limits = [{"model": "gpt-4o", "requests_per_minute": 500}]
        wanted = {"name": self.project, "service_account": self.account, "rate_limits": limits}
        await agent.ask("openai_onboard_team", wanted)

    async def check(self, answer: Any, agent: Player) -> None:
        project = self.house.project(self.project)
        assert [each.name for each in accounts(project)] == [self.account]
        held = {model: limit.requests_per_minute for model, limit in project.limits.by_model.items()}
        assert held == {"gpt-4o": 500}


class OldKeys(Request):
    asked = "Which keys of Customer-Support-Bot are older than 90 days?"
    project = "Customer-Support-Bot"

    async def plainly(self, agent: Player) -> Any:
        place = (await ids_of_projects(agent))[self.project]
        wanted = {"project_id": place, "limit": 100, "owner_project_access": "any"}
        keys = await agent.pages(KEYS, wanted)
        return {each["id"] for each in keys if each["created_at"] < self.house.now - 90 * DAY}

    async def with_comforts(self, agent: Player) -> Any:
        told = await agent.ask("openai_key_audit", {"project_ids": [self.project], "older_than_days": 90})
        return {each["id"] for each in rows(told["keys"])}

    def right(self) -> Any:
        keys = project_keys(self.house.world, self.house.project(self.project))
        return {each.id for each in keys if each.created_at < self.house.now - 90 * DAY}


class TokenLimit(Request):
    asked = "What is the token limit of gpt-4o in Data-Science?"

    async def plainly(self, agent: Player) -> Any:
        place = (await ids_of_projects(agent))["Data-Science"]
        limits = await agent.pages(LIMITS, {"project_id": place, "limit": 100})
        return next(each["max_tokens_per_1_minute"] for each in limits if each["model"] == "gpt-4o")

    async def with_comforts(self, agent: Player) -> Any:
        told = await agent.ask("openai_rate_limit_check", {"project_id": "Data-Science", "model": "gpt-4o"})
        return next(each["allowed"] for each in rows(told["limits"]) if each["limit"] == "tokens per minute")

    def right(self) -> Any:
        return self.house.project("Data-Science").limits.of("gpt-4o").tokens_per_minute
