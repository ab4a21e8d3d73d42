"""Content provenance: what was made here is known again, what was changed since is told, and the rest is unknown."""

import base64

import openai
import pytest
from openai import OpenAI
from openai.types.content_provenance_check import ContentProvenanceCheck, Result, ResultC2PA
from picture_kit import PROMPT, picture, plain

from portico.sandbox.state import World

AT = 1_800_000_000


def check(client: OpenAI, content: bytes) -> ContentProvenanceCheck:
    return client.content_provenance_checks.create(file=("thing", content))


def told(result: Result) -> tuple[str, str, str | None, str | None]:
    return result.type, result.outcome, result.model, result.generated_at


@pytest.mark.parametrize("made", ["png", "jpeg", "webp", "gif"])
def test_own_pictures_are_known_again(client: OpenAI, world: World, made: str) -> None:
    world.turn_to(AT)
    image = picture(client.images.generate(model="gpt-image-2.5-flare", prompt=PROMPT, output_format=made))  # pyright: ignore[reportArgumentType] -- the client narrows what the wire takes
    answer = check(client, image)
    manifest, watermark = answer.results
    assert answer.object == "content_provenance_check"
    assert told(manifest) == ("c2pa", "detected", "gpt-image-2.5-flare", "2027-01-15T08:00:00Z")
    assert told(watermark) == ("synthid", "detected", "gpt-image-2.5-flare", "2027-01-15T08:00:00Z")
    assert isinstance(manifest, ResultC2PA)
    assert (manifest.validation_state, manifest.issuer) == ("trusted", "OpenAI (sandbox)")


def test_changed_picture_loses_its_manifest_but_not_its_watermark(client: OpenAI) -> None:
    image = bytearray(picture(client.images.generate(model="gpt-image-2", prompt=PROMPT)))
    image[-20] ^= 1
    manifest, watermark = check(client, bytes(image)).results
    assert isinstance(manifest, ResultC2PA)
    assert (manifest.outcome, manifest.validation_state, manifest.model) == ("not_detected", "invalid", None)
    assert (watermark.outcome, watermark.model) == ("detected", "gpt-image-2")


def test_foreign_pictures_tell_nothing(client: OpenAI) -> None:
    manifest, watermark = check(client, plain(1, 2, 3)).results
    assert isinstance(manifest, ResultC2PA)
    assert (manifest.outcome, manifest.validation_state, manifest.issuer) == ("not_detected", "not_present", None)
    assert told(watermark) == ("synthid", "not_detected", None, None)


def test_sounds_have_only_a_watermark(client: OpenAI) -> None:
    speech = client.audio.speech.create(model="gpt-4o-mini-tts", voice="alloy", input="Hello.").read()
    (watermark,) = check(client, speech).results
    assert (watermark.type, watermark.outcome, watermark.model) == ("synthid", "detected", "gpt-4o-mini-tts")


def test_other_files_are_refused(client: OpenAI) -> None:
    with pytest.raises(openai.BadRequestError) as refused:
        check(client, base64.b64encode(b"text"))
    assert refused.value.param == "file"
