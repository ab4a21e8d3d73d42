"""Mappings on admin pages: tried without a trace, saved, compared and rolled back, for an account or for all."""

import json
from typing import Any

import pytest

from tests.faces.pages.conftest import Office
from tests.gateways import Got

pytestmark = pytest.mark.asyncio(loop_scope="package")
LEVELS = pytest.mark.parametrize("level", ["account", "environment"])


def changes(**fields: Any) -> str:
    return json.dumps({"user-directory": {"users": {"every": {"response_mapping": fields}}}})


class Page:
    """The page of one level, and the override behind it."""

    def __init__(self, office: Office, level: str) -> None:
        self.office, self.level = office, level
        self.path = office.at(f"/accounts/{office.account_id}/mappings")

    async def open(self, **query: str) -> str:
        pairs = "&".join(f"{name}={value}" for name, value in {"level": self.level, **query}.items())
        got = await self.office.operator.open(f"{self.path}?{pairs}")
        assert got.status == 200, self.office.operator.text
        return self.office.operator.text

    async def send(self, do: str, **fields: str) -> Got:
        return await self.office.operator.submit(self.path, {"level": self.level, **fields}, do=do)

    async def now(self) -> Any:
        place = f"/integrated-account/{self.office.account_id}"
        if self.level == "environment":
            installed = (await self.office.client.get("/environment-integration")).json["result"][0]["id"]
            place = f"/environment-integration/{installed}"
        return (await self.office.client.get(f"{place}/unified-override")).json


@LEVELS
async def test_a_change_is_tried_saved_compared_and_rolled_back(office: Office, level: str) -> None:
    page = Page(office, level)
    before = (await page.now())["version"]
    text = changes(is_owner='response.role = "owner"', avatar=None)
    await page.open()
    tried = await page.send("try", override=text, resource="user-directory/users")
    assert tried.status == 200, office.operator.text
    assert "is_owner added true" in office.operator.text
    assert (await page.now())["version"] == before
    saved = await page.send("save", override=text, version=str(before))
    assert saved.status == 303, office.operator.text
    await office.operator.follow()
    assert "The mappings are changed" in office.operator.text
    assert (await page.now())["override"] == json.loads(text)
    assert json.loads(office.operator.forms[-1].fields.get("override", text)) == json.loads(text)
    await page.send("save", override=changes(is_owner="false"), version=str(before + 1))
    shown = await page.open(compare=str(before + 2))
    assert f"What version {before + 2} changed" in shown
    assert "response_mapping.is_owner changed" in shown
    assert (await page.send("restore", restored=str(before + 1))).status == 303
    await office.operator.follow()
    assert "rolled back, as a new version" in office.operator.text
    now = await page.now()
    assert (now["override"], now["restored_from"], now["changed_by_name"]) == (json.loads(text), before + 1, "omar")
    await page.open()
    assert (await page.send("save", override=" ", version=str(now["version"]))).status == 303
    assert (await page.now())["override"] == {}


@LEVELS
async def test_what_cannot_be_used_is_told_and_stays_written(office: Office, level: str) -> None:
    page = Page(office, level)
    now = await page.now()
    for do in ("try", "save"):
        for text, words in (
            ("{", "is not JSON"),
            ("[]", "an object of models"),
            ('{"shoes": {}}', "not a unified model"),
        ):
            await page.open()
            got = await page.send(do, override=text, resource="user-directory/users", version=str(now["version"]))
            assert (got.status, words in office.operator.text) == (400, True), office.operator.text
            assert text in got.content.decode().replace("&#34;", '"')
    failing = changes(kind='$error("no such thing")')
    await page.send("try", override=failing, resource="user-directory/users")
    assert "no such thing" in office.operator.text
    assert await page.now() == now


async def test_what_somebody_else_saved_meanwhile_is_not_lost_unseen(office: Office) -> None:
    page = Page(office, "account")
    now = await page.now()
    await page.open()
    place = f"/integrated-account/{office.account_id}"
    await office.client.patch(place, {"unified_model_override": json.loads(changes(floor="1"))})
    got = await page.send("save", override=changes(floor="2"), version=str(now["version"]))
    assert (got.status, "Meanwhile" in office.operator.text) == (409, True)
    assert (await page.now())["override"] == json.loads(changes(floor="1"))
    await office.client.patch(place, {"unified_model_override": {}})


async def test_a_viewer_sees_them_and_is_offered_nothing(office: Office) -> None:
    page = Page(office, "account")
    await office.viewer.open(page.path)
    content = office.viewer.page.content.decode()
    assert "Mappings of the Unified API" in content
    assert 'value="save"' not in content
    assert 'value="restore"' not in content
