"""/api-token: shown once, never more than its maker has, over to the second, gone at once."""

from dataclasses import replace
from typing import Any

import pytest

from portico.app import Portico, build
from portico.model.caller import SCOPES, Scope, widen
from portico.vault import tokens
from tests.conftest import HeldClock
from tests.faces.admin.documented import Watched
from tests.faces.admin.tenants import Tenant, failures, said, with_scopes
from tests.gateways import Client

ALL = list(SCOPES)
USUAL = ["accounts", "accounts:read", "call", "call:read", "logs", "tokens"]


async def made(client: Watched, **body: Any) -> dict[str, Any]:
    return said(await client.post("/api-token", {"name": "work", **body}), 201)


async def test_a_token_is_shown_when_it_is_made_and_never_again(admin: Watched) -> None:
    token = await made(admin)
    assert tokens.is_well_formed(token["token"])
    assert token["hint"] == f"…{token['token'][-4:]}"
    shown = said(await admin.get(f"/api-token/{token['id']}"))
    assert shown == {name: value for name, value in token.items() if name != "token"}
    assert shown in said(await admin.get("/api-token"))["result"]
    said(await admin.get("/audit"))
    told = admin.book.text().replace(token["token"], "", 1)
    assert token["token"] not in told


async def test_a_token_is_not_stored(admin: Watched, held: Portico) -> None:
    token = (await made(admin))["token"]
    folder = held.parts.settings.data_dir
    stored = b"".join(path.read_bytes() for path in folder.iterdir() if path.is_file())
    assert token.encode() not in stored
    assert token[10:40].encode() not in stored


@pytest.mark.parametrize("scope", ALL)
async def test_a_token_has_the_scopes_that_were_asked_for_and_those_that_they_imply(
    operator: Watched, scope: Scope
) -> None:
    assert (await made(operator, scopes=[scope]))["scopes"] == sorted(widen(frozenset({scope})))


async def test_without_scopes_it_gets_the_usual_ones_that_its_maker_has(operator: Watched) -> None:
    assert (await made(operator))["scopes"] == USUAL
    narrow = await with_scopes(operator, "tokens", "call:read")
    assert (await made(narrow))["scopes"] == ["call:read", "tokens"]


@pytest.mark.parametrize("scope", ALL)
async def test_a_token_never_grants_more_than_its_maker_has(operator: Watched, scope: Scope) -> None:
    maker = await with_scopes(operator, "tokens", scope)
    allowed = widen(frozenset({"tokens", scope}))
    for wanted in SCOPES:
        answer = await maker.post("/api-token", {"name": "more", "scopes": [wanted]})
        if widen(frozenset({wanted})) <= allowed:
            assert set(said(answer, 201)["scopes"]) <= allowed
        else:
            assert answer.status == 403, (scope, wanted)
            assert wanted in answer.sentence or "lacks" in answer.sentence


@pytest.mark.parametrize("scopes", [[], ["everything"], ["operator", "x"], "operator", [1], {"operator": True}])
async def test_scopes_that_are_none_are_refused_with_those_there_are(operator: Watched, scopes: Any) -> None:
    answer = await operator.post("/api-token", {"name": "work", "scopes": scopes})
    assert answer.status == 400
    assert any(path.startswith("scopes") for path in failures(answer))


async def test_an_idempotent_answer_with_a_token_is_repeated_to_its_maker_alone(operator: Watched) -> None:
    """Somebody with fewer rights who knows the key and the body must not get the maker's token handed out."""
    body = {"name": "deploy", "scopes": ["operator"]}
    key = {"idempotency-key": "deploy-1"}
    first = said(await operator.send("POST", "/api-token", json=body, headers=key), 201)
    again = await operator.send("POST", "/api-token", json=body, headers=key)
    assert said(again, 201) == first
    assert again.headers["idempotent-replayed"] == "true"
    narrow = await with_scopes(operator, "tokens")
    theirs = await narrow.send("POST", "/api-token", json=body, headers=key)
    assert theirs.status == 403
    assert first["token"].encode() not in theirs.content


async def test_only_an_operator_makes_and_lists_tokens_of_another_environment(
    operator: Watched, admin: Watched, other: Tenant
) -> None:
    there = other.environment_id
    token = await made(operator, environment_id=there)
    assert token["environment_id"] == there
    listed = said(await operator.get("/api-token", environment_id=there))["result"]
    assert token["id"] in [each["id"] for each in listed]
    for answer in (
        await admin.post("/api-token", {"name": "x", "environment_id": there}),
        await admin.get("/api-token", environment_id=there),
        await operator.post("/api-token", {"name": "x", "environment_id": "nowhere"}),
    ):
        assert answer.status == 404
        assert "environment" in answer.sentence


async def test_tokens_are_listed_newest_first_and_by_name(admin: Watched) -> None:
    for name in ("a", "b", "a"):
        await made(admin, name=name)
    listed = said(await admin.get("/api-token"))["result"]
    assert [each["name"] for each in listed] == ["a", "b", "a", "ours"]
    assert len(said(await admin.get("/api-token", name="a"))["result"]) == 2
    assert said(await admin.get("/api-token", name="nobody"))["result"] == []


