"""Access, keys, rate limits and batches in reports: what they say is found again here in the sandbox's own state."""

from datetime import UTC, datetime
from decimal import Decimal

import msgspec
import pytest

from portico.sandbox.groups import GROUPS, entries
from portico.sandbox.people import accounts, admin_keys, has_access, members, project_keys
from portico.sandbox.places import Place
from portico.sandbox.roles import of_user
from portico.sandbox.state import DEMO, Organization, Project, User
from tests.faces.mcp.speaker import Json
from tests.toolbox.conftest import Desk

pytestmark = pytest.mark.asyncio(loop_scope="module")
ACCESS, KEYS, LIMITS = "openai_access_report", "openai_key_audit", "openai_rate_limit_check"
ESTIMATE = "openai_batch_estimate"
NOW, DAY = int(datetime(2026, 11, 18, 9, 30, 7, tzinfo=UTC).timestamp()), 86_400


def organization(desk: Desk) -> Organization:
    return desk.stage.world.organizations[DEMO]


def live(desk: Desk) -> list[Project]:
    return [each for each in organization(desk).projects.values() if each.status == "active"]


def named(desk: Desk, name: str) -> Project:
    return next(each for each in live(desk) if each.name == name)


def rows_of(table: Json) -> list[Json]:
    return [dict(zip(table["columns"], row, strict=True)) for row in table["rows"]]


def roles_in(desk: Desk, place: Place, user: User) -> set[str]:
    """`member`, or `member through group Support`."""
    groups = {each.id: each.name for each in organization(desk).held(GROUPS)}
    return {
        f"{held.role.name} through group {groups[source.id]}" if source.kind == "group" else held.role.name
        for held in of_user(place, user).values()
        for source in held.sources
    }


async def test_access_report_tells_every_role_of_everybody_in_every_project(larkfield: Desk) -> None:
    report = await larkfield.value(ACCESS)
    held = organization(larkfield)
    expected: dict[tuple[str, str], set[str]] = {}
    for project in live(larkfield):
        for user in held.users.values():
            expected[project.name, user.email] = roles_in(larkfield, Place(held, project), user)
        for account in accounts(project):
            expected[project.name, account.name] = {account.role}
    for user in held.users.values():
        expected["(every project)", user.email] = roles_in(larkfield, Place(held), user) - {"reader"}
    rows = rows_of(report["access"])
    found = {(row["project"], row["who"]): set(row["roles"].split("; ")) for row in rows}
    assert len(found) == len(rows)
    assert found == {key: roles for key, roles in expected.items() if roles}
    assert report["total"]["projects"] == len(live(larkfield))
    assert report["total"]["service_accounts"] == sum(len(list(accounts(each))) for each in live(larkfield))


async def test_access_of_one_person_in_one_project_is_only_that(larkfield: Desk) -> None:
    asked = {"project_ids": ["Customer-Support-Bot"], "user_ids": ["oliver.grant@larkfield.example"]}
    rows = rows_of((await larkfield.value(ACCESS, asked))["access"])
    assert [(row["project"], row["roles"]) for row in rows] == [
        ("Customer-Support-Bot", "member through group Support")
    ]


async def test_group_that_cannot_be_looked_into_is_named_and_direct_members_stay(larkfield: Desk) -> None:
    project = named(larkfield, "Marketing-Gen")
    group = next(each for each in organization(larkfield).held(GROUPS) if each.id in entries(project))
    larkfield.stage.fault("status=403", path=f"/v1/organization/groups/{group.id}/users")
    report = await larkfield.value(ACCESS, {"project_ids": [project.name]})
    assert [each["what"] for each in report["incomplete"]] == [f"members of the group {group.name}"]
    direct = {organization(larkfield).users[each.user_id].email for each in members(organization(larkfield), project)}
    assert direct <= {row["who"] for row in rows_of(report["access"])}


