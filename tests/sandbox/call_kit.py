"""For tests of calls: the offer of a browser, and a look at all calls there are."""

from typing import Any

from bare_http import Caller

OFFER = "\r\n".join(
    (
        "v=0",
        "o=- 46117317 2 IN IP4 127.0.0.1",
        "s=-",
        "t=0 0",
        "a=group:BUNDLE 0 1 2",
        "m=audio 9 UDP/TLS/RTP/SAVPF 111 0",
        "c=IN IP4 0.0.0.0",
        "a=mid:0",
        "a=ice-ufrag:abcd",
        "a=ice-pwd:abcdefghijklmnopqrstuvwx",
        "a=setup:actpass",
        "a=sendonly",
        "a=rtpmap:111 opus/48000/2",
        "a=rtpmap:0 PCMU/8000",
        "m=application 9 UDP/DTLS/SCTP webrtc-datachannel",
        "a=mid:1",
        "a=sctp-port:5000",
        "m=video 9 UDP/TLS/RTP/SAVPF 96",
        "a=mid:2",
        "",
    )
)


def calls(call: Caller) -> list[dict[str, Any]]:
    return call("GET", "/_sandbox/calls").json["data"]
