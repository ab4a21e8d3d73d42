"""Times in options, as people say them."""

from portico.clock import iso, now


def moment(text: str, option: str) -> str:
    """When that is, in UTC where no zone is said, as the API takes it; nothing stays nothing."""
    if not text:
        return ""
    from portico.toolbox.dates import read_range

    return iso(read_range(text, now(), argument=option).start)
