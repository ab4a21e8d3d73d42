"""The demo organization: whole at every moment of the calendar, and its reports equal its raw rows."""

from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from typing import Any

import msgspec
import pytest
from bare_http import Caller
from openai import OpenAI
from openai.resources.admin.organization import Organization as Administration

from portico.sandbox import charges
from portico.sandbox.serve import running
from portico.sandbox.state import DEMO, Organization, World

DAY = 86_400
PRICES: dict[str, dict[str, str]] = msgspec.json.decode(Path(charges.__file__).with_name("prices.json").read_bytes())[
    "tokens_per_million"
]

TODAY = 1_795_015_800
MOMENTS = {
    "a Wednesday afternoon": TODAY,
    "the first second of a Monday": 1_794_787_200,
    "the first of a month": 1_793_491_260,
}


@dataclass(frozen=True)
class Demo:
    """A demo organization at some moment, shared by the tests that only look at it."""

    world: World
    held: Organization
    api: Administration
    url: str


def _demo(moment: int) -> Iterator[Demo]:
    world = World()
    with running(world) as url:
        client = OpenAI(
            base_url=f"{url}/v1",
            api_key="sk-proj-demo",
            admin_api_key="sk-admin-demo",
            max_retries=0,
            _strict_response_validation=True,
        )
        with client:
            yield Demo(world, organization(world, moment), client.admin.organization, url)


def organization(world: World, moment: int) -> Organization:
    world.turn_to(moment + 0.5)
    return world.organization(DEMO)


@pytest.fixture(scope="module", params=list(MOMENTS.values()), ids=list(MOMENTS))
def any_day(request: pytest.FixtureRequest) -> Iterator[Demo]:
    yield from _demo(request.param)


@pytest.fixture(scope="module")
def today() -> Iterator[Demo]:
    yield from _demo(TODAY)


def project_id(held: Organization, name: str) -> str:
    return next(project.id for project in held.projects.values() if project.name == name)


def cost_of_tokens(row: Any) -> Decimal:
    """Dollars of one row of text tokens, added up here on its own from the price table."""
    prices = PRICES[row.model]
    cached = row.amounts.get("input_cached_tokens", 0)
    plain = row.amounts["input_tokens"] - cached
    dollars = plain * Decimal(prices["input"]) + cached * Decimal(prices.get("cached input", "0"))
    dollars += row.amounts.get("output_tokens", 0) * Decimal(prices.get("output", "0"))
    factor = Decimal("0.5") if row.is_batch else Decimal(2) if "service_tier" in row.labels else Decimal(1)
    return dollars * factor / 1_000_000


