"""A transcript as the transcription endpoints answer it: as JSON of three kinds, as text, or as events."""

import math
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field

from portico.sandbox import transcripts
from portico.sandbox.mind import tokens
from portico.sandbox.shapes import Json
from portico.sandbox.transcripts import Part
from portico.sandbox.wire import Reply

AUDIO_TOKENS_PER_SECOND = 10
SEEK_PER_SECOND = 100


@dataclass(frozen=True, slots=True)
class Transcript:
    """What was heard, and what the answer needs beside it. `speakers` are by sentence, for diarized answers."""

    text: str
    seconds: float
    language: str
    prompt: str = ""
    temperature: float = 0.0
    is_billed_by_time: bool = False
    speakers: list[str] = field(default_factory=list[str])

    @property
    def sentences(self) -> list[Part]:
        return transcripts.sentences(self.text, self.seconds)

    @property
    def usage(self) -> Json:
        if self.is_billed_by_time:
            return {"type": "duration", "seconds": math.ceil(self.seconds)}
        said, audio, given = self._amounts()
        return {
            "type": "tokens",
            "input_tokens": audio + given,
            "input_token_details": {"text_tokens": given, "audio_tokens": audio},
            "output_tokens": said,
            "total_tokens": audio + given + said,
        }

    def _amounts(self) -> tuple[int, int, int]:
        audio = math.ceil(self.seconds * AUDIO_TOKENS_PER_SECOND)
        return tokens.count(self.text), audio, tokens.count(self.prompt)


def plain(transcript: Transcript, form: str) -> Reply:
    """The answer in `text`, `srt` or `vtt`."""
    written = {"srt": transcripts.srt, "vtt": transcripts.vtt}
    body = written[form](transcript.sentences) if form in written else f"{transcript.text}\n"
    return Reply(body.encode(), content_type="text/plain; charset=utf-8")


def verbose(transcript: Transcript, task: str, granularities: list[str]) -> Json:
    answer: Json = {
        "task": task,
        "language": transcripts.LANGUAGES.get(transcript.language, transcript.language),
        "duration": round(transcript.seconds, 3),
        "text": transcript.text,
    }
    if "segment" in granularities:
        answer["segments"] = [_segment(transcript, place, part) for place, part in enumerate(transcript.sentences)]
    if "word" in granularities:
        spoken = transcripts.words(transcript.text, transcript.seconds)
        answer["words"] = [{"word": part.text, "start": part.start, "end": part.end} for part in spoken]
    return answer


def diarized(transcript: Transcript) -> Json:
    segments = speaker_segments(transcript)
    return {
        "task": "transcribe",
        "duration": round(transcript.seconds, 3),
        "text": "\n".join(f"{segment['speaker']}: {segment['text']}" for segment in segments),
        "segments": segments,
        "usage": transcript.usage,
    }


def speaker_segments(transcript: Transcript) -> list[Json]:
    return [
        {
            "type": "transcript.text.segment",
            "id": f"seg_{place + 1:03}",
            "start": part.start,
            "end": part.end,
            "text": part.text,
            "speaker": speaker,
        }
        for place, (part, speaker) in enumerate(zip(transcript.sentences, transcript.speakers, strict=True))
    ]


def logprobs(text: str) -> list[Json]:
    return [_logprob(piece) for piece in tokens.pieces(text)]


def events(transcript: Transcript, extras: Json, *, with_logprobs: bool, with_speakers: bool) -> Iterator[Json]:
    """The text piece by piece, each speaker's part when it is complete, and the whole at the end."""
    for segment in speaker_segments(transcript) if with_speakers else [None]:
        for piece in tokens.pieces(transcript.text if segment is None else f"{segment['text']} "):
            delta: Json = {"type": "transcript.text.delta", "delta": piece}
            if segment is not None:
                delta["segment_id"] = segment["id"]
            yield {**delta, "logprobs": [_logprob(piece)]} if with_logprobs else delta
        if segment is not None:
            yield segment
    whole: Json = {"type": "transcript.text.done", "text": transcript.text, **extras}
    # In a stream, usage is counted in tokens only.
    yield whole if transcript.is_billed_by_time else {**whole, "usage": transcript.usage}


def _segment(transcript: Transcript, place: int, part: Part) -> Json:
    pieces = tokens.pieces(f" {part.text}")
    raw = part.text.encode()
    return {
        "id": place,
        "seek": int(part.start * SEEK_PER_SECOND),
        "start": part.start,
        "end": part.end,
        "text": f" {part.text}",
        "tokens": [tokens.identity(piece) for piece in pieces],
        "temperature": transcript.temperature,
        "avg_logprob": round(sum(_doubt(piece) for piece in pieces) / len(pieces), 6),
        "compression_ratio": round(len(raw) / len(zlib.compress(raw)), 6),
        "no_speech_prob": 0.01,
    }


def _logprob(piece: str) -> Json:
    return {"token": piece, "logprob": _doubt(piece), "bytes": list(piece.encode())}


def _doubt(piece: str) -> float:
    """How unsure the emulator is of a piece: hardly, and always the same."""
    return -(tokens.identity(piece) % 1000) / 10_000
