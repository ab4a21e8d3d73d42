"""A client for Portico: `Portico` blocks, `AsyncPortico` is awaited, both know the same operations."""

from portico_client.client import Account, AsyncPortico, Portico
from portico_client.errors import (
    ApiError,
    Conflict,
    Gone,
    InvalidArguments,
    KeyReused,
    NotAllowed,
    NotAuthenticated,
    NotConnected,
    NotFound,
    PorticoError,
    RateLimited,
    ServerError,
    TimedOut,
    TooLarge,
    seconds_to_wait,
)
from portico_client.listing import AsyncListing, Listing, Page
from portico_client.retry import Retry
from portico_client.signatures import NotSigned, verify_webhook
from portico_client.stream import AsyncStream, Stream, StreamFailed
from portico_client.tools import ToolFailed, ToolResult
from portico_client.toolset import Tool, ToolManager
from portico_client.wire import OMIT, Binary, Omit

__all__ = [
    "OMIT",
    "Account",
    "ApiError",
    "AsyncListing",
    "AsyncPortico",
    "AsyncStream",
    "Binary",
    "Conflict",
    "Gone",
    "InvalidArguments",
    "KeyReused",
    "Listing",
    "NotAllowed",
    "NotAuthenticated",
    "NotConnected",
    "NotFound",
    "NotSigned",
    "Omit",
    "Page",
    "Portico",
    "PorticoError",
    "RateLimited",
    "Retry",
    "ServerError",
    "Stream",
    "StreamFailed",
    "TimedOut",
    "TooLarge",
    "Tool",
    "ToolFailed",
    "ToolManager",
    "ToolResult",
    "seconds_to_wait",
    "verify_webhook",
]
