"""Requests with sounds and pictures."""

import base64
import re
from typing import Any

from tests.faces.mcp.speaker import Json

from bench.tasks.player import Player
from bench.tasks.request import Request

TRANSCRIBE, SPEAK = "create_a_openai_transcription", "create_a_openai_speech"
DRAW, ANSWER = "create_a_openai_image_generation", "create_a_openai_response"
SPOKEN = "Welcome to the garden show. Today we plant tulip bulbs, cut back the roses and clean the watering cans."
_BASE64 = re.compile(r"[A-Za-z0-9+/]{200}")
_PICTURES = (b"\x89PNG", b"\xff\xd8\xff", b"RIFF")


def has_base64(agent: Player) -> bool:
    return bool(_BASE64.search(f"{agent.said}{agent.seen}"))


async def is_picture(request: Request, url: str) -> bool:
    got = await request.house.fetched(url)
    return got.status == 200 and got.content.startswith(_PICTURES)


class _Recording(Request):
    """A recording that the sandbox has spoken itself, so that it knows the words."""

    changes = True

    async def prepare(self) -> None:
        words: Json = {"model": "tts-1", "voice": "alloy", "input": SPOKEN}
        recording = await self.house.proxy("POST", "speech", json=words)
        self.recording = recording.content
        self.file = await self.house.kept(self.recording, "show.mp3")

    async def heard_plainly(self, agent: Player) -> str:
        content = base64.b64encode(self.recording).decode()
        asked = {"model": "gpt-4o-transcribe", "file": {"base64": content, "filename": "show.mp3"}}
        return (await agent.ask(TRANSCRIBE, asked))["text"]

    async def heard_with_comforts(self, agent: Player) -> str:
        asked = {"model": "gpt-4o-transcribe", "file": {"file": self.file}, "fields": "text"}
        return (await agent.ask(TRANSCRIBE, asked))["text"]


class Transcript(_Recording):
    asked = "Write down what is said in a recording, to be summarised"

    async def plainly(self, agent: Player) -> Any:
        return await self.heard_plainly(agent)

    async def with_comforts(self, agent: Player) -> Any:
        text = await self.heard_with_comforts(agent)
        assert not has_base64(agent)
        return text

    def right(self) -> Any:
        return SPOKEN


class HeaderImage(Request):
    asked = "Draw a header image on a theme and give a link for a web page"
    changes = True
    theme = "Tulips in a cold frame, as a header image"

    async def plainly(self, agent: Player) -> Any:
        """A model whose pictures lie at the vendor for an hour: without a file there is no other link."""
        asked = {"prompt": self.theme, "model": "dall-e-3", "response_format": "url"}
        return (await agent.ask(DRAW, asked))["data"][0]["url"]

    async def with_comforts(self, agent: Player) -> Any:
        return (await agent.ask(DRAW, {"prompt": self.theme, "fields": "data"}))["data"][0]["b64_json"]["url"]

    async def check(self, answer: Any, agent: Player) -> None:
        assert await is_picture(self, answer)
        assert not has_base64(agent)


class ReadOut(Request):
    asked = "Read a text out and save the sound"
    changes = True

    async def plainly(self, agent: Player) -> Any:
        told = await agent.ask(SPEAK, {**self._wanted, "as": "base64"})
        return base64.b64decode(told["base64"])

    async def with_comforts(self, agent: Player) -> Any:
        told = await agent.ask(SPEAK, {**self._wanted, "fields": "url"})
        assert not has_base64(agent)
        return (await self.house.fetched(told["url"])).content

    @property
    def _wanted(self) -> Json:
        return {"model": "tts-1", "voice": "nova", "input": SPOKEN, "response_format": "wav"}

    async def check(self, answer: Any, agent: Player) -> None:
        """It is a sound of the right format, and whoever hears it hears these words."""
        assert (answer[:4], answer[8:12]) == (b"RIFF", b"WAVE")
        file = {"base64": base64.b64encode(answer).decode(), "filename": "read.wav"}
        heard = await self.house.value(TRANSCRIBE, {"model": "gpt-4o-transcribe", "file": file})
        assert heard["text"] == SPOKEN


class Podcast(_Recording):
    asked = "A podcast: write down what is said, summarise it, and draw a cover with a link"
    theme = "A podcast about gardens, as a cover"

    async def plainly(self, agent: Player) -> Any:
        text = await self.heard_plainly(agent)
        summary = await agent.ask(ANSWER, self._summarised(text))
        cover = await agent.ask(DRAW, {"prompt": self.theme, "model": "dall-e-3", "response_format": "url"})
        return text, summary["output"][-1]["content"][0]["text"], cover["data"][0]["url"]

    async def with_comforts(self, agent: Player) -> Any:
        text = await self.heard_with_comforts(agent)
        summary = await agent.ask(ANSWER, {**self._summarised(text), "fields": "output.content.text"})
        cover = await agent.ask(DRAW, {"prompt": self.theme, "fields": "data"})
        assert not has_base64(agent)
        return text, summary["output"][-1]["content"][0]["text"], cover["data"][0]["b64_json"]["url"]

    def _summarised(self, text: str) -> Json:
        return {"model": "gpt-5.4-mini", "input": f"Summarise: {text}"}

    async def check(self, answer: Any, agent: Player) -> None:
        text, summary, cover = answer
        assert text == SPOKEN
        assert summary
        assert await is_picture(self, cover)
