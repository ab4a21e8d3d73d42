"""The unified usage meter as a client sees it, and the same figures added up from the sandbox's own rows."""

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from portico.sandbox.charges import charges
from portico.sandbox.state import DEMO, Usage
from tests.gateways import Got
from tests.toolbox.conftest import Desk

START, END = "2026-11-09", "2026-11-12"
NANO = 10**9
# What each split is in the sandbox's rows.
SPLITS: dict[str, Callable[[Usage], Any]] = {
    "workspace": lambda used: used.project_id,
    "user": lambda used: used.user_id or None,
    "api_key": lambda used: used.api_key_id or None,
    "model": lambda used: used.model or None,
    "surface": lambda used: used.labels.get("api_source", "unlabeled"),
}
Sums = Counter[tuple[str, ...]]


@dataclass
class Meter:
    """Asks the meter for one account over three days, unless other times are given."""

    desk: Desk

    async def send(self, path: str, **query: Any) -> Got:
        times = {"start_date": START, "end_date": END} if path == "usage" else {}
        given = {"integrated_account_id": self.desk.stage.account_id, **times, **query}
        given = {name: value for name, value in given.items() if value is not None}
        return await self.desk.stage.client.send("GET", f"/unified/usage-metering/{path}", query=given)

    async def got(self, path: str, **query: Any) -> Any:
        answer = await self.send(path, **query)
        assert answer.status == 200, answer.content
        return answer.json

    async def all(self, path: str = "usage", limit: int = 500, **query: Any) -> list[Any]:
        found: list[Any] = []
        cursor = ""
        for _ in range(300):
            page = await self.got(path, limit=limit, next_cursor=cursor, **query)
            assert len(page["result"]) <= limit
            found += page["result"]
            cursor = page["next_cursor"]
            if cursor is None:
                return found
        raise AssertionError("the list does not end")

    async def refused(self, path: str = "usage", **query: Any) -> Got:
        answer = await self.send(path, **query)
        assert answer.status == 400, answer.content
        return answer

    def rows(self, start: str = START, end: str = END) -> Iterator[Usage]:
        first, last = seconds(start), seconds(end)
        everything = self.desk.stage.world.organizations[DEMO].all_usage()
        return (each for each in everything if first <= each.at < last)

    def spent(self, split: str) -> Counter[str | None]:
        """Nano-dollars by what they are split by."""
        found: Counter[str | None] = Counter()
        for used in self.rows():
            for charge in charges(used):
                key = charge.line_item if split == "line_item" else SPLITS[split](used)
                found[key] += charge.nano_dollars
        return found

    def counted(self, *splits: str) -> Sums:
        """Whatever is counted, by product, by metric, and by what it is split by."""
        found: Sums = Counter()
        for used in self.rows():
            place = tuple(str(SPLITS[each](used)) for each in splits)
            amounts = (
                {"num_model_requests": 1, **used.amounts}
                if "num_model_requests" in METERED[used.kind]
                else used.amounts
            )
            for metric, amount in amounts.items():
                if metric in METERED[used.kind] and amount:
                    found[used.kind, metric, *place] += amount
        return found


TOKENS = (
    "num_model_requests", "input_tokens", "input_cached_tokens", "input_cache_write_tokens", "input_audio_tokens",
    "input_image_tokens", "output_tokens", "output_audio_tokens", "output_image_tokens",
)  # fmt: skip
METERED: dict[str, tuple[str, ...]] = {
    "completions": TOKENS,
    "decisions": TOKENS,
    "embeddings": ("num_model_requests", "input_tokens"),
    "moderations": ("num_model_requests", "input_tokens"),
    "images": ("num_model_requests", "images"),
    "audio_speeches": ("num_model_requests", "characters"),
    "audio_transcriptions": ("num_model_requests", "seconds"),
    "vector_stores": ("usage_bytes",),
    "code_interpreter_sessions": ("num_sessions",),
    "file_search_calls": ("num_requests",),
    "web_search_calls": ("num_requests", "num_model_requests"),
}


def seconds(moment: str) -> int:
    return int(datetime.fromisoformat(moment).replace(tzinfo=UTC).timestamp())


def resource(record: Any, kind: str) -> str | None:
    return next((each["id"] for each in record["resources"] if each["type"] == kind), None)


def amount(record: Any) -> Decimal:
    (charge,) = record["charges"]
    assert charge["currency"] == "USD"
    return Decimal(charge["amount"])


def quantities(records: list[Any], *splits: str) -> Sums:
    found: Sums = Counter()
    for each in records:
        place = tuple(str(resource(each, kind)) for kind in splits)
        found[each["product"]["id"], each["metric_name"], *place] += each["usage"]["quantity"]
    return found
