"""Session descriptions: answers the offer of a WebRTC client, line by line, as a server that takes audio and data."""

import random
import re

from portico.sandbox.ids import LETTERS
from portico.sandbox.refusals import invalid

# An address of the documentation range: nobody listens there.
HOST, PORT = "192.0.2.10", 3478
PASSED_ON = ("a=mid:", "a=rtpmap:", "a=fmtp:", "a=rtcp-fb:", "a=sctp-port:", "a=max-message-size:")
OPPOSITE = {"sendonly": "recvonly", "recvonly": "sendonly", "inactive": "inactive"}
DIRECTION = re.compile(r"a=(sendrecv|sendonly|recvonly|inactive)")


def answer(offer: str, source: random.Random, param: str) -> str:
    """The answer to an offer, or OpenAI's 400 where there is no offer or no audio in it."""
    lines = offer.replace("\r\n", "\n").strip().split("\n")
    if lines[0] != "v=0" or not any(line.startswith("m=audio ") for line in lines):
        raise invalid("This is not a WebRTC offer with audio.", param, "invalid_offer")
    first = next(place for place, line in enumerate(lines) if line.startswith("m="))
    user, password = (f"a=ice-{name}:{_letters(source, length)}" for name, length in (("ufrag", 8), ("pwd", 24)))
    prints = ":".join(f"{source.randrange(256):02X}" for _ in range(32))
    head = [
        "v=0",
        f"o=- {source.randrange(10**18)} 2 IN IP4 127.0.0.1",
        "s=-",
        "t=0 0",
        *(line for line in lines[:first] if line.startswith("a=group:")),
        "a=msid-semantic:WMS *",
        f"a=fingerprint:sha-256 {prints}",
    ]
    body = [made for section in _sections(lines[first:]) for made in _section(section, [user, password])]
    return "".join(f"{line}\r\n" for line in (*head, *body))


def _sections(lines: list[str]) -> list[list[str]]:
    sections: list[list[str]] = []
    for line in lines:
        if line.startswith("m="):
            sections.append([])
        sections[-1].append(line)
    return sections


def _section(lines: list[str], ice: list[str]) -> list[str]:
    """One medium: what was offered is taken; a video is turned down with port 0."""
    kind, _, rest = lines[0].removeprefix("m=").partition(" ")
    _, _, formats = rest.partition(" ")
    passed = [line for line in lines[1:] if line.startswith(PASSED_ON)]
    if kind not in ("audio", "application"):
        return [f"m={kind} 0 {formats}", "c=IN IP4 0.0.0.0", *(line for line in passed if line.startswith("a=mid:"))]
    offered = next((found[1] for line in lines if (found := DIRECTION.fullmatch(line))), "sendrecv")
    sound = [f"a={OPPOSITE.get(offered, 'sendrecv')}", "a=rtcp-mux"] if kind == "audio" else []
    candidate = f"a=candidate:1 1 udp 2130706431 {HOST} {PORT} typ host"
    return [f"m={kind} {PORT} {formats}", f"c=IN IP4 {HOST}", *ice, "a=setup:passive", *passed, *sound, candidate]


def _letters(source: random.Random, length: int) -> str:
    return "".join(source.choices(LETTERS, k=length))
