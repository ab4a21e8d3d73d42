"""The unmodified official SDK through passthrough: what calls models. Either kind, with nothing set but the address."""

import base64
import json
from typing import Any

import pytest

from portico.sandbox.media.listen import listen
from tests.outside.sdk import Sdk, every, settled

pytestmark = pytest.mark.outside

HELLO: Any = [{"role": "user", "content": "Say exactly: pong"}]
WEATHER: Any = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    },
}
SPEECH = "The quick brown fox jumps over the lazy dog."


async def test_chat_answers(both: Sdk) -> None:
    answer = await settled(both.ask.chat.completions.create(model="gpt-4o", messages=HELLO))
    assert answer.choices[0].message.content == "pong"
    assert answer.usage
    assert answer.usage.completion_tokens == 1


async def test_chat_streams(both: Sdk) -> None:
    stream = await settled(
        both.ask.chat.completions.create(
            model="gpt-4o", messages=HELLO, stream=True, stream_options={"include_usage": True}
        )
    )
    chunks = await every(stream)
    assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices) == "pong"
    assert chunks[-1].usage


async def test_chat_calls_a_tool_and_uses_its_answer(both: Sdk) -> None:
    messages: list[Any] = [{"role": "user", "content": "What's the weather in Paris?"}]
    answer = await settled(both.ask.chat.completions.create(model="gpt-4o", messages=messages, tools=[WEATHER]))
    message = answer.choices[0].message
    assert message.tool_calls
    call = message.tool_calls[0]
    assert call.type == "function"
    assert json.loads(call.function.arguments) == {"city": "Paris"}
    messages += [
        message.model_dump(exclude_none=True),
        {"role": "tool", "tool_call_id": call.id, "content": "Nineteen degrees and rain"},
    ]
    answer = await settled(both.ask.chat.completions.create(model="gpt-4o", messages=messages, tools=[WEATHER]))
    assert "Nineteen degrees" in (answer.choices[0].message.content or "")


async def test_responses_answer_are_kept_and_deleted(both: Sdk) -> None:
    made = await settled(both.ask.responses.create(model="gpt-4o", input="Say exactly: pong"))
    assert made.output_text == "pong"
    kept = await settled(both.ask.responses.retrieve(made.id))
    assert kept.output_text == "pong"
    items = await every(both.ask.responses.input_items.list(made.id))
    assert [item.type for item in items] == ["message"]
    await settled(both.ask.responses.delete(made.id))


async def test_responses_stream(both: Sdk) -> None:
    stream = await settled(both.ask.responses.create(model="gpt-4o", input="Say exactly: pong", stream=True))
    events = await every(stream)
    assert events[0].type == "response.created"
    assert events[-1].type == "response.completed"
    assert events[-1].response.output_text == "pong"


async def test_embeddings_come_as_numbers(both: Sdk) -> None:
    """The SDK asks for base64 and makes numbers of it, which it can only do from the very bytes."""
    answer = await settled(both.ask.embeddings.create(model="text-embedding-3-small", input=["a", "b"], dimensions=64))
    assert [len(each.embedding) for each in answer.data] == [64, 64]
    assert answer.data[0].embedding != answer.data[1].embedding


async def test_moderations_judge(both: Sdk) -> None:
    answer = await settled(both.ask.moderations.create(input="I will kill you"))
    assert answer.results[0].flagged


async def test_images_are_pictures(both: Sdk) -> None:
    made = await settled(both.ask.images.generate(model="gpt-image-1.5", prompt="A red square", size="1024x1024"))
    assert made.data
    picture = base64.b64decode(made.data[0].b64_json or "")
    assert picture.startswith(b"\x89PNG\r\n")
    changed = await settled(
        both.ask.images.edit(model="gpt-image-1.5", image=("square.png", picture, "image/png"), prompt="Make it blue")
    )
    assert changed.data
    assert base64.b64decode(changed.data[0].b64_json or "").startswith(b"\x89PNG\r\n")


async def test_speech_is_heard_again(both: Sdk) -> None:
    answer = await settled(
        both.ask.audio.speech.create(model="tts-1", voice="alloy", input=SPEECH, response_format="wav")
    )
    sound = answer.content
    assert listen(sound).format == "wav"
    heard = await settled(both.ask.audio.transcriptions.create(model="whisper-1", file=("fox.wav", sound)))
    assert heard.text == SPEECH
    plain = await settled(
        both.ask.audio.transcriptions.create(model="whisper-1", file=("fox.wav", sound), response_format="text")
    )
    assert plain.strip() == SPEECH


async def test_models_are_listed_and_shown(both: Sdk) -> None:
    models = await every(both.ask.models.list())
    assert "gpt-4o" in {model.id for model in models}
    assert (await settled(both.ask.models.retrieve("gpt-4o"))).id == "gpt-4o"
