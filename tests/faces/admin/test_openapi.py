"""/openapi.json says what is served, all of it and nothing else; /metrics stays small whatever is called."""

import re
from typing import Any

import jsonschema_rs
import pytest
from prometheus_client.parser import text_string_to_metric_families

from portico.app import ENDPOINTS, Portico
from portico.model.caller import SCOPES
from tests.faces.admin.documented import Watched
from tests.faces.admin.tenants import said
from tests.gateways import connect_account

# Pages for people, and addresses whose shape other standards give.
NOT_API = (
    "/embed.",
    "/look",
    "/.well-known/",
    "/oauth/",
    "/sign-in",
    "/sign-out",
    "/access",
    "/static/",
    "/ui",
    "/connect",
    "/admin",
    "/one-time",
    "/approve/",
)
NOWHERE = "00000000-0000-7000-8000-000000000000"


@pytest.fixture
async def document(operator: Watched) -> Any:
    return operator.book.document


async def test_every_documented_address_is_served(operator: Watched, document: Any) -> None:
    for path, verbs in document["paths"].items():
        for verb in verbs:
            got = await operator.send(verb.upper(), re.sub(r"\{[^}]+\}", NOWHERE, path))
            assert "There is nothing at" not in got.content.decode("utf-8", "replace"), f"{verb} {path}"
            assert got.status != 405, f"{verb} {path}"


async def test_every_served_address_is_documented(held: Portico, document: Any) -> None:
    front: Any = held._front  # pyright: ignore[reportPrivateUsage] -- what is really served, not what we think is
    served = {(verb, route.path) for route in front._router.routes for verb in route.methods if verb != "HEAD"}
    documented = {(verb.upper(), path) for path, verbs in document["paths"].items() for verb in verbs}
    pages = {(verb, path) for verb, path in served if path == "/" or path.startswith(NOT_API)}
    assert served - documented - pages == set()
    assert set(front._hot) <= {path.split("/")[1] for _, path in documented}


async def test_verbs_that_are_not_documented_are_refused_with_those_that_are(operator: Watched, document: Any) -> None:
    # Under /unified any name may be a model's: what its verbs meet there is told by the tests of the Unified API.
    typed = {endpoint.path for endpoint in ENDPOINTS if not endpoint.path.startswith("/unified/")}
    for path in typed:
        address = re.sub(r"\{[^}]+\}", NOWHERE, path)
        # An address may fit a second template, as /integrated-account/token fits /integrated-account/{id}.
        fitting = [each for each in typed if re.fullmatch(re.sub(r"\{[^}]+\}", "[^/]+", each), address)]
        documented = {verb.upper() for each in fitting for verb in document["paths"][each]}
        for verb in {"GET", "POST", "PUT", "PATCH", "DELETE"} - documented:
            got = await operator.send(verb, address)
            assert got.status == 405, f"{verb} {path}"
            assert set(got.headers["allow"].split(", ")) - {"HEAD"} == documented


async def test_the_document_is_one_and_can_be_read_without_a_token(operator: Watched, document: Any) -> None:
    got = await operator.as_holder_of(None).get("/openapi.json")
    assert said(got) == document
    assert document["openapi"] == "3.1.0"
    assert document["servers"] == [{"url": "https://portico.test"}]


async def test_names_of_operations_are_given_once(document: Any) -> None:
    names = [each["operationId"] for verbs in document["paths"].values() for each in verbs.values()]
    assert len(names) == len(set(names))


async def test_every_path_parameter_is_declared(document: Any) -> None:
    for path, verbs in document["paths"].items():
        for verb, operation in verbs.items():
            declared = {each["name"] for each in operation.get("parameters", ()) if each["in"] == "path"}
            assert declared == set(re.findall(r"\{([^}]+)\}", path)), f"{verb} {path}"


async def test_every_schema_is_a_schema_and_every_reference_leads_somewhere(document: Any) -> None:
    for name in document["components"]["schemas"]:
        reference = {"$ref": f"#/components/schemas/{name}", "components": document["components"]}
        jsonschema_rs.validator_for(reference)
    references = set(re.findall(r"'\$ref': '([^']+)'", str(document)))
    assert references
    for reference in references:
        here: Any = document
        for part in reference.removeprefix("#/").split("/"):
            here = here[part]


