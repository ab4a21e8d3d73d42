"""Requests about what was spent and used."""

from collections import Counter
from decimal import Decimal
from typing import Any

from tests.faces.mcp.speaker import Json

from bench.tasks.people import DAY, KEYS, LIMITS
from bench.tasks.player import Player, rows
from bench.tasks.request import Request, ids_of_projects
from portico.sandbox.groups import comes_through_group
from portico.sandbox.people import accounts, has_access, members, project_keys
from portico.sandbox.state import Usage

COSTS, COMPLETIONS = "list_all_openai_costs", "list_all_openai_completions"
COSTS_REPORT, USAGE_REPORT = "openai_costs_report", "openai_usage_report"
NANO = 1_000_000_000


async def spent(agent: Player, start: int, by: str) -> Counter[str]:
    """Nano-dollars, added up from the buckets of all days."""
    sums: Counter[str] = Counter()
    for bucket in await agent.pages(COSTS, {"start_time": start, "group_by": [by], "limit": 180}):
        for each in bucket["results"]:
            sums[each[by]] += int(Decimal(str(each["amount"]["value"])) * NANO)
    return sums


async def used(agent: Player, start: int, *, by: str = "", days: int = 31) -> list[Json]:
    asked: Json = {"start_time": start, "limit": days, **({"group_by": [by]} if by else {})}
    return [each for bucket in await agent.pages(COMPLETIONS, asked) for each in bucket["results"]]


def nano(text: str) -> int:
    return int(Decimal(text) * NANO)


def table(told: Json, name: str) -> list[Json]:
    """A report's table without the row that sums up the rest."""
    return [each for each in rows(told["tables"][name]) if not str(each[name]).startswith("others (")]


class _Spending(Request):
    """`since` is the first moment that counts."""

    @property
    def since(self) -> int:
        return self.house.moment("2026-11-01")

    def spent(self) -> tuple[dict[str, int], dict[str, int]]:
        return self.house.spent(self.since)

    def completions(self) -> list[Usage]:
        return [each for each in self.house.used(self.since) if each.kind == "completions"]


class CostsOfTheMonth(_Spending):
    asked = "Costs since the first of the month by project, and the three dearest line items"

    async def plainly(self, agent: Player) -> Any:
        names = {identity: name for name, identity in (await ids_of_projects(agent)).items()}
        projects = await spent(agent, self.since, "project_id")
        items = await spent(agent, self.since, "line_item")
        return {names[each]: sums for each, sums in projects.items()}, [name for name, _ in items.most_common(3)]

    async def with_comforts(self, agent: Player) -> Any:
        told = await agent.ask(COSTS_REPORT, {"start_time": "this month", "compare": False})
        projects = {each["project"]: nano(each["usd"]) for each in table(told, "project")}
        return projects, [each["line_item"] for each in table(told, "line_item")[:3]]

    def right(self) -> Any:
        projects, items = self.spent()
        return projects, [*items][:3]


class DearestProjects(_Spending):
    asked = "The three dearest projects this month, and who has access to the dearest"

    async def plainly(self, agent: Player) -> Any:
        names = {identity: name for name, identity in (await ids_of_projects(agent)).items()}
        dearest = [name for name, _ in (await spent(agent, self.since, "project_id")).most_common(3)]
        place = {"project_id": dearest[0], "limit": 100}
        people = {each["email"] for each in await agent.pages("list_all_openai_project_users", place)}
        for group in await agent.pages("list_all_openai_project_groups", place):
            asked = {"group_id": group["group_id"], "limit": 100}
            people |= {each["email"] for each in await agent.pages("list_all_openai_group_users", asked)}
        machines = await agent.pages("list_all_openai_project_service_accounts", place)
        return [names[each] for each in dearest], people | {each["name"] for each in machines}

    async def with_comforts(self, agent: Player) -> Any:
        asked = {"start_time": "this month", "by": ["project"], "top": 3, "compare": False}
        dearest = [each["project"] for each in table(await agent.ask(COSTS_REPORT, asked), "project")]
        told = await agent.ask("openai_access_report", {"project_ids": dearest[:1]})
        return dearest, {each["who"] for each in rows(told["access"]) if each["project"] == dearest[0]}

    def right(self) -> Any:
        dearest, held = [*self.spent()[0]][:3], self.house.organization
        project = self.house.project(dearest[0])
        inside = {each.user_id for each in members(held, project)}
        people = {
            each.email
            for each in held.users.values()
            if each.id in inside or comes_through_group(held, project, each.id)
        }
        return dearest, people | {each.name for each in accounts(project)}


class OutputOfTheMonth(_Spending):
    asked = "How many output tokens of completions this month, over all projects?"

    async def plainly(self, agent: Player) -> Any:
        return sum(each["output_tokens"] for each in await used(agent, self.since))

    async def with_comforts(self, agent: Player) -> Any:
        told = await agent.ask(USAGE_REPORT, {"start_time": "this month", "fields": "total"})
        return told["total"]["output_tokens"]

    def right(self) -> Any:
        return sum(each.amounts["output_tokens"] for each in self.completions())


