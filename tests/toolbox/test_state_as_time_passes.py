"""Reports on what changes by itself: what is left of a rate limit, keys that run out."""

import pytest

from tests.toolbox.conftest import Desk
from tests.toolbox.test_state_reports import KEYS, LIMITS, live, rows_of

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_rate_limit_check_says_what_was_left_when_it_was_last_seen(larkfield: Desk) -> None:
    """By the headers of the account's own last answer for that model; time has gone by since."""
    asked = {"model": "gpt-4o", "messages": [{"role": "user", "content": "Hello"}]}
    assert (await larkfield.stage.proxy("POST", "chat_completions", json=asked)).status == 200
    larkfield.time.pass_(7)
    found = [
        await larkfield.value(LIMITS, {"project_id": project.id, "model": "gpt-4o", "requests": 1})
        for project in live(larkfield)
    ]
    report = next(each for each in found if each["left"])
    allowed = {row["limit"]: row["allowed"] for row in rows_of(report["limits"])}
    assert report["left"]["seconds_ago"] == 7
    assert report["left"]["requests_then"] == allowed["requests per minute"] - 1
    others = [each for each in found if each["left"] is None]
    assert {str(each["incomplete"]) for each in others if each.get("incomplete")} <= {
        "[{'what': 'what is left', 'reason': \"the limits last seen are not this project's: the account's key is "
        "another's\"}]"
    }


async def test_key_that_has_expired_is_flagged_and_one_that_soon_will(larkfield: Desk) -> None:
    day = 86_400
    for name, seconds in (("gone", day), ("soon", 9 * day), ("later", 60 * day)):
        await larkfield.value("create_a_openai_admin_api_key", {"name": name, "expires_in_seconds": seconds})
    larkfield.time.pass_(2 * day)
    report = await larkfield.value(KEYS, {})
    flags = {row["key"]: row["flags"] for row in rows_of(report["keys"])}
    assert "expired" in flags["gone"].split(", ")
    assert "expires within 14 days" in flags["soon"]
    assert "expire" not in flags["later"]
    assert report["total"]["expired"] == 1
