"""The ledger: one entry per request, so that tests can see exactly what arrived. Keys are never written down."""

from portico.sandbox.keys import Keyring, fingerprint
from portico.sandbox.shapes import Json

Pairs = list[tuple[str, str]]


class Entry:
    """One request as it arrived. `status` is 0 until an answer begins, and stays 0 where none ever did."""

    def __init__(self, verb: str, raw_path: str, query: str, headers: Pairs) -> None:
        self.verb = verb
        self.raw_path = raw_path
        self.query = query
        self.headers = headers
        self.body_bytes = 0
        self.body_sha256 = ""
        self.at = 0.0
        self.status = 0
        self.request_id = ""

    def show(self) -> Json:
        return {
            "verb": self.verb,
            "path": self.raw_path,
            "query": self.query,
            "headers": self.headers,
            "body_bytes": self.body_bytes,
            "body_sha256": self.body_sha256,
            "at": self.at,
            "status": self.status,
            "request_id": self.request_id,
        }


def without_secrets(headers: Pairs, keys: Keyring) -> Pairs:
    """The same headers in the same order, with each key replaced by its id or, if unknown, by a fingerprint."""
    return [(name, _hide(value, keys) if name.lower() == "authorization" else value) for name, value in headers]


def _hide(value: str, keys: Keyring) -> str:
    scheme, _, secret = value.partition(" ")
    key = keys.find(secret)
    return f"{scheme} {key.id if key else fingerprint(secret)}"
