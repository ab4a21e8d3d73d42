"""Health, settings and keys of the whole Portico: for owners alone, and without a secret."""

import pytest

from portico.settings import Settings, told
from portico.store.statement import Statement
from tests.faces.pages.conftest import Office

pytestmark = pytest.mark.asyncio(loop_scope="package")
PAGES = ("/admin/health", "/admin/settings", "/admin/keys")


async def test_health_tells_database_migrations_and_processes(office: Office) -> None:
    await office.owner.open("/admin/health")
    for told_ in ("all is well", "SQLite", "none is missing", "Processes"):
        assert told_ in office.owner.text, told_
    status = (await office.client.get("/status")).json
    assert status["migrations"]["newest"] in office.owner.text
    assert status["processes"][0]["host"] in office.owner.text


async def test_settings_are_told_with_their_source_and_no_secret(office: Office) -> None:
    await office.owner.open("/admin/settings")
    content = office.owner.page.content.decode()
    assert "PORTICO_PUBLIC_URL" in content
    assert office.gateway.parts.settings.public_url in content
    assert office.gateway.parts.settings.master_key not in content
    found = {each["name"]: each for each in (await office.client.get("/settings")).json["result"]}
    assert (found["PORTICO_MASTER_KEY"]["value"], found["PORTICO_MASTER_KEY"]["is_secret"]) == ("set", True)
    assert found["PORTICO_PUBLIC_URL"]["source"] == "program"
    assert found["PORTICO_LOG_DAYS"]["source"] == "default"


async def test_new_data_keys_are_begun_and_nothing_else(office: Office) -> None:
    await office.owner.open("/admin/keys")
    got = await office.owner.submit("/admin/keys", do="rotate", what="nonsense")
    assert (got.status, 'role="alert"' in got.content.decode()) == (400, True)
    assert (await office.owner.submit("/admin/keys", do="rotate", what="data")).status == 303
    await office.owner.open("/admin/keys")
    assert "Begun by olga" in office.owner.text
    rotation = (await office.client.get("/keys")).json["rotation"]
    assert rotation["what"] == "data"


@pytest.mark.parametrize("page", PAGES)
async def test_the_house_is_for_owners(office: Office, page: str) -> None:
    for browser in (office.operator, office.viewer):
        got = await browser.open(page)
        assert (got.status, "Ask an owner" in browser.text) == (403, True)


async def test_the_house_takes_an_operators_token(office: Office) -> None:
    body = {"name": "weak", "environment_id": office.environment, "scopes": ["accounts", "logs", "tokens"]}
    weak = office.client.as_holder_of((await office.client.post("/api-token", body)).json["token"])
    for path in ("/status", "/settings"):
        assert (await weak.get(path)).status == 403


async def test_a_setting_that_its_variable_gives_says_so() -> None:
    settings = Settings.read({"PORTICO_LOG_DAYS": "7", "PORTICO_VAULT_TOKEN": "hvs.secret"})
    found = {each.name: each for each in told(settings, {"PORTICO_LOG_DAYS": "7", "PORTICO_VAULT_TOKEN": "hvs.secret"})}
    assert found["PORTICO_LOG_DAYS"][1:3] == ("7", "environment")
    assert found["PORTICO_VAULT_TOKEN"][1:3] == ("set", "environment")
    assert found["PORTICO_DATABASE_URL"][1:3] == ("not set", "default")
    assert "hvs.secret" not in str(list(found.values()))


async def test_a_webhook_that_was_given_up_is_a_problem(office: Office) -> None:
    made = (
        await office.client.post(
            "/webhook", {"target_url": "http://127.0.0.1:9", "event_types": ["integrated_account:created"]}
        )
    ).json
    given_up = "UPDATE webhooks SET is_active = FALSE, disabled_reason = :reason WHERE id = :id"
    async with office.gateway.parts.database.transaction() as session:
        await session.run(Statement(given_up), reason="gone for days", id=made["id"])
    try:
        await office.owner.open("/admin/health")
        status = (await office.client.get("/status")).json
    finally:
        assert (await office.client.delete(f"/webhook/{made['id']}")).status == 200
    assert "needs somebody" in office.owner.text
    assert status["is_well"] is False
    assert status["problems"][0].startswith("Webhooks were given up after days of failing (1)")