async def test_key_audit_shows_every_key_with_what_is_wrong_with_it(larkfield: Desk) -> None:
    report = await larkfield.value(KEYS)
    held, world = organization(larkfield), larkfield.stage.world
    rows = {row["id"]: row for row in rows_of(report["keys"])}
    found = [(each, project) for project in live(larkfield) for each in project_keys(world, project)]
    every = [*found, *((each, None) for each in admin_keys(world, held))]
    assert rows.keys() == {key.id for key, _ in every}
    for key, project in every:
        row, flags = rows[key.id], str(rows[key.id]["flags"]).split(", ")
        used, made = key.last_used_at, key.created_at
        assert row["age_days"] == (NOW - made) // DAY
        assert row["used_days_ago"] == (None if used is None else (NOW - used) // DAY)
        assert row["project"] == (project.name if project else "(organization)")
        assert row["value"] == key.redacted
        assert key.secret not in str(row)
        assert ("older than 90 days" in flags) == (NOW - made > 90 * DAY)
        assert ("never used" in flags) == (used is None)
        assert ("unused for 30 days" in flags) == (used is not None and NOW - used > 30 * DAY)
        assert ("owner lost access" in flags) == (project is not None and not has_access(held, project, key))
    assert report["total"]["keys"] == len(every)
    assert report["total"]["never_used"] == sum(key.last_used_at is None for key, _ in every)


@pytest.mark.parametrize("days", [10, 30, 100])
async def test_unused_keys_are_exactly_those_not_used_for_so_long(larkfield: Desk, days: int) -> None:
    world = larkfield.stage.world
    report = await larkfield.value(KEYS, {"unused_days": days})
    every = [each for project in live(larkfield) for each in project_keys(world, project)]
    every += list(admin_keys(world, organization(larkfield)))
    unused = {key.id for key in every if NOW - (key.last_used_at or key.created_at) > days * DAY}
    assert unused
    assert {row["id"] for row in rows_of(report["keys"])} == unused
    assert report["total"]["shown"] == len(unused)


async def test_project_whose_keys_cannot_be_listed_is_named_and_the_rest_is_audited(larkfield: Desk) -> None:
    lost = named(larkfield, "Data-Science")
    larkfield.stage.fault("status=403", path=f"/v1/organization/projects/{lost.id}/api_keys")
    report = await larkfield.value(KEYS)
    assert [each["what"] for each in report["incomplete"]] == ["keys of Data-Science"]
    rest = {each.name for each in live(larkfield) if each is not lost}
    assert {row["project"] for row in rows_of(report["keys"])} == rest | {"(organization)"}


async def test_rate_limit_check_says_how_long_work_takes_and_what_binds_it(larkfield: Desk) -> None:
    limit = named(larkfield, "Data-Science").limits.of("gpt-4o")
    asked = {"project_id": "Data-Science", "model": "gpt-4o", "requests": 1600, "tokens_per_request": 600}
    report = await larkfield.value(LIMITS, asked)
    allowed = {row["limit"]: row["allowed"] for row in rows_of(report["limits"])}
    assert allowed["requests per minute"] == limit.requests_per_minute
    assert allowed["tokens per minute"] == limit.tokens_per_minute
    # The bucket is full; what is beyond it comes in evenly.
    assert report["takes_seconds"] == -(-(1600 * 600 - limit.tokens_per_minute) * 60 // limit.tokens_per_minute)
    assert report["bound_by"] == "tokens per minute"
    assert (report["fits_now"], report["fits"]) == (False, True)


async def test_work_that_a_full_bucket_holds_fits_now(larkfield: Desk) -> None:
    asked = {"project_id": "Data-Science", "model": "gpt-4o", "requests": 10, "tokens_per_request": 30_000}
    report = await larkfield.value(LIMITS, asked)
    assert (report["fits_now"], report["takes_seconds"]) == (True, 0)


async def test_request_larger_than_a_minute_never_fits(larkfield: Desk) -> None:
    asked = {"project_id": "Data-Science", "model": "gpt-4o", "tokens_per_request": 300_001}
    report = await larkfield.value(LIMITS, asked)
    assert not report["fits"]
    assert "300001 tokens" in report["because"][0]


async def test_model_without_limits_is_refused_with_those_that_have_some(larkfield: Desk) -> None:
    refusal = await larkfield.refusal(LIMITS, {"project_id": "Data-Science", "model": "gpt-4oo"})
    assert "no limits for 'gpt-4oo'" in str(refusal)
    assert "gpt-4o, " in str(refusal)


def lines(*texts: str, model: str = "gpt-4o-mini", most: int | None = 100) -> str:
    """A batch's file: one response a line."""
    rows: list[bytes] = []
    for number, text in enumerate(texts):
        body: Json = {"model": model, "input": text} | ({"max_output_tokens": most} if most else {})
        rows.append(
            msgspec.json.encode({"custom_id": str(number), "method": "POST", "url": "/v1/responses", "body": body})
        )
    return b"\n".join(rows).decode()


async def test_batch_estimate_is_the_price_of_tokens_that_openai_counted(larkfield: Desk) -> None:
    texts = ("One ounce of seed.", "How deep do tulips go, and when?", "Frost tonight")
    report = await larkfield.value(ESTIMATE, {"file": {"text": lines(*texts), "filename": "in.jsonl"}})
    counted = 0
    for text in texts:
        asked = {"model": "gpt-4o-mini", "input": text}
        counted += (await larkfield.stage.passthrough("POST", "v1/responses/input_tokens", json=asked)).json[
            "input_tokens"
        ]
    row = rows_of(report["estimate"])[0]
    assert (row["requests"], row["input_tokens"], row["output_tokens_at_most"]) == (3, counted, 300)
    # 0.15 and 0.60 dollars a million, at half of it.
    least = Decimal(counted) * Decimal("0.15") / 2 / 10**6
    assert Decimal(row["usd_at_least"]) == least
    assert Decimal(row["usd_at_most"]) == least + Decimal(300) * Decimal("0.60") / 2 / 10**6
    assert report["sendable"]
    assert report["problems"] == []


async def test_batch_that_would_fail_is_not_sendable_and_says_where(larkfield: Desk) -> None:
    twice = lines("a") + "\n" + lines("b") + "\nno json"
    report = await larkfield.value(ESTIMATE, {"file": {"text": twice, "filename": "in.jsonl"}})
    assert not report["sendable"]
    told = str(report["problems"])
    assert "2" in told
    assert "3" in told


async def test_price_that_nobody_knows_is_said_to_be_missing(larkfield: Desk) -> None:
    text = lines("a", model="some-model-of-tomorrow")
    report = await larkfield.value(ESTIMATE, {"file": {"text": text, "filename": "in.jsonl"}})
    assert rows_of(report["estimate"])[0]["usd_at_least"] is None
    assert any(each["what"] == "the price of some-model-of-tomorrow" for each in report["incomplete"])
