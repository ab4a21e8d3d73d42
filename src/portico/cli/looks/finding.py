"""What a look finds: one thing, whether it is well, and how it is mended."""

from typing import NamedTuple


class Finding(NamedTuple):
    """`mend` says what to do, also where all is well but could be better."""

    what: str
    is_well: bool
    found: str
    mend: str = ""


def well(what: str, found: str, advice: str = "") -> Finding:
    return Finding(what, True, found, advice)


def wrong(what: str, found: str, mend: str) -> Finding:
    return Finding(what, False, found, mend)
