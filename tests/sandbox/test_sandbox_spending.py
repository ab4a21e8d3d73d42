"""Hard spend limits, which stop calls, and spend alerts, which don't."""

from typing import Any

import openai
import pytest
from bare_http import Caller, Got
from colleagues import log, varied, with_key
from openai.resources.admin.organization import Organization

from portico.sandbox.state import Usage, World

# The middle of November 2026.
NOON = 1_794_744_000
DAY = 86_400
CHANNEL: dict[str, Any] = {"type": "email", "recipients": ["finance@test.example"]}
ALERT: dict[str, Any] = {
    "threshold_amount": 5000,
    "currency": "USD",
    "interval": "month",
    "notification_channel": CHANNEL,
}


def spend(world: World, dollars: int, at: int, project_id: str | None = None) -> None:
    """Write down output of gpt-4o, which costs ten dollars a million tokens."""
    held = world.organization("test")
    place = project_id or held.default_project.id
    held.usage.append(Usage(at, "completions", place, "", "", "gpt-4o", {"output_tokens": dollars * 100_000}))


def talk(caller: Caller) -> Got:
    return caller("POST", "/v1/chat/completions", {"model": "gpt-4o", "messages": [{"role": "user", "content": "Hi"}]})


def test_limit_of_the_organization_lives_its_life(administration: Organization) -> None:
    with pytest.raises(openai.NotFoundError):
        administration.spend_limit.retrieve()
    limit = administration.spend_limit.update(threshold_amount=10_000, currency="USD", interval="month")
    assert (limit.threshold_amount, limit.currency, limit.interval) == (10_000, "USD", "month")
    assert limit.enforcement.status == "inactive"
    assert administration.spend_limit.retrieve() == limit
    assert administration.spend_limit.delete().deleted
    # Deleting it again does no harm and is no event.
    assert administration.spend_limit.delete().deleted
    with pytest.raises(openai.NotFoundError):
        administration.spend_limit.retrieve()
    assert log(administration, 2) == ["organization.updated", "organization.updated"]


def test_limit_of_a_project_lives_its_life(administration: Organization) -> None:
    project = administration.projects.create(name="Alpha").id
    with pytest.raises(openai.NotFoundError):
        administration.projects.spend_limit.retrieve(project)
    limit = administration.projects.spend_limit.update(project, threshold_amount=1, currency="USD", interval="month")
    assert (limit.object, limit.threshold_amount) == ("project.spend_limit", 1)
    assert administration.projects.spend_limit.retrieve(project) == limit
    assert administration.projects.spend_limit.delete(project).object == "project.spend_limit.deleted"
    assert log(administration, 2) == ["project.updated", "project.updated"]


def test_reached_limit_stops_calls_of_models_until_it_is_raised(
    administration: Organization, call: Caller, world: World
) -> None:
    world.turn_to(NOON)
    administration.spend_limit.update(threshold_amount=20_00, currency="USD", interval="month")
    spend(world, 19, NOON - 3 * DAY)
    assert talk(call).status == 200
    assert administration.spend_limit.retrieve().enforcement.status == "inactive"
    spend(world, 1, NOON - DAY)
    got = talk(call)
    assert got.status == 429
    assert (got.error["type"], got.error["code"]) == ("insufficient_quota", "organization_spend_limit_exceeded")
    # Waiting a moment doesn't help, so nothing says how long.
    assert got.header("retry-after") is None
    assert administration.spend_limit.retrieve().enforcement.status == "enforcing"
    assert call("GET", "/v1/files").status == 200
    administration.spend_limit.update(threshold_amount=30_00, currency="USD", interval="month")
    assert talk(call).status == 200


def test_month_begins_anew(administration: Organization, call: Caller, world: World) -> None:
    world.turn_to(NOON)
    administration.spend_limit.update(threshold_amount=20_00, currency="USD", interval="month")
    spend(world, 500, NOON - 30 * DAY)
    assert talk(call).status == 200
    spend(world, 20, NOON)
    assert talk(call).status == 429
    world.advance(16 * DAY)
    assert talk(call).status == 200
    # December ends with the year.
    world.advance(31 * DAY)
    spend(world, 20, world.now())
    assert talk(call).status == 429


def test_limit_of_a_project_counts_only_what_it_spends(
    administration: Organization, call: Caller, world: World, sandbox_url: str
) -> None:
    world.turn_to(NOON)
    project = administration.projects.create(name="Alpha").id
    other = with_key(world, sandbox_url, project)
    administration.projects.spend_limit.update(project, threshold_amount=5_00, currency="USD", interval="month")
    spend(world, 50, NOON - DAY)
    assert talk(other).status == 200
    spend(world, 5, NOON - DAY, project)
    assert talk(other).error["code"] == "project_spend_limit_exceeded"
    assert administration.projects.spend_limit.retrieve(project).enforcement.status == "enforcing"
    assert talk(call).status == 200


