"""Transcripts: what is said in a recording, cut into timed parts, and written in the formats for subtitles.

What the emulator spoke itself is known word by word. For other recordings it makes up sentences from their bytes.
"""

import hashlib
from dataclasses import dataclass
from itertools import cycle

from portico.sandbox.mind import tokens

WORDS_PER_SECOND = 2.5
WORDS_PER_SENTENCE = 8
MOST_SENTENCES = 5_000
SUBJECTS = (
    *("The night train", "Our neighbour", "A grey heron", "The old printer"),
    *("My sister", "The committee", "A late customer", "The lighthouse keeper"),
)
DEEDS = ("looked at", "carried home", "asked about", "painted over", "waited for", "counted", "forgot", "repaired")
THINGS = ("the kettle", "a red ladder", "the figures", "two umbrellas", "the garden gate", "a map", "the bell", "bread")
PLACES = (
    "before breakfast",
    "in the harbour",
    "without a word",
    "on the third floor",
    "after the storm",
    "by the river",
)

LANGUAGES = {
    "ar": "arabic",
    "de": "german",
    "en": "english",
    "es": "spanish",
    "fr": "french",
    "hi": "hindi",
    "it": "italian",
    "ja": "japanese",
    "ko": "korean",
    "nl": "dutch",
    "pl": "polish",
    "pt": "portuguese",
    "ru": "russian",
    "sv": "swedish",
    "tr": "turkish",
    "uk": "ukrainian",
    "zh": "chinese",
}


@dataclass(frozen=True, slots=True)
class Part:
    """Something said, and from when to when, in seconds."""

    text: str
    start: float
    end: float


def invent(content: bytes, seconds: float, keywords: list[str]) -> str:
    """About as many sentences as fit into the time: always the same for the same recording. Keywords are heard."""
    digest = hashlib.sha256(content).digest()
    # A header may claim any length; nobody wants to hear more than this.
    count = min(max(1, round(seconds * WORDS_PER_SECOND / WORDS_PER_SENTENCE)), MOST_SENTENCES)
    bytes_of = cycle(digest)
    sentences: list[str] = []
    for number in range(count):
        subject, deed, thing, place = (next(bytes_of) + number // 8 for _ in range(4))
        what = keywords[number] if number < len(keywords) else THINGS[thing % len(THINGS)]
        who, did = SUBJECTS[subject % len(SUBJECTS)], DEEDS[deed % len(DEEDS)]
        sentences.append(f"{who} {did} {what} {PLACES[place % len(PLACES)]}.")
    return " ".join(sentences)


def sentences(text: str, seconds: float) -> list[Part]:
    return _spread(tokens.sentences(text), seconds)


def words(text: str, seconds: float) -> list[Part]:
    return _spread(text.split(), seconds)


def srt(parts: list[Part]) -> str:
    blocks = (
        f"{number}\n{_stamp(part.start, ',')} --> {_stamp(part.end, ',')}\n{part.text}\n"
        for number, part in enumerate(parts, 1)
    )
    return "\n".join(blocks) + "\n"


def vtt(parts: list[Part]) -> str:
    blocks = (f"{_stamp(part.start, '.')} --> {_stamp(part.end, '.')}\n{part.text}\n" for part in parts)
    return "WEBVTT\n\n" + "\n".join(blocks) + "\n"


def _spread(texts: list[str], seconds: float) -> list[Part]:
    """Share the time out by the length of the texts."""
    whole = sum(len(text) for text in texts)
    parts: list[Part] = []
    said = 0
    for text in texts:
        start = seconds * said / whole
        said += len(text)
        parts.append(Part(text, round(start, 3), round(seconds * said / whole, 3)))
    return parts


def _stamp(seconds: float, mark: str) -> str:
    milliseconds = round(seconds * 1000)
    minutes, rest = divmod(milliseconds, 60_000)
    hours, minutes = divmod(minutes, 60)
    return f"{hours:02}:{minutes:02}:{rest // 1000:02}{mark}{rest % 1000:03}"
