"""/batch-request: several calls of one account in one request, each with what came of those before it."""

from typing import Any

from msgspec import Struct

from portico.faces.batch.plan import Wanted, ordered
from portico.faces.batch.run import Batch
from portico.faces.endpoint import Asked, Endpoint
from portico.model.account import AccountId


class BatchBody(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`args` are what `{{args.…}}` in the requests stands for."""

    integrated_account_id: str
    resources: list[Wanted]
    args: dict[str, Any] = {}


class BatchAnswer(Struct, frozen=True, kw_only=True):
    """By the name of each request, or its resource: its records, and its errors, each as a failed call answers."""

    result: dict[str, list[Any]]
    errors: dict[str, list[dict[str, Any]]]


async def run_batch(asked: Asked) -> Any:
    body: BatchBody = asked.body
    wanted = ordered(body.resources)
    account_id = AccountId(body.integrated_account_id)
    connected = await asked.parts.lookup.connected(asked.environment_id, account_id)
    return await Batch(asked.caller, connected, asked.parts, asked.request_id, body.args).run(wanted)


ENDPOINTS = (
    Endpoint(
        verb="POST", path="/batch-request", name="runBatch", tag="Batches", scope="call:read", is_dropped=True,
        summary="Make several calls of one account",
        description="Lists are followed to their end. `depends_on` and `loop_on` name requests of the same batch; "
        "`{{resources.<name>.<field>}}` stands for what came of them. A request that fails leaves an error under its "
        "name, and only those that depend on it are not made.",
        handler=run_batch, body=BatchBody, returns=BatchAnswer,
    ),
)  # fmt: skip
