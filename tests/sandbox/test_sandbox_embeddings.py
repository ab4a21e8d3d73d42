"""Embeddings and moderations through the official SDK."""

import math
from typing import Any

import pytest
from bare_http import Caller
from openai import OpenAI

from portico.sandbox.mind.vectors import closeness


def vectors(client: OpenAI, *texts: str, dimensions: int = 1536) -> list[list[float]]:
    answer = client.embeddings.create(
        model="text-embedding-3-small", input=list(texts), dimensions=dimensions, encoding_format="float"
    )
    return [item.embedding for item in answer.data]


def test_vectors_have_the_models_length_and_size_one(client: OpenAI) -> None:
    for model, size in {
        "text-embedding-3-small": 1536,
        "text-embedding-3-large": 3072,
        "text-embedding-ada-002": 1536,
    }.items():
        answer = client.embeddings.create(model=model, input="A cat", encoding_format="float")
        assert len(answer.data[0].embedding) == size
        assert math.isclose(sum(x * x for x in answer.data[0].embedding), 1, rel_tol=1e-4)
        assert answer.usage.total_tokens == 2
    assert len(vectors(client, "A cat", dimensions=64)[0]) == 64


def test_like_texts_lie_close(client: OpenAI) -> None:
    cat, like, unlike = vectors(
        client, "The cat sat on the mat", "A cat is sitting on a mat", "Quarterly revenue grew by five percent"
    )
    assert closeness(cat, like) > 0.4 > 0.2 > closeness(cat, unlike)


def test_both_encodings_hold_the_same_numbers(client: OpenAI, lenient_client: OpenAI) -> None:
    plain = vectors(client, "some text")[0]
    # Asked for no encoding, the SDK takes base64 and decodes it, but only after checking strictly for numbers.
    decoded = lenient_client.embeddings.create(model="text-embedding-3-small", input="some text").data[0].embedding
    assert plain == pytest.approx(decoded, abs=1e-7)


@pytest.mark.parametrize("given", [[1, 2, 3], [[1, 2, 3], [4]]])
def test_token_numbers_are_taken_too(client: OpenAI, given: Any) -> None:
    answer = client.embeddings.create(model="text-embedding-3-small", input=given, encoding_format="float")
    assert answer.usage.prompt_tokens == (3 if len(answer.data) == 1 else 4)


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({"model": "text-embedding-3-small", "input": ""}, "input"),
        ({"model": "text-embedding-3-small", "input": []}, "input"),
        ({"model": "text-embedding-3-small", "input": ["a", ""]}, "input"),
        ({"model": "text-embedding-3-small", "input": "word " * 9000}, "input"),
        ({"model": "text-embedding-3-small", "input": "a", "dimensions": 5000}, "dimensions"),
        ({"model": "text-embedding-ada-002", "input": "a", "dimensions": 10}, "dimensions"),
        ({"model": "text-embedding-3-small", "input": "a", "encoding_format": "hex"}, "encoding_format"),
        ({"model": "gpt-4o", "input": "a"}, "model"),
    ],
)
def test_bad_embeddings_are_refused(call: Caller, body: dict[str, Any], param: str) -> None:
    got = call("POST", "/v1/embeddings", body)
    assert (got.status, got.error["param"]) == (400, param)


def test_harm_is_flagged_and_peace_is_not(client: OpenAI) -> None:
    calm, threat = client.moderations.create(input=["What a lovely morning", "I will kill you, you idiot"]).results
    assert not calm.flagged
    assert threat.flagged
    assert threat.categories.violence
    assert threat.categories.harassment
    assert not threat.categories.sexual
    assert calm.category_scores.violence < threat.category_scores.violence <= 1


def test_parts_are_judged_together(client: OpenAI) -> None:
    picture: Any = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}
    answer = client.moderations.create(
        model="omni-moderation-latest", input=[{"type": "text", "text": "a nude"}, picture]
    )
    assert len(answer.results) == 1
    assert answer.results[0].category_applied_input_types.sexual == ["text", "image"]
    assert answer.results[0].category_applied_input_types.hate == ["text"]


@pytest.mark.parametrize("given", [[], [{"type": "sound"}]])
def test_bad_moderations_are_refused(call: Caller, given: Any) -> None:
    assert call("POST", "/v1/moderations", {"input": given}).status == 400
