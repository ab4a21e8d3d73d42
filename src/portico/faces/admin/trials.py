"""/integrated-account/{id}/unified-override/test: a proposed override on a live record, before it is kept."""

from typing import Any

from msgspec import Struct

from portico.errors import Failure, InvalidArguments
from portico.faces.admin.accounts import found
from portico.faces.admin.override_versions import TAG
from portico.faces.endpoint import Asked, Endpoint
from portico.unified.overrides import Level
from portico.unified.request import Ask
from portico.unified.trial import Trial, try_out

MOST = 50


class TrialBody(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`level` says in whose place the override is tried. `query` holds filters, as the Unified API takes them."""

    override: dict[str, Any]
    model: str
    resource: str
    level: Level = "account"
    method: str = "list"
    record_id: str = ""
    query: dict[str, Any] = {}
    limit: int = 5


async def try_override(asked: Asked) -> Any:
    body: TrialBody = asked.body
    account = await found(asked, asked.path["id"])
    if not 1 <= body.limit <= MOST:
        raise InvalidArguments([Failure("limit", f"is {body.limit}", f"1 to {MOST}")])
    method = "get" if body.record_id else body.method
    ask = Ask(
        account_id=account.id, model=body.model, resource=body.resource, method=method,
        id=body.record_id, query=body.query, limit=body.limit, request_id=asked.request_id,
    )  # fmt: skip
    return await try_out(asked.caller, account, body.level, body.override, ask, asked.parts)


ENDPOINTS = (
    Endpoint(
        verb="POST", path="/integrated-account/{id}/unified-override/test", name="testUnifiedOverride", tag=TAG,
        summary="Try an override of the unified mappings on a live record",
        description="Reads from the vendor once and maps it as now and as proposed. Nothing is kept.",
        handler=try_override, body=TrialBody, returns=Trial, scope="accounts",
    ),
)  # fmt: skip