async def test_every_route_says_which_scope_it_needs(document: Any) -> None:
    for endpoint in ENDPOINTS:
        described = document["paths"][endpoint.path][endpoint.verb.lower()].get("description", "")
        named = {scope for scope in SCOPES if f"`{scope}`" in described}
        assert named == ({endpoint.scope} if endpoint.scope else set()), endpoint.name


async def test_bodies_that_the_document_refuses_are_refused(operator: Watched, document: Any) -> None:
    for endpoint in ENDPOINTS:
        if endpoint.body is None:
            continue
        schema = document["paths"][endpoint.path][endpoint.verb.lower()]["requestBody"]["content"]["application/json"]
        check = jsonschema_rs.validator_for({**schema["schema"], "components": document["components"]})
        path = re.sub(r"\{[^}]+\}", NOWHERE, endpoint.path)
        for body in ({}, {"nobody_knows_this": 1}):
            got = await operator.send(endpoint.verb, path, json=body)
            if not check.is_valid(body):
                assert got.status == 400, f"{endpoint.verb} {endpoint.path} {body}: {got.status}"
                assert got.json["code"] == "invalid_arguments"


async def test_the_page_shows_every_route_and_needs_nothing_from_elsewhere(operator: Watched, document: Any) -> None:
    got = await operator.as_holder_of(None).get("/docs")
    text = got.content.decode()
    for path in document["paths"]:
        assert path in text
    assert got.headers["content-security-policy"].startswith("default-src 'none'")
    assert not re.search(r"(src|href)=[\"']?https?:", text)
    assert "<script" not in text


async def test_health_is_told_without_a_token(operator: Watched) -> None:
    anonymous = operator.as_holder_of(None)
    assert said(await anonymous.get("/healthz")) == {"status": "ok"}
    assert said(await anonymous.get("/readyz")) == {"status": "ready"}


async def test_a_gateway_that_drains_or_has_no_database_is_not_ready(operator: Watched, held: Portico) -> None:
    held.is_draining = True
    assert said(await operator.get("/readyz"), 503) == {"status": "draining"}
    assert (await operator.get("/healthz")).status == 200
    held.is_draining = False
    assert (await operator.get("/readyz")).status == 200


async def test_a_gateway_without_the_root_key_is_not_ready_and_one_whose_vault_is_away_still_is(
    operator: Watched, held: Portico
) -> None:
    keyring = held.parts.keyring
    keyring.trouble = "Vault cannot be reached."
    assert said(await operator.get("/readyz")) == {"status": "ready", "keys": "unavailable"}
    keyring.lacks_root = True
    assert said(await operator.get("/readyz"), 503) == {"status": "no root key"}
    await keyring.check()
    assert said(await operator.get("/readyz")) == {"status": "ready"}


async def test_counters_name_no_account_token_or_address_and_stay_few(operator: Watched) -> None:
    """Whatever is called, the number of series is bounded by faces, classes of status, codes and vendors."""
    accounts = [(await connect_account(operator, f"tenant-{number}"))["id"] for number in range(3)]
    for account in [*accounts, NOWHERE]:
        for path in ("files", "nothing-of-the-kind", "projects", f"x-{account}"):
            await operator.get(f"/proxy/{path}", integrated_account_id=account)
            await operator.get(f"/passthrough/{account}/{path}")
            await operator.get(f"/custom/{path}", integrated_account_id=account)
    text = (await operator.as_holder_of(None).get("/metrics")).content.decode()
    samples = [each for family in text_string_to_metric_families(text) for each in family.samples]
    labels = {name for each in samples for name in each.labels}
    assert labels <= {"face", "status", "le", "code", "integration", "direction", "version", "kind", "outcome"}
    assert {each.labels["status"] for each in samples if "status" in each.labels} <= {f"{n}xx" for n in range(1, 6)}
    assert {each.labels["face"] for each in samples if "face" in each.labels} == {"proxy", "custom", "passthrough"}
    assert {each.labels["integration"] for each in samples if "integration" in each.labels} == {"openai"}
    seen = {each.labels["code"] for each in samples if "code" in each.labels and each.value}
    assert seen == {"no_such_operation", "not_found"}
    assert len(samples) <= 200
    counted = sum(each.value for each in samples if each.name == "portico_calls_total")
    assert counted == 4 * 4 * 3
    for secret in (*accounts, str(operator.token), "tenant-1"):
        assert secret not in text
