"""An account's tools: listed (and kept while nothing changes), and run by their names."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from portico_client.drivers import Driver, Mode
from portico_client.errors import InvalidArguments, PorticoError
from portico_client.hot import NO_ACCOUNT, OfAccount
from portico_client.resource import operation
from portico_client.retry import exchange
from portico_client.wire import Answer, Call, Flow, Json, is_record, query_of, segment

# What a class that has a method called list cannot say for itself.
Rows = list[Json]
SecretWay = Literal["reveal", "link", "store"]
_MOST_KEPT = 32


class ToolFailed(PorticoError):
    """The tool's result is an error. Its sentence says what is allowed and what to do next."""

    def __init__(self, result: "ToolResult") -> None:
        self.result = result
        self.retry_after = result.retry_after
        super().__init__(result.text)


@dataclass(frozen=True)
class ToolResult:
    """What a tool said: `content` are blocks as in MCP, `structured` the same as a value."""

    content: list[Json]
    structured: Any
    is_error: bool = False
    meta: Json = field(default_factory=dict[str, Any])

    @property
    def text(self) -> str:
        """What a model is to read: the text blocks, and a line for each thing that is not text."""
        return "\n".join(map(_line, self.content))

    @property
    def links(self) -> list[str]:
        """The addresses of the files that it made; `kept_files.fetch` gets one."""
        return [str(block["uri"]) for block in self.content if block.get("type") == "resource_link"]

    @property
    def retry_after(self) -> float | None:
        """How many seconds to wait before trying again, where that is what went wrong."""
        said: Any = self.structured.get("retry_after_seconds") if is_record(self.structured) else None
        return float(said) if isinstance(said, (int, float)) else None

    def checked(self) -> "ToolResult":
        """Itself; raises ToolFailed where it is an error."""
        if self.is_error:
            raise ToolFailed(self)
        return self


def _line(block: Json) -> str:
    if block.get("type") == "text":
        return str(block.get("text", ""))
    if block.get("type") == "resource_link":
        return f"{block.get('name')} ({block.get('mimeType')}): {block.get('uri')}"
    return f"[{block.get('type')}, {block.get('mimeType', 'unknown kind')}]"


class Tools(OfAccount[Mode]):
    """The tools endpoint of one account."""

    @property
    def is_async(self) -> bool:
        return self.driver.is_async

    def __init__(self, driver: Driver[Mode], account_id: str = "") -> None:
        super().__init__(driver, account_id)
        self._kept: dict[tuple[tuple[str, str], ...], Answer] = {}
        self._own_id = ""

    @operation
    def list(
        self,
        *,
        methods: Sequence[str] = (),
        tags: Sequence[str] = (),
        include_removed: bool = False,
        search: str = "",
        limit: int | None = None,
    ) -> Flow[Rows]:
        """Every tool that the account's keys allow. `methods`: read, write, custom, or a method's or tool's name;
        `tags`: areas; both together narrow. `search`: only what fits these words, best first."""
        return self._listed(methods, tags, include_removed, search, limit)

    @operation
    def run(
        self, name: str, arguments: Mapping[str, Any] | None = None, /, *, secrets: SecretWay | None = None, **more: Any
    ) -> Flow[ToolResult]:
        """The result, also where it is an error; `.checked()` raises then. Raised is what makes the call itself wrong:
        an unknown tool, a token that may not. `secrets`: how a key that is shown once is handed over; a link if absent.
        """
        return self._run(name, {**(arguments or {}), **more}, secrets)

    @operation
    def capabilities(self, *, methods: Sequence[str] = (), resource: str = "", tags: Sequence[str] = ()) -> Flow[Json]:
        """What the account can do, resource by resource."""
        account_id = yield from self._account()
        query = {"methods": ",".join(methods), "tags": ",".join(tags), "resource": resource}
        path = f"/integrated-account/{segment(account_id)}/capabilities"
        answer = yield from self._conditional(Call("GET", path, query_of(_filled(query))))
        return answer.value()

    def _listed(
        self,
        methods: Sequence[str],
        tags: Sequence[str],
        include_removed: bool = False,
        search: str = "",
        limit: int | None = None,
    ) -> Flow[Rows]:
        account_id = yield from self._account()
        query = {
            "methods": ",".join(methods),
            "tags": ",".join(tags),
            "include_removed": include_removed or "",
            "search": search,
            "limit": "" if limit is None else limit,
        }
        path = f"/integrated-account/{segment(account_id)}/tools"
        answer = yield from self._conditional(Call("GET", path, query_of(_filled(query))))
        return answer.value()["result"]

    def _run(self, name: str, arguments: Mapping[str, Any], secrets: SecretWay | None = None) -> Flow[ToolResult]:
        account_id = yield from self._account()
        path = f"/integrated-account/{segment(account_id)}/tools/{segment(name)}"
        # Never sent again by itself: whether the tool changes something, only the gateway knows.
        answer = yield from exchange(Call("POST", path, query_of({"secrets": secrets}), dict(arguments)), None)
        said = answer.value()
        return ToolResult(said["content"], said["structured"], said["is_error"], said.get("meta") or {})

    def _account(self) -> Flow[str]:
        """The account's id; asked for once, where an account token stands for it."""
        known = self.account_id or self._own_id
        if not known:
            try:
                known = (yield from self._value(Call("GET", "/integrated-account/me")))["id"]
            except InvalidArguments:
                raise ValueError(NO_ACCOUNT) from None  # an API token, which stands for no account
            self._own_id = known
        return known

    def _conditional(self, call: Call) -> Flow[Answer]:
        """The answer; where the gateway says that nothing has changed, the one that is known already."""
        place = (("", call.path), *call.query)
        known = self._kept.get(place)
        headers = {"if-none-match": known.headers["etag"]} if known else {}
        answer = yield from self._exchange(Call(call.verb, call.path, call.query, headers=headers))
        if answer.status == 304 and known is not None:
            return known
        if "etag" in answer.headers:
            while len(self._kept) >= _MOST_KEPT:
                self._kept.pop(next(iter(self._kept)))
            self._kept[place] = answer
        return answer


def _filled(query: Mapping[str, Any]) -> Json:
    return {name: value for name, value in query.items() if value != ""}
