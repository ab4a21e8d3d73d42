"""A program under test: what it is called, how it is asked, and the process that answers."""

from dataclasses import dataclass, field
from pathlib import Path

from bench.asked import Request
from bench.machine import Running
from bench.scenarios import plain_requests


@dataclass(frozen=True)
class Contestant:
    """`requests` by a scenario's `asks`; what is missing there, the program cannot do."""

    name: str
    version: str
    running: Running
    requests: dict[str, Request]
    is_slow: bool = False


@dataclass(frozen=True)
class Place:
    """Where contestants are started: the vendor behind them, a folder for their files, what they need to know."""

    vendor_port: int
    folder: Path
    transfer_bytes: int
    events: int
    key: str = "sk-proj-bench"
    tools: list[dict[str, object]] = field(default_factory=list[dict[str, object]])

    def plain_requests(self, port: int, prefix: str, key: str) -> dict[str, Request]:
        """The vendor's own API under a prefix, asked for as much as this run is about."""
        return plain_requests(port, prefix, key, self.transfer_bytes, self.events)

    @property
    def vendor_url(self) -> str:
        return f"http://127.0.0.1:{self.vendor_port}/v1"
