"""One call as the request log keeps it."""

from datetime import datetime

from msgspec import Struct

from portico.clock import from_milliseconds
from portico.model.account import EnvironmentId


class RequestRow(Struct, frozen=True, kw_only=True):
    """`at` is when the last byte had left, in milliseconds since 1970; ids ascend in the same order.

    What belongs to one request of a client (a tool and the calls that it makes) shares `request_id`.
    """

    id: str
    environment_id: EnvironmentId
    at: int
    account_id: str
    tenant_id: str
    integration: str
    face: str
    resource: str
    method: str
    verb: str
    path: str
    tool: str
    server_id: str
    client: str
    token_id: str
    request_id: str
    trace_id: str
    status: int
    code: str
    vendor_status: int
    vendor_request_id: str
    bytes_in: int
    bytes_out: int
    duration_us: int
    vendor_us: int
    status_class: int = 0
    problem: str = ""
    is_replay: bool = False
    model: str = ""
    input_tokens: int = 0
    cached_tokens: int = 0
    output_tokens: int = 0
    is_estimated: bool = False
    cost_nanos: int | None = None
    has_bodies: bool = False
    result_count: int | None = None

    @property
    def moment(self) -> datetime:
        return from_milliseconds(self.at)