class BusiestKeys(_Spending):
    asked = "The project that used most tokens in the last 7 days, and its active keys"

    @property
    def since(self) -> int:
        return self.house.now - 7 * DAY

    async def plainly(self, agent: Player) -> Any:
        sums: Counter[str] = Counter()
        for each in await used(agent, self.since, by="project_id"):
            sums[each["project_id"]] += each["input_tokens"] + each["output_tokens"]
        ((busiest, _),) = sums.most_common(1)
        keys = await agent.pages(KEYS, {"project_id": busiest, "limit": 100})
        return {each["id"] for each in keys}

    async def with_comforts(self, agent: Player) -> Any:
        asked = {"start_time": "last 7 days", "by": ["project"], "top": 1, "compare": False}
        (busiest,) = table(await agent.ask(USAGE_REPORT, asked), "project")
        asked = {"project_id": busiest["project"], "limit": 100, "fields": "id,name", "as": "table"}
        return {each["id"] for each in rows((await agent.ask(KEYS, asked))["result"])}

    def right(self) -> Any:
        sums: Counter[str] = Counter()
        for each in self.completions():
            sums[each.project_id] += each.amounts["input_tokens"] + each.amounts["output_tokens"]
        ((busiest, _),) = sums.most_common(1)
        held, project = self.house.organization, self.house.organization.projects[busiest]
        return {each.id for each in project_keys(self.house.world, project) if has_access(held, project, each)}


class DearestSinceOctober(_Spending):
    asked = "Which project and which line item is the dearest since 1 October?"

    @property
    def since(self) -> int:
        return self.house.moment("2026-10-01")

    async def plainly(self, agent: Player) -> Any:
        projects = await spent(agent, self.since, "project_id")
        items = await spent(agent, self.since, "line_item")
        ((dearest, _),), ((item, _),) = projects.most_common(1), items.most_common(1)
        names = {identity: name for name, identity in (await ids_of_projects(agent)).items()}
        return names[dearest], item

    async def with_comforts(self, agent: Player) -> Any:
        asked = {"start_time": "1 October 2026", "top": 1, "compare": False}
        told = await agent.ask(COSTS_REPORT, asked)
        return table(told, "project")[0]["project"], table(told, "line_item")[0]["line_item"]

    def right(self) -> Any:
        projects, items = self.spent()
        return next(iter(projects)), next(iter(items))


class CachedShare(_Spending):
    asked = "What share of the input tokens has come from the cache since Monday?"

    @property
    def since(self) -> int:
        return self.house.moment("2026-11-16")

    async def plainly(self, agent: Player) -> Any:
        found = await used(agent, self.since)
        read, cached = (sum(each[name] for each in found) for name in ("input_tokens", "input_cached_tokens"))
        return round(100 * cached / read, 1)

    async def with_comforts(self, agent: Player) -> Any:
        told = await agent.ask(USAGE_REPORT, {"start_time": "since Monday", "fields": "total"})
        return told["total"]["cache_hit_percent"]

    def right(self) -> Any:
        found = self.completions()
        read, cached = (
            sum(each.amounts.get(name, 0) for each in found) for name in ("input_tokens", "input_cached_tokens")
        )
        return round(100 * cached / read, 1)


class AuditOfTheWeek(_Spending):
    asked = "If the past week cost more than 500 dollars: what are the limits of the project that spent most?"

    @property
    def since(self) -> int:
        return self.house.now - 7 * DAY

    async def plainly(self, agent: Player) -> Any:
        sums = await spent(agent, self.since, "project_id")
        if sums.total() <= 500 * NANO:
            return None
        ((main, _),) = sums.most_common(1)
        limits = await agent.pages(LIMITS, {"project_id": main, "limit": 100})
        return {each["model"]: each["max_requests_per_1_minute"] for each in limits}

    async def with_comforts(self, agent: Player) -> Any:
        asked = {"start_time": "last 7 days", "by": ["project"], "top": 1, "compare": False}
        told = await agent.ask(COSTS_REPORT, asked)
        if nano(told["total"]["usd"]) <= 500 * NANO:
            return None
        main = table(told, "project")[0]["project"]
        wanted = "model,max_requests_per_1_minute,max_tokens_per_1_minute"
        limits = await agent.ask(LIMITS, {"project_id": main, "limit": 100, "fields": wanted, "as": "table"})
        return {each["model"]: each["max_requests_per_1_minute"] for each in rows(limits["result"])}

    def right(self) -> Any:
        sums, _ = self.spent()
        assert sum(sums.values()) > 500 * NANO
        return self.house.project(next(iter(sums))).limits

    async def check(self, answer: Any, agent: Player) -> None:
        limits = self.right()
        assert {*limits.by_model} <= {*answer}
        assert answer == {model: limits.of(model).requests_per_minute for model in answer}
