"""From a recording to show notes and a cover: speech to text, text to a typed object, the object to a picture.

Sound and picture never pass through the model's context or this program's answers: tools take and give files that
Portico keeps for a day, each with an id and a link that lasts an hour. No base64 anywhere.

    make demo                                          # in another terminal; export what it prints
    .venv/bin/python docs/examples/podcast.py          # or with a recording of your own: podcast.py episode.mp3

For production: keep your own copy of what you want to have longer than a day (`kept_files.fetch`), or hand the link on
while it lasts (`files.link` makes a new one).
"""

import json
import sys
from pathlib import Path
from typing import Any

from portico_client import Binary, Portico

SCRIPT = "Welcome to the garden hour. Tomatoes want water in the morning. Never cut roses in the frost. See you soon."
NOTES = {
    "type": "object",
    "properties": {
        "title": {"type": "string"},
        "summary": {"type": "string"},
        "topics": {"type": "array", "items": {"type": "string"}},
    },
    "required": ["title", "summary", "topics"],
    "additionalProperties": False,
}


def main(recording: str) -> None:
    with Portico() as portico:
        sound = kept(portico, Path(recording)) if recording else spoken(portico)
        text = transcribed(portico, sound)
        print(f"transcript: {text}")
        notes = noted(portico, text)
        print(f"notes: {json.dumps(notes)}")
        cover = drawn(portico, notes)
        print(f"cover: {cover}")
        picture = portico.kept_files.fetch(cover)
        if not isinstance(picture, Binary) or not picture.content_type.startswith("image/"):
            raise SystemExit("What stands at the link is no picture.")
        print(f"the link opens: {picture.content_type}, {len(picture.content)} bytes")


def kept(portico: Portico, recording: Path) -> str:
    """The id of your own recording, which only tools of this account may use."""
    return portico.kept_files.keep(recording.read_bytes(), filename=recording.name)["id"]


def spoken(portico: Portico) -> str:
    """The id of a recording that is made up here, for want of another."""
    asked = {"model": "gpt-4o-mini-tts", "voice": "alloy", "input": SCRIPT, "response_format": "mp3"}
    return portico.tools.run("create_a_openai_speech", asked).checked().structured["file"]


def transcribed(portico: Portico, sound: str) -> str:
    asked = {"file": {"file": sound}, "model": "gpt-transcribe"}
    return portico.tools.run("create_a_openai_transcription", asked).checked().structured["text"]


def noted(portico: Portico, text: str) -> dict[str, Any]:
    """The show notes, which OpenAI has to write in the form that the schema says."""
    asked = {
        "model": "gpt-4o-mini",
        "messages": [{"role": "user", "content": f"Write the show notes of this episode:\n\n{text}"}],
        "response_format": {
            "type": "json_schema",
            "json_schema": {"name": "notes", "schema": NOTES, "strict": True},
        },
    }
    return json.loads(portico.proxy.create("chat_completions", asked)["choices"][0]["message"]["content"])


def drawn(portico: Portico, notes: dict[str, Any]) -> str:
    """A link to the cover."""
    prompt = f"Cover of a podcast episode called {notes['title']}, about {', '.join(notes['topics'])}"
    asked = {"prompt": prompt, "size": "1024x1024"}
    (cover,) = portico.tools.run("create_a_openai_image_generation", asked).checked().links
    return cover


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else "")