async def test_tokens_are_found_by_their_ids(admin: Watched, other: Tenant) -> None:
    one, two, _ = [await made(admin, name=name) for name in ("a", "a", "b")]
    theirs = await made(other.client, name="a")
    for query, wanted in (
        ({"id": one["id"]}, [one]),
        ({"id[in]": f"{one['id']},{two['id']},{theirs['id']}", "name": "a"}, [two, one]),
        ({"id": one["id"], "name": "b"}, []),
        ({"id": theirs["id"]}, []),
    ):
        found = said(await admin.get("/api-token", **query))["result"]
        assert [each["id"] for each in found] == [each["id"] for each in wanted], query


async def test_a_revoked_token_is_refused_from_the_next_request_on(admin: Watched, operator: Watched) -> None:
    token = await made(admin)
    holder = admin.as_holder_of(token["token"])
    said(await holder.get("/integrated-account"))
    assert said(await admin.delete(f"/api-token/{token['id']}")) == {"id": token["id"]}
    refused = await holder.get("/integrated-account")
    unknown = await admin.as_holder_of(tokens.make("api")).get("/integrated-account")
    assert refused.status == unknown.status == 401
    assert refused.sentence == unknown.sentence
    assert (await admin.delete(f"/api-token/{token['id']}")).status == 404


async def test_a_token_can_revoke_itself(admin: Watched) -> None:
    token = await made(admin)
    holder = admin.as_holder_of(token["token"])
    said(await holder.delete(f"/api-token/{token['id']}"))
    assert (await holder.get("/api-token")).status == 401


async def test_another_replica_hears_of_a_revocation_when_it_next_looks(
    admin: Watched, held: Portico, clock: HeldClock
) -> None:
    replica = await build(held.parts.settings, clock=clock)
    replica.parts.lookup.listen(replica.parts.changes)
    await replica.parts.changes.look()
    token = await made(admin)
    there = Client(replica, token["token"])
    assert (await there.get("/integrated-account")).status == 200
    said(await admin.delete(f"/api-token/{token['id']}"))
    assert (await there.get("/integrated-account")).status == 200  # it has not looked yet
    await replica.parts.changes.look()
    assert (await there.get("/integrated-account")).status == 401
    await replica.stop()


async def test_a_token_ends_exactly_when_it_was_told_to(admin: Watched, clock: HeldClock) -> None:
    token = await made(admin, expires_at="2026-11-02T13:00:00.500+00:00")
    assert token["expires_at"] == "2026-11-02T13:00:00.500Z"
    holder = admin.as_holder_of(token["token"])
    clock.advance(hours=1, milliseconds=499)
    assert (await holder.get("/integrated-account")).status == 200
    clock.advance(milliseconds=1)
    assert (await holder.get("/integrated-account")).status == 401
    assert said(await admin.get(f"/api-token/{token['id']}"))["id"] == token["id"]  # and is still listed


ENDS = {
    "2026-11-02T12:00:00Z": "past",
    "2026-11-02T11:59:59+00:00": "past",
    "1969-12-31T23:59:59Z": "past",
    "2026-12-01T12:00:00": "time zone",
    "tomorrow": "",
    "2026-13-01T00:00:00Z": "",
    5: "",
    "": "",
}


@pytest.mark.parametrize(("end", "word"), ENDS.items(), ids=str)
async def test_an_end_that_is_none_is_refused(admin: Watched, end: Any, word: str) -> None:
    problems = failures(await admin.post("/api-token", {"name": "work", "expires_at": end}))
    assert word in problems["expires_at"]


@pytest.mark.parametrize("name", ["", " ", "x" * 101, None, 5])
async def test_a_name_that_is_none_is_refused(admin: Watched, name: Any) -> None:
    assert "name" in failures(await admin.post("/api-token", {"name": name}))


async def test_a_token_of_the_operators_own_is_accepted_from_the_first_start_on(
    held: Portico, clock: HeldClock, settings: Any
) -> None:
    for number in (1, 2):
        wanted = replace(settings, data_dir=settings.data_dir / "fresh", bootstrap_token="the operator's own words")
        portico = await build(wanted, clock=clock)
        client = Client(portico, "the operator's own words")
        listed = (await client.get("/api-token")).json["result"]
        assert [each["name"] for each in listed] == ["bootstrap"], number
        assert listed[0]["scopes"] == sorted(SCOPES)
        assert (await client.as_holder_of("another's words").get("/api-token")).status == 401
        await portico.stop()


HEADERS = {
    "none": None,
    "empty": "",
    "scheme alone": "Bearer",
    "scheme and blanks": "Bearer   ",
    "another scheme": "Basic {token}",
    "no scheme": "{token}",
    "comma": "Bearer, {token}",
    "quoted": 'Bearer "{token}"',
    "twice": "Bearer {token} {token}",
    "one character more": "Bearer {token}x",
    "latin": "Bearer ünïcode",
}


@pytest.mark.parametrize("header", HEADERS.values(), ids=HEADERS.keys())
async def test_without_a_valid_token_there_is_nothing(admin: Watched, header: str | None) -> None:
    anonymous = admin.as_holder_of(None)
    headers = {} if header is None else {"authorization": header.format(token=admin.token)}
    got = await anonymous.send("GET", "/integrated-account", headers=headers)
    assert got.status == 401
    assert got.json["code"] == "not_authenticated"


async def test_the_scheme_is_read_whatever_its_letters(admin: Watched) -> None:
    anonymous = admin.as_holder_of(None)
    for scheme in ("bearer", "BEARER", "Bearer  "):
        headers = {"authorization": f"{scheme} {admin.token}"}
        assert (await anonymous.send("GET", "/integrated-account", headers=headers)).status == 200