def test_what_calls_cost_here_counts_too(administration: Organization, call: Caller) -> None:
    administration.spend_limit.update(threshold_amount=1, currency="USD", interval="month")
    # Eighty thousand words cost more than a cent.
    body = {"model": "text-embedding-3-large", "input": ["word " * 8000] * 10}
    assert call("POST", "/v1/embeddings", body).status == 200
    assert call("POST", "/v1/embeddings", body).error["code"] == "organization_spend_limit_exceeded"


def test_run_of_a_thread_is_stopped_too(administration: Organization, call: Caller, world: World) -> None:
    world.turn_to(NOON)
    beta: dict[str, str | None] = {"openai-beta": "assistants=v2"}
    assistant = call("POST", "/v1/assistants", {"model": "gpt-4o"}, beta).json["id"]
    thread = call("POST", "/v1/threads", {}, beta).json["id"]
    administration.spend_limit.update(threshold_amount=1, currency="USD", interval="month")
    spend(world, 1, NOON)
    assert call("POST", f"/v1/threads/{thread}/runs", {"assistant_id": assistant}, beta).status == 429


def test_alerts_of_the_organization_live_their_lives(administration: Organization) -> None:
    alerts = administration.spend_alerts
    made = [alerts.create(**varied(ALERT, threshold_amount=amount)) for amount in (1000, 2000, 3000)]
    assert made[0].notification_channel.subject_prefix is None
    assert [alert.id for alert in alerts.list(limit=2)] == [alert.id for alert in made]
    assert [alert.id for alert in alerts.list(order="desc")] == [alert.id for alert in made[::-1]]
    assert [alert.id for alert in alerts.list(before=made[2].id).data] == [alert.id for alert in made[:2]]
    assert alerts.retrieve(made[1].id) == made[1]
    channel = varied(CHANNEL, subject_prefix="Spend")
    changed = alerts.update(made[1].id, **varied(ALERT, notification_channel=channel))
    assert (changed.threshold_amount, changed.notification_channel.subject_prefix) == (5000, "Spend")
    assert alerts.retrieve(made[1].id) == changed
    gone = alerts.delete(made[0].id)
    assert (gone.id, gone.object) == (made[0].id, "organization.spend_alert.deleted")
    with pytest.raises(openai.NotFoundError):
        alerts.retrieve(made[0].id)


def test_alerts_of_a_project_are_its_own(administration: Organization) -> None:
    alpha, beta = (administration.projects.create(name=name).id for name in ("Alpha", "Beta"))
    alerts = administration.projects.spend_alerts
    alert = alerts.create(alpha, **ALERT)
    assert alert.object == "project.spend_alert"
    assert [held.id for held in alerts.list(alpha)] == [alert.id]
    assert list(alerts.list(beta)) == []
    assert alerts.retrieve(alert.id, project_id=alpha) == alert
    with pytest.raises(openai.NotFoundError):
        alerts.retrieve(alert.id, project_id=beta)
    assert alerts.update(alert.id, project_id=alpha, **varied(ALERT, threshold_amount=7)).threshold_amount == 7
    assert alerts.delete(alert.id, project_id=alpha).object == "project.spend_alert.deleted"
    assert log(administration, 3) == ["project.updated"] * 3


@pytest.mark.parametrize(
    ("name", "change", "param"),
    [
        ("spend_limit", {"threshold_amount": 0}, "threshold_amount"),
        ("spend_limit", {"threshold_amount": 1.5}, "threshold_amount"),
        ("spend_limit", {"threshold_amount": None}, "threshold_amount"),
        ("spend_limit", {"currency": "EUR"}, "currency"),
        ("spend_limit", {"interval": "day"}, "interval"),
        ("spend_limit", {"notification_channel": CHANNEL}, "notification_channel"),
        ("spend_alerts", {"threshold_amount": -1}, "threshold_amount"),
        ("spend_alerts", {"notification_channel": None}, "notification_channel"),
        ("spend_alerts", {"notification_channel": {**CHANNEL, "type": "sms"}}, "notification_channel.type"),
        ("spend_alerts", {"notification_channel": {"type": "email"}}, "notification_channel.recipients"),
        (
            "spend_alerts",
            {"notification_channel": {"type": "email", "recipients": ["nobody"]}},
            "notification_channel.recipients[0]",
        ),
    ],
)
def test_what_makes_no_sense_is_refused(admin_call: Caller, name: str, change: dict[str, Any], param: str) -> None:
    whole = {"threshold_amount": 5, "currency": "USD", "interval": "month"}
    whole |= {"notification_channel": CHANNEL} if name == "spend_alerts" else {}
    got = admin_call("POST", f"/v1/organization/{name}", {**whole, **change})
    assert (got.status, got.error["param"]) == (400, param)
