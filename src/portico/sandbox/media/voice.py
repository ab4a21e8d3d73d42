"""How the emulator speaks: a tone for every letter, silence for everything else, at the pitch of the voice."""

import hashlib
import math
from array import array
from dataclasses import dataclass

RATE = 24_000
LETTERS_PER_SECOND = 14
FEWEST_LETTERS = 4
LOUDNESS = 9_000
# Steps of a scale without half tones, so that any row of letters sounds bearable.
SCALE = (0, 2, 4, 7, 9)


@dataclass(frozen=True, slots=True)
class Speech:
    """A text as a voice says it. A higher speed makes each letter shorter."""

    text: str
    voice: str
    speed: float = 1.0

    @property
    def samples_per_letter(self) -> int:
        return max(1, round(RATE / LETTERS_PER_SECOND / self.speed))

    @property
    def samples(self) -> int:
        return self.samples_per_letter * len(self._letters)

    @property
    def seconds(self) -> float:
        return self.samples / RATE

    def pitch(self, sample: int) -> float:
        """The tone that sounds at that place, in hertz; 0 is silence."""
        place = sample // self.samples_per_letter
        return self._pitch(self._letters[place]) if place < len(self._letters) else 0.0

    def wave(self) -> "array[int]":
        """All samples, sixteen bits each."""
        waves = {letter: self._wave(self._pitch(letter)) for letter in set(self._letters)}
        return array("h", b"".join(waves[letter] for letter in self._letters))

    @property
    def _letters(self) -> str:
        return self.text.lower().ljust(FEWEST_LETTERS)

    def _pitch(self, letter: str) -> float:
        if not letter.isalnum():
            return 0.0
        ground = 120 + hashlib.sha256(self.voice.encode()).digest()[0] / 2
        octave, step = divmod(ord(letter) % 15, len(SCALE))
        return float(ground * 2 ** (octave + SCALE[step] / 12))

    def _wave(self, pitch: float) -> bytes:
        """One letter: a tone that swells and fades, so that letters join without a click."""
        length = self.samples_per_letter
        if pitch == 0.0:
            return bytes(2 * length)
        turn, swell = 2 * math.pi * pitch / RATE, math.pi / length
        samples = (round(LOUDNESS * math.sin(swell * at) * math.sin(turn * at)) for at in range(length))
        return array("h", samples).tobytes()
