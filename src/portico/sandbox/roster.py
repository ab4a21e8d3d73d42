"""The models that the emulator has, by what they are for; fine-tuned models belong to the project that made them."""

from dataclasses import dataclass
from typing import Literal

from portico.sandbox.refusals import invalid, unknown_model
from portico.sandbox.settings import may_use, no_access
from portico.sandbox.shapes import Json
from portico.sandbox.shelves import Kind
from portico.sandbox.wire import Ask

Purpose = Literal[
    "chat", "completion", "embedding", "moderation", "transcription", "speech", "image", "video", "realtime", "live"
]


@dataclass(frozen=True, slots=True)
class Model:
    id: str
    created: int
    purpose: Purpose
    owned_by: str = "system"
    shutdown_date: str | None = None
    # The model that a fine-tuned one was made from.
    base: str | None = None

    def show(self) -> Json:
        shown: Json = {"id": self.id, "object": "model", "created": self.created, "owned_by": self.owned_by}
        return shown if self.shutdown_date is None else {**shown, "shutdown_date": self.shutdown_date}


TUNED = Kind[Model]("model", "ft:")

PUBLISHED = {
    model.id: model
    for model in (
        Model("gpt-6-astra", 1794873600, "chat"),
        Model("gpt-6-sol", 1792022400, "chat"),
        Model("gpt-6-luna", 1792022400, "chat"),
        Model("gpt-5.6-sol", 1785110400, "chat"),
        Model("gpt-5.5", 1776902400, "chat"),
        Model("gpt-5.5-2026-04-23", 1776902400, "chat"),
        Model("gpt-5.4", 1772668800, "chat"),
        Model("gpt-5.4-mini", 1773705600, "chat"),
        Model("gpt-5.4-nano", 1773705600, "chat", shutdown_date="2027-04-01"),
        Model("gpt-5.2", 1765411200, "chat"),
        Model("gpt-5.1", 1762992000, "chat", shutdown_date="2027-04-01"),
        Model("gpt-5", 1754524800, "chat", shutdown_date="2026-12-11"),
        Model("gpt-5-mini", 1754524800, "chat", shutdown_date="2026-12-11"),
        Model("gpt-5-nano", 1754524800, "chat", shutdown_date="2026-12-11"),
        Model("gpt-4.1", 1744588800, "chat"),
        Model("gpt-4.1-mini", 1744588800, "chat"),
        Model("gpt-4.1-nano", 1744588800, "chat"),
        Model("gpt-4.1-2025-04-14", 1744588800, "chat"),
        Model("gpt-4.1-mini-2025-04-14", 1744588800, "chat"),
        Model("gpt-4.1-nano-2025-04-14", 1744588800, "chat"),
        Model("gpt-4o", 1715299200, "chat"),
        Model("gpt-4o-2024-08-06", 1722902400, "chat"),
        Model("gpt-4o-mini", 1721260800, "chat"),
        Model("gpt-4o-mini-2024-07-18", 1721260800, "chat"),
        Model("o3", 1744761600, "chat", shutdown_date="2026-12-11"),
        Model("o3-mini", 1738281600, "chat"),
        Model("o4-mini", 1744761600, "chat"),
        Model("gpt-4", 1686614400, "chat", "openai"),
        Model("gpt-3.5-turbo", 1677542400, "chat", "openai"),
        Model("gpt-3.5-turbo-instruct", 1692921600, "completion"),
        Model("davinci-002", 1692576000, "completion"),
        Model("babbage-002", 1692576000, "completion"),
        Model("text-embedding-3-small", 1705968000, "embedding"),
        Model("text-embedding-3-large", 1705968000, "embedding"),
        Model("text-embedding-ada-002", 1671148800, "embedding", "openai-internal"),
        Model("omni-moderation-latest", 1731628800, "moderation"),
        Model("omni-moderation-2024-09-26", 1727308800, "moderation"),
        Model("text-moderation-latest", 1690848000, "moderation", "openai-internal"),
        Model("text-moderation-stable", 1690848000, "moderation", "openai-internal"),
        Model("whisper-1", 1677456000, "transcription", "openai-internal", "2027-02-26"),
        Model("gpt-transcribe", 1785542400, "transcription"),
        Model("gpt-4o-transcribe", 1742083200, "transcription", shutdown_date="2027-02-26"),
        Model("gpt-4o-mini-transcribe", 1742083200, "transcription", shutdown_date="2027-02-26"),
        Model("gpt-4o-mini-transcribe-2025-12-15", 1765756800, "transcription", shutdown_date="2027-02-26"),
        Model("gpt-4o-transcribe-diarize", 1750723200, "transcription", shutdown_date="2027-02-26"),
        Model("tts-1", 1681862400, "speech", "openai-internal", "2027-01-06"),
        Model("tts-1-hd", 1699056000, "speech", "openai-internal", "2027-01-06"),
        Model("gpt-4o-mini-tts", 1742342400, "speech", shutdown_date="2027-01-06"),
        Model("gpt-4o-mini-tts-2025-12-15", 1765756800, "speech", shutdown_date="2027-01-06"),
        Model("gpt-image-1.5", 1765756800, "image"),
        Model("gpt-image-1-mini", 1759708800, "image"),
        Model("gpt-image-2", 1776729600, "image"),
        Model("gpt-image-2-2026-04-21", 1776729600, "image"),
        Model("gpt-image-2.5-sunburst", 1788825600, "image"),
        Model("gpt-image-2.5-sunburst-2026-09-08", 1788825600, "image"),
        Model("gpt-image-2.5-flare", 1788825600, "image"),
        Model("gpt-image-2.5-flare-2026-09-08", 1788825600, "image"),
        Model("chatgpt-image-latest", 1765756800, "image"),
        Model("dall-e-2", 1698796800, "image"),
        Model("dall-e-3", 1698710400, "image"),
        Model("sora-2", 1759708800, "video", shutdown_date="2026-09-24"),
        Model("sora-2-pro", 1759708800, "video", shutdown_date="2026-09-24"),
        Model("gpt-realtime", 1756339200, "realtime"),
        Model("gpt-realtime-mini", 1759708800, "realtime"),
        Model("gpt-realtime-1.5", 1771891200, "realtime"),
        Model("gpt-realtime-2", 1777593600, "realtime"),
        Model("gpt-realtime-2.1", 1785110400, "realtime"),
        Model("gpt-realtime-2.1-mini", 1785110400, "realtime"),
        Model("gpt-realtime-2025-08-28", 1756339200, "realtime", shutdown_date="2027-01-20"),
        Model("gpt-realtime-translate", 1777593600, "realtime"),
        Model("gpt-live-1", 1788825600, "live"),
    )
}


def available(ask: Ask) -> list[Model]:
    models = [*PUBLISHED.values(), *ask.held(TUNED)]
    return [model for model in models if may_use(ask.project, model.id, model.base)]


def find(ask: Ask, name: str) -> Model | None:
    return PUBLISHED.get(name) or ask.held(TUNED).look(name)


def require(ask: Ask, name: str, *purposes: Purpose) -> Model:
    """The model of that name if it is there, permitted and made for one of the purposes, or OpenAI's refusal."""
    model = find(ask, name)
    if model is None:
        raise unknown_model(name)
    if not may_use(ask.project, model.id, model.base):
        raise no_access(ask.project, name)
    if purposes and model.purpose not in purposes:
        raise invalid(f"The model '{name}' can't be used with this endpoint.", "model", "model_not_supported")
    return model
