"""Is a key that OpenAI lists the one that this account itself uses? Told by its end, all that we may see."""

from portico.gateway.lookup import Connected
from portico.shapes import Json

_SHOWN = 4


def is_own_key(connected: Connected, key: Json) -> bool:
    ours = str(connected.account.held.get("api_key", ""))[-_SHOWN:]
    theirs = str(key.get("redacted_value") or "")[-_SHOWN:]
    return len(ours) == _SHOWN and ours == theirs
