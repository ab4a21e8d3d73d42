"""What somebody wants done who asks for a tool: from verbs, turns of phrase, and how a question begins. Pure."""

import re
from collections.abc import Mapping
from typing import NamedTuple

from portico.toolbox.words import spelt, stem

# By method: the words, and the phrases, that ask for it.
_SAID = {
    "list": """
        list lists all every everybody everyone everything show which who many still open overview
        figures numbers table count
        """,
    "get": """
        get retrieve one single details detail look status far finished done whose ready yet still when details check
        inspect current progress state
        """,
    "create": """
        create creates creating make add new start build put invite ask give turn write draw set teach clone open upload
        need launch generate register issue mint assign grant attach store keep bring define another fresh run send
        """,
    "update": """
        update change edit rename set modify let cap stop raise lower call promote keep give allow move replace
        adjust increase decrease double reduce limit restrict forbid ban tag label switch correct wrong misspelled
        block widen narrow bump
        """,
    "delete": """
        delete remove drop throw away kick revoke rid erase take back left leave unassign detach withdraw obsolete
        outdated destroy wipe purge clean forget kill lose disconnect lift unsubscribe unlink
        """,
    "cancel": "cancel stop abort halt end quit",
    "pause": "pause halt interrupt hold suspend freeze",
    "resume": "resume continue go on again carry back unpause",
    "content": "download fetch text back read bytes content save zip",
    "search": "search find look passages",
    "activate": "activate switch on enable turn accept trust",
    "deactivate": "deactivate switch off disable turn",
    "validate": "validate check test works correct valid verify",
    "archive": "archive close shut",
    "test": "test sample try",
    "run": "run try execute",
}
_PHRASES = {
    "delete": ("any more", "anymore", "any longer", "no longer", "nobody needs", "dont need", "do not need", "must go"),
    "update": ("must not", "may not", "should not", "too many", "too much", "instead of"),
    "pause": ("on hold",),
    "get": ("does it", "is there", "has it", "how far", "how big"),
}
_VERBS = {"GET": ("list", "get", "content"), "POST": ("create", "update"), "DELETE": ("delete",)}
_VERB = re.compile(r"\b(?:GET|POST|DELETE)\b|^\s*(?:get|post|delete)\s+(?=\S*/)", re.ASCII)
_QUESTION = frozenset(spelt("is are am was were does do did has have when why how what which who whose where may"))
_PREAMBLE = frozenset(spelt("please can could would will you i we d like want need to help me us how do let s just"))
_METHODS = {
    word: frozenset(method for method, said in _SAID.items() if word in said.split())
    for said_of_one in _SAID.values()
    for word in said_of_one.split()
}
KNOWN = frozenset(_METHODS)
# Of these, the ones that name a thing of an API as often as what is to be done with it.
_THINGS = frozenset(
    spelt(
        "limit run search test content text label tag table figures count store sample state status issue progress"
        " write read draw teach clone promote raise register grant attach block ban purge conversation talk download"
    )
)
BARE = frozenset(stem(word) for word in KNOWN - _THINGS)
_FIRST, _LATER = 1.0, 0.6


class Meant(NamedTuple):
    """How much each method is meant, from 0 to 1; `reads`: a question, which changes nothing; `verb`: of HTTP."""

    methods: Mapping[str, float]
    reads: bool
    verb: str


def meant(query: str, mended: str) -> Meant:
    """`mended`: the query's words, slips mended."""
    said = mended.split()
    methods: dict[str, float] = {}
    for word in said:
        methods.update(dict.fromkeys(_METHODS.get(word, ()), _LATER))
    for method, phrases in _PHRASES.items():
        if any(phrase in mended for phrase in phrases):
            methods[method] = _FIRST
    leading = next((word for word in said if word not in _PREAMBLE), "")
    methods.update(dict.fromkeys(_METHODS.get(leading, ()), _FIRST))
    if leading in ("a", "an"):
        methods["create"] = _FIRST
    verb = next((found.group().strip().upper() for found in _VERB.finditer(query)), "")
    methods.update(dict.fromkeys(_VERBS.get(verb, ()), _FIRST))
    return Meant(methods, bool(said) and said[0] in _QUESTION, verb)
