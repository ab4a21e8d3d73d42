"""How long a caller lets the gateway wait out a vendor's 429, as a query says it."""

from portico.errors import Failure, InvalidArguments
from portico.model.call import Patience

LONGEST_SECONDS = 300.0


def read_patience(values: list[str] | None) -> Patience:
    if not values:
        return Patience()
    try:
        seconds = float(values[-1])
    except ValueError:
        seconds = -1.0
    if not 0 <= seconds <= LONGEST_SECONDS:
        raise InvalidArguments(
            [Failure("portico_retry", "must be seconds to wait at most", f"0 to {LONGEST_SECONDS:.0f}")]
        )
    return Patience(max_seconds=seconds)
