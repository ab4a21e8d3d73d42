"""How long a caller lets the gateway wait out a vendor's 429, as a query says it."""

from portico.gateway import retry
from portico.model.call import Patience


def read_patience(values: list[str] | None) -> Patience:
    return retry.asked_for(values[-1]) if values else Patience()
