"""Which sites may show the pages on which customers connect: told by origin, none unless an environment allows it."""

from collections.abc import Sequence
from typing import Literal, get_args

from msgspec import Struct

from portico.errors import Failure, InvalidArguments, Refusal
from portico.gateway.oauth import redirects
from portico.store.link_pages import LinkPage

MOST_ORIGINS = 50
Mode = Literal["iframe", "popup", "window"]
MODES: tuple[str, ...] = get_args(Mode)
_DEFAULT_PORT = ":443"


class OriginRefused(Refusal):
    """This site may not show the page; its origin has to be allowed in the environment's link page first."""

    status = 403
    code = "origin_refused"


class Place(Struct, frozen=True, kw_only=True):
    """Where a page is shown: by itself, or by a site in a frame, in a window of its own or in place of the site."""

    mode: Mode | Literal[""] = ""
    origin: str = ""
    return_to: str = ""

    @property
    def frame_ancestor(self) -> str:
        return self.origin if self.mode == "iframe" else ""

    @property
    def listener(self) -> str:
        """The only origin that may hear how it went."""
        return self.origin if self.mode in {"iframe", "popup"} else ""


def origin_of(text: str) -> str:
    """The origin that this is, as browsers write it; empty where it is none that may be allowed."""
    read = redirects.read(text.removesuffix("/"))
    if read is None or read.uri.lower() != read.source.lower():
        return ""
    return read.source if read.is_local else read.source.removesuffix(_DEFAULT_PORT)


def checked_origins(given: Sequence[str]) -> tuple[str, ...]:
    """Each once, as browsers write them."""
    if len(given) > MOST_ORIGINS:
        raise InvalidArguments([Failure("allowed_origins", f"has {len(given)} origins", f"at most {MOST_ORIGINS}")])
    origins = [origin_of(each.strip()) for each in given]
    allowed = "https:// and a host without a path, or http:// on this computer"
    failures = [
        Failure(f"allowed_origins[{number}]", f"{given[number]!r} is no origin", allowed)
        for number, origin in enumerate(origins)
        if not origin
    ]
    if failures:
        raise InvalidArguments(failures)
    return tuple(dict.fromkeys(origins))


def check_origin(origin: str, page: LinkPage) -> None:
    if origin not in page.allowed_origins:
        raise OriginRefused(
            f"The site {origin or 'that asks'} may not show this page. Add it to the environment's allowed_origins: "
            f"on the admin page Link page, with `portico link page --allow`, or with PATCH /link-page."
        )


def place_of(asked: dict[str, str], page: LinkPage) -> Place:
    """`asked`: the address's parameters mode, origin and return_to; OriginRefused where the site may not."""
    mode, origin = asked.get("mode", ""), asked.get("origin", "")
    if not mode and not origin:
        return Place()
    if mode not in MODES:
        raise InvalidArguments([Failure("mode", f"is {mode!r}", " or ".join(MODES))])
    check_origin(origin, page)
    return Place(mode=_modes[mode], origin=origin, return_to=_within(origin, asked.get("return_to", "")))


_modes: dict[str, Mode] = {"iframe": "iframe", "popup": "popup", "window": "window"}


def _within(origin: str, return_to: str) -> str:
    """Back to the same site, never to another."""
    read = redirects.read(return_to) if return_to else None
    if read is None:
        return origin + "/"
    if origin_of(read.source) != origin:
        raise OriginRefused("A person is only sent back to the site that they came from.")
    return read.uri