def test_history_reaches_back_ninety_days_and_never_ahead(any_day: Demo) -> None:
    rows = any_day.held.all_usage()
    now = any_day.world.now()
    assert all(first.at <= second.at for first, second in pairwise(rows))
    assert now - 91 * DAY < rows[0].at < now - 89 * DAY
    assert rows[-1].at <= now
    days = {row.at // DAY for row in rows}
    assert days >= {now // DAY - age for age in range(1, 90)}


def test_history_is_the_same_every_time(today: Demo, world: World) -> None:
    assert organization(world, TODAY).all_usage() == today.held.all_usage()


def test_costs_equal_the_rows_to_the_last_digit(any_day: Demo) -> None:
    start = any_day.world.now() // DAY * DAY - 20 * DAY
    page = any_day.api.usage.costs(start_time=start, limit=180, group_by=["line_item", "project_id"])
    shown: dict[str, Decimal] = defaultdict(Decimal)
    for bucket in page.data:
        for result in bucket.results:
            assert result.object == "organization.costs.result"
            assert result.amount is not None
            assert result.line_item is not None
            if result.quantity_unit == "tokens" and "gpt-realtime" not in result.line_item:
                shown[str(result.project_id)] += Decimal(str(result.amount.value))
    expected: dict[str, Decimal] = defaultdict(Decimal)
    for row in any_day.held.all_usage():
        if row.at >= start and row.model in PRICES and row.model != "gpt-realtime" and "input_tokens" in row.amounts:
            expected[row.project_id] += cost_of_tokens(row)
    assert not page.has_more
    assert shown == expected


def test_costs_are_the_same_however_grouped(today: Demo) -> None:
    start = TODAY - 10 * DAY
    rows = [row for row in today.held.all_usage() if row.at >= start]
    nano = sum(charge.nano_dollars for row in rows for charge in charges.charges(row))
    for groups in ("", "&group_by=project_id", "&group_by=line_item", "&group_by=api_key_id,user_id"):
        path = f"/v1/organization/costs?start_time={start}&limit=180{groups}"
        buckets = Caller(today.url, "sk-admin-demo")("GET", path).json["data"]
        costs = [Decimal(str(result["amount"]["value"])) for bucket in buckets for result in bucket["results"]]
        assert sum(costs) == Decimal(nano) / charges.NANO


def test_usage_equals_the_rows(today: Demo) -> None:
    start = today.world.now() - 7 * DAY
    page = today.api.usage.completions(start_time=start, limit=31, group_by=["project_id", "model", "batch"])
    shown: Counter[tuple[object, ...]] = Counter()
    for bucket in page.data:
        for result in bucket.results:
            assert result.object == "organization.usage.completions.result"
            shown[result.project_id, result.model, result.batch] += result.output_tokens
    expected: Counter[tuple[object, ...]] = Counter()
    for row in today.held.all_usage():
        if row.kind == "completions" and row.at >= start:
            expected[row.project_id, row.model, row.is_batch] += row.amounts["output_tokens"]
    assert shown == expected


def test_every_report_has_data(today: Demo) -> None:
    for kind in {row.kind for row in today.held.all_usage()}:
        page = getattr(today.api.usage, kind)(start_time=TODAY - 6 * DAY)
        assert sum(bool(bucket.results) for bucket in page.data) >= 5
    assert len({row.kind for row in today.held.all_usage()}) == 11


def test_weekends_are_quieter_and_the_business_grows(today: Demo) -> None:
    calls: Counter[int] = Counter()
    for row in today.held.all_usage():
        if row.model == "gpt-4o-mini":
            calls[row.at // DAY] += row.amounts["num_model_requests"]
    last = TODAY // DAY
    saturday, tuesday = last - 4, last - 1
    assert calls[saturday] < 0.9 * calls[tuesday]
    assert sum(calls[last - 1 - age] for age in range(7)) > sum(calls[last - 78 - age] for age in range(7))


def test_a_week_costs_more_than_five_hundred_dollars(any_day: Demo) -> None:
    recent = (row for row in any_day.held.all_usage() if row.at >= any_day.world.now() - 7 * DAY)
    nano = sum(charge.nano_dollars for row in recent for charge in charges.charges(row))
    assert 500 * charges.NANO < nano < 1_500 * charges.NANO


def test_projects_are_as_one_would_expect(today: Demo) -> None:
    active = {project.name: project for project in today.api.projects.list()}
    everything = {project.name: project for project in today.api.projects.list(include_archived=True)}
    assert {"Data-Science", "Marketing-Gen", "Customer-Support-Bot", "Internal-Tools"} <= set(active)
    (archived,) = set(everything) - set(active)
    assert everything[archived].archived_at is not None
    limits = today.api.projects.rate_limits.list_rate_limits(active["Customer-Support-Bot"].id)
    limit = next(limit for limit in limits if limit.model == "gpt-4o")
    assert limit.max_requests_per_1_minute < 10_000
    assert limit.max_tokens_per_1_minute < 2_000_000


def test_people_keys_and_invitations_are_of_all_sorts(today: Demo) -> None:
    users = list(today.api.users.list(limit=100))
    assert len(users) >= 12
    assert {user.role for user in users} == {"owner", "reader"}
    assert {invite.status for invite in today.api.invites.list()} == {"pending", "accepted", "expired"}
    now = today.world.now()
    for name in ("Data-Science", "Customer-Support-Bot", "Marketing-Gen"):
        keys = list(today.api.projects.api_keys.list(project_id(today.held, name), owner_project_access="any"))
        assert any(key.created_at < now - 90 * DAY for key in keys)
        assert any(key.created_at > now - 90 * DAY for key in keys)
        assert any(key.last_used_at is None for key in keys)
        assert {key.owner.type for key in keys} == {"user", "service_account"}
        assert all(key.created_at <= (key.last_used_at or now) <= now for key in keys)
    assert [certificate.active for certificate in today.api.certificates.list()] == [False, True]


def test_last_use_of_a_key_is_its_last_row(today: Demo) -> None:
    last = {row.api_key_id: row.at for row in today.held.all_usage()}
    known = {key.id: key for key in today.world.keys.by_secret.values()}
    for key_id in set(last) & set(known):
        assert last[key_id] == known[key_id].last_used_at


def test_no_key_is_used_before_it_was_made_or_by_someone_else(any_day: Demo) -> None:
    known = {key.id: key for key in any_day.world.keys.by_secret.values()}
    for row in any_day.held.all_usage():
        key = known.get(row.api_key_id)
        if key is not None:
            assert key.created_at <= row.at
            assert (key.project_id, key.owner_id) == (row.project_id, row.user_id)


def test_deleted_service_account_can_be_found_with_who_deleted_it(today: Demo) -> None:
    marketing = project_id(today.held, "Marketing-Gen")
    (event,) = today.api.audit_logs.list(
        project_ids=[marketing],
        event_types=["service_account.deleted"],
        effective_at={"gte": today.world.now() - DAY},
    )
    assert event.actor is not None
    assert event.actor.session is not None
    assert event.actor.session.user is not None
    assert event.actor.session.user.email == "mei.lindqvist@larkfield.example"
    assert event.service_account_deleted is not None
    there = {account.id for account in today.api.projects.service_accounts.list(marketing)}
    assert event.service_account_deleted.id not in there


def test_log_agrees_with_what_is_there(today: Demo) -> None:
    events = today.api.audit_logs.list(event_types=["rate_limit.updated"], limit=100).data
    for event in events:
        assert event.rate_limit_updated is not None
        assert event.project is not None
        later = [
            other
            for other in events
            if other.effective_at > event.effective_at
            and other.project == event.project
            and other.rate_limit_updated is not None
            and other.rate_limit_updated.id == event.rate_limit_updated.id
        ]
        if not later:
            limits = today.api.projects.rate_limits.list_rate_limits(str(event.project.id))
            limit = next(limit for limit in limits if limit.id == event.rate_limit_updated.id)
            changes = event.rate_limit_updated.changes_requested
            assert changes is not None
            assert changes.max_tokens_per_1_minute == limit.max_tokens_per_1_minute


def test_log_is_in_order_and_ends_now(any_day: Demo) -> None:
    moments = [event.effective_at for event in any_day.api.audit_logs.list(limit=100)]
    assert moments == sorted(moments, reverse=True)
    assert any_day.world.now() - 90 * DAY <= moments[-1]
    assert moments[0] <= any_day.world.now()
    assert {"login.succeeded", "api_key.created", "user.deleted"} <= {
        event.type for event in any_day.api.audit_logs.list(limit=100)
    }


def test_demo_key_is_a_key_of_the_organization(today: Demo) -> None:
    assert Caller(today.url, "sk-proj-demo")("GET", "/v1/me").json["email"] == "ingrid.solheim@larkfield.example"
    names = [key.name for key in today.api.projects.api_keys.list(today.held.default_project.id)]
    assert names.count("Portico gateway") == 1
    assert "Found key" not in names


def test_demo_key_that_brings_its_organization_is_no_stranger_in_it(demo: Administration) -> None:
    names = [key.name for key in demo.admin_api_keys.list()]
    assert "Portico gateway (administration)" in names
    assert "Found key" not in names


def test_calls_of_now_come_on_top_of_the_history(demo: Administration, sandbox_url: str, world: World) -> None:
    before = len(organization(world, TODAY).all_usage())
    body = {"model": "gpt-5.4-nano", "messages": [{"role": "user", "content": "Hello"}]}
    assert Caller(sandbox_url, "sk-proj-demo")("POST", "/v1/chat/completions", body).status == 200
    assert len(world.organization(DEMO).all_usage()) == before + 1
    page = demo.usage.completions(start_time=TODAY, group_by=["model"], models=["gpt-5.4-nano"])
    (result,) = page.data[0].results
    assert result.object == "organization.usage.completions.result"
    assert result.num_model_requests == 1
