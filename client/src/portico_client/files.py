"""Files that the gateway keeps for a day: tools take them as `{"file": id}` and answer with them."""

from typing import Any

from portico_client.drivers import Mode
from portico_client.hot import OfAccount
from portico_client.resource import operation
from portico_client.wire import Call, Flow, Json


class KeptFiles(OfAccount[Mode]):
    """Keep a file. Listing, links and deletion are with `client.files`."""

    @operation
    def keep(
        self, content: bytes, /, *, filename: str = "", content_type: str = "application/octet-stream"
    ) -> Flow[Json]:
        """Its id and a short-lived link. Only the account's own tools may use it, where there is an account."""
        query = self._query({"filename": filename or None})
        return self._value(Call("POST", "/file", query, content=content, content_type=content_type))

    @operation
    def fetch(self, url: str, /) -> Flow[Any]:
        """What stands at a link that a tool gave, at this gateway."""
        prefix = self.driver.target.url
        if not url.startswith(f"{prefix}/file/"):
            raise ValueError(f"{url!r} is not a link to a file of this gateway ({prefix}/file/…)")
        return self._value(Call("GET", url.removeprefix(prefix)))
