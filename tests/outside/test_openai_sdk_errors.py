"""What goes wrong through passthrough raises what the official SDK raises for OpenAI itself."""

import json
from typing import Any

import openai
import pytest
from openai import AsyncOpenAI, OpenAI

from portico.sandbox.faults import from_body
from tests.gateways import Got
from tests.outside.sdk import Sdk, every, opened, settled
from tests.served import Served, asked, exchanged
from tests.stage import PROJECT_KEY

pytestmark = pytest.mark.outside

HELLO: Any = [{"role": "user", "content": "Say: one"}]
END = b"\n\n"
KINDS = pytest.mark.parametrize("kind", [OpenAI, AsyncOpenAI], ids=["sync", "async"])
Kind = type[OpenAI] | type[AsyncOpenAI]


def spoil(house: Served, fault: str, times: int | None = None) -> None:
    house.world.faults.append(from_body({"fault": fault, "match": {"path": "/v1/"}, "times": times}))
    house.world.requests.clear()


@KINDS
async def test_a_wrong_token_is_an_authentication_error_in_the_vendors_form(house: Served, kind: Kind) -> None:
    async with opened(kind, house.passthrough, "ptc_api_not_a_token") as wrong:
        with pytest.raises(openai.AuthenticationError) as refused:
            await settled(wrong.ask.models.list())
    assert (refused.value.code, refused.value.type) == ("not_authenticated", "portico_error")
    assert "token" in str(refused.value)
    assert list(house.world.requests) == []


@KINDS
async def test_an_unknown_account_is_a_not_found_error(house: Served, kind: Kind) -> None:
    address = f"{house.url}/passthrough/00000000-0000-7000-8000-000000000000"
    async with opened(kind, address, house.token) as lost:
        with pytest.raises(openai.NotFoundError) as refused:
            await settled(lost.ask.models.list())
    assert (refused.value.code, refused.value.type) == ("not_found", "portico_error")


async def test_what_the_vendor_does_not_have_is_told_in_its_own_words(both: Sdk) -> None:
    with pytest.raises(openai.NotFoundError) as refused:
        await settled(both.ask.models.retrieve("gpt-unheard-of"))
    assert (refused.value.code, refused.value.type) == ("model_not_found", "invalid_request_error")
    assert refused.value.request_id


async def test_arguments_the_vendor_refuses_name_their_place(both: Sdk) -> None:
    with pytest.raises(openai.BadRequestError) as refused:
        await settled(both.ask.chat.completions.create(model="gpt-4o", messages=[]))
    assert refused.value.param == "messages"


@pytest.mark.parametrize(
    ("status", "raised"),
    [
        (400, openai.BadRequestError),
        (401, openai.AuthenticationError),
        (403, openai.PermissionDeniedError),
        (404, openai.NotFoundError),
        (409, openai.ConflictError),
        (422, openai.UnprocessableEntityError),
        (429, openai.RateLimitError),
        (500, openai.InternalServerError),
        (503, openai.InternalServerError),
    ],
)
async def test_every_status_of_the_vendors_raises_its_own_exception_and_is_not_tried_again(
    both: Sdk, house: Served, status: int, raised: type[openai.APIStatusError]
) -> None:
    spoil(house, f"status={status};retry-after=7" if status == 429 else f"status={status}")
    once = Sdk(both.client.with_options(max_retries=0))
    with pytest.raises(raised) as refused:
        await settled(once.ask.chat.completions.create(model="gpt-4o", messages=HELLO))
    assert refused.value.status_code == status
    assert refused.value.response.headers.get("retry-after") == ("7" if status == 429 else None)
    assert len(house.world.requests) == 1


async def test_the_sdks_own_retries_are_what_gets_over_a_short_trouble(both: Sdk, house: Served) -> None:
    spoil(house, "status=503", times=1)
    answer = await settled(both.ask.chat.completions.create(model="gpt-4o", messages=HELLO))
    assert answer.choices[0].message.content == "one"
    assert len(house.world.requests) == 2
    assert [dict(entry.headers).get("x-stainless-retry-count") for entry in house.world.requests] == ["0", "1"]


async def test_a_vendor_that_hangs_up_is_a_failure_of_the_servers(both: Sdk, house: Served) -> None:
    spoil(house, "reset")
    once = Sdk(both.client.with_options(max_retries=0))
    with pytest.raises(openai.InternalServerError) as refused:
        await settled(once.ask.chat.completions.create(model="gpt-4o", messages=HELLO))
    assert (refused.value.status_code, refused.value.type) == (502, "portico_error")
    assert len(house.world.requests) == 1


async def test_a_stream_that_breaks_off_after_an_event_says_why(both: Sdk, house: Served) -> None:
    body = json.dumps({"model": "gpt-4o", "messages": HELLO, "stream": True}).encode()
    headers = {"authorization": f"Bearer {PROJECT_KEY}", "content-type": "application/json"}
    said = exchanged(house.direct, "POST", "/chat/completions", headers, body).content
    spoil(house, f"truncate={said.index(END) + len(END)}")
    stream = await settled(both.ask.chat.completions.create(model="gpt-4o", messages=HELLO, stream=True))
    with pytest.raises(openai.APIError, match="closed the connection before its answer was complete"):
        await every(stream)


async def test_a_stream_that_breaks_off_within_an_event_raises(both: Sdk, house: Served) -> None:
    """Nothing can be said after half an event; that the connection broke is what is told."""
    spoil(house, "truncate=40")
    stream = await settled(both.ask.chat.completions.create(model="gpt-4o", messages=HELLO, stream=True))
    with pytest.raises(openai.APIConnectionError):
        await every(stream)


@KINDS
async def test_an_account_without_the_key_that_is_needed_says_which(house: Served, kind: Kind) -> None:
    account = connect(house, "no-admin", {"api_key": "sk-proj-noadmin"})
    async with opened(kind, f"{house.url}/passthrough/{account}", house.token) as narrow:
        once = Sdk(narrow.client.with_options(max_retries=0))
        with pytest.raises(openai.ConflictError, match="admin API key") as refused:
            await settled(once.ask.admin.organization.projects.list())
    assert refused.value.code == "key_missing"


@KINDS
async def test_a_blocked_account_answers_503(house: Served, kind: Kind) -> None:
    account = connect(house, "blocked", {"api_key": "sk-proj-blocked"})
    assert asked(house, "PATCH", f"/integrated-account/{account}", {"status": "blocked"}).status == 200
    async with opened(kind, f"{house.url}/passthrough/{account}", house.token) as blocked:
        once = Sdk(blocked.client.with_options(max_retries=0))
        with pytest.raises(openai.InternalServerError) as refused:
            await settled(once.ask.models.list())
    assert (refused.value.status_code, refused.value.code) == (503, "account_blocked")


def connect(house: Served, tenant: str, context: dict[str, str]) -> str:
    body = {"tenant_id": tenant, "integration": "openai", "context": context}
    made: Got = asked(house, "POST", "/integrated-account", body)
    assert made.status == 201, made.content
    return made.json["id"]
