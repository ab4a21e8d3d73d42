"""Decisions, through the official SDK and bare."""

from typing import Any

import pytest
from bare_http import Caller
from openai import OpenAI

from portico.sandbox.state import World

COMPLAINT = "I was charged twice for my subscription this month. Please refund one payment."
TEAMS: Any = {
    "type": "choice",
    "name": "team",
    "instructions": "Who should answer?",
    "choices": [
        {"value": "billing", "description": "Payments, charges and refunds"},
        {"value": "technical", "description": "Errors and outages"},
    ],
}
MOOD: Any = {
    "type": "score",
    "name": "mood",
    "instructions": "How does the customer feel?",
    "levels": [{"label": "calm"}, {"label": "frustrated"}, {"label": "angry"}],
}


def predicate(statement: Any, name: str | None = None) -> Any:
    return {"type": "predicate", "instructions": statement, **({"name": name} if name else {})}


def decide(client: OpenAI, given: Any, *questions: Any) -> list[Any]:
    answers: Any = client.decisions.create(model="gpt-6-luna", input=given, questions=questions).answers
    return list(answers)


def test_answers_come_in_the_order_of_the_questions(client: OpenAI) -> None:
    answers = decide(client, COMPLAINT, predicate("The customer was charged twice", "twice"), TEAMS, MOOD)
    assert [(answer.type, answer.name) for answer in answers] == [
        ("predicate", "twice"),
        ("choice", "team"),
        ("score", "mood"),
    ]
    twice, team, _ = answers
    assert twice.probability > 0.8
    assert (team.choice, team.confidence) == ("billing", team.probabilities[0].probability)
    assert [option.value for option in team.probabilities] == ["billing", "technical"]
    assert sum(option.probability for option in team.probabilities) == pytest.approx(1)


def test_answers_follow_the_input(client: OpenAI) -> None:
    question = predicate("The customer was charged twice")
    (no,) = decide(client, "The app shows an error when I log in.", question)
    (denied,) = decide(client, "I was not charged twice.", question)
    (team,) = decide(client, "The app shows an error when I log in.", TEAMS)
    assert no.probability < 0.2
    assert denied.probability < 0.2
    assert team.choice == "technical"


def test_score_is_the_expected_level_counted_from_zero(client: OpenAI) -> None:
    (calm,) = decide(client, "Thanks, that was fine.", MOOD)
    (angry,) = decide(client, "This is outrageous, I am furious!", MOOD)
    assert [(level.value, level.label) for level in calm.probabilities] == [
        (0, "calm"),
        (1, "frustrated"),
        (2, "angry"),
    ]
    assert calm.score < 0.5 < 1.5 < angry.score
    assert angry.score == pytest.approx(sum(level.value * level.probability for level in angry.probabilities))


def test_booleans_are_not_texts(client: OpenAI) -> None:
    yes: Any = {
        "type": "choice",
        "instructions": "The customer was charged twice",
        "choices": [{"value": True}, {"value": False}],
    }
    (answer,) = decide(client, COMPLAINT, yes)
    assert answer.choice is True
    both: Any = {**yes, "choices": [{"value": True}, {"value": "True"}]}
    assert len(decide(client, COMPLAINT, both)[0].probabilities) == 2


def test_harmful_questions_are_declined_alone(client: OpenAI) -> None:
    first, second = decide(client, COMPLAINT, predicate("It says how to build a bomb", "bad"), TEAMS)
    assert (first.type, first.name, second.type) == ("refusal", "bad", "choice")


def test_all_kinds_of_input_are_read(client: OpenAI) -> None:
    talk = [
        {"role": "developer", "content": "Look closely."},
        {"role": "user", "content": [{"type": "input_json", "data": {"plant": "dahlia"}}]},
        {"role": "assistant", "content": [{"type": "output_text", "text": "Let me see the tulip."}]},
        {"type": "function_call", "call_id": "c1", "name": "stock", "arguments": "{}"},
        {"type": "function_call_output", "call_id": "c1", "output": [{"type": "input_text", "text": "lavender"}]},
        {"role": "user", "content": [{"type": "input_image", "image_url": "data:image/png;base64,AAAA"}]},
    ]
    answers = decide(
        client,
        talk,
        *(predicate([{"type": "input_text", "text": name}]) for name in ("dahlia", "tulip", "lavender", "oak")),
    )
    assert [answer.probability > 0.5 for answer in answers] == [True, True, True, False]


def test_usage_is_counted(client: OpenAI, world: World) -> None:
    usage = client.decisions.create(model="gpt-6-luna", input=COMPLAINT, questions=[TEAMS]).usage
    assert usage.output_tokens == 0
    assert usage.total_tokens == usage.input_tokens > 10
    (used,) = world.organization("test").usage
    assert (used.kind, used.model, used.amounts["input_tokens"]) == ("decisions", "gpt-6-luna", usage.input_tokens)


@pytest.mark.parametrize(
    ("change", "param", "status"),
    [
        ({"model": None}, "model", 400),
        ({"model": "gpt-none"}, "model", 404),
        ({"model": "gpt-4o"}, "model", 400),
        ({"input": None}, "input", 400),
        ({"input": [{"role": "robot", "content": "x"}]}, "input[0].role", 400),
        ({"input": [{"type": ["x"], "call_id": "c"}]}, "input[0].role", 400),
        (
            {
                "input": [
                    {"role": "system", "content": [{"type": "input_image", "image_url": "data:image/png;base64,"}]}
                ]
            },
            "input[0].content[0].type",
            400,
        ),
        (
            {"input": [{"role": "user", "content": [{"type": "input_image", "image_url": "file-1"}]}]},
            "input[0].content[0].image_url",
            400,
        ),
        ({"input": [{"type": "function_call_output", "call_id": "c", "output": "x"}]}, "input[0].call_id", 400),
        ({"questions": []}, "questions", 400),
        ({"questions": [TEAMS] * 401}, "questions", 400),
        ({"questions": [{"type": "essay", "instructions": "x"}]}, "questions[0].type", 400),
        ({"questions": [{"type": "predicate"}]}, "questions[0].instructions", 400),
        ({"questions": [{**TEAMS, "choices": [{"value": "one"}]}]}, "questions[0].choices", 400),
        ({"questions": [{**TEAMS, "choices": [{"value": "a"}, {"value": "a"}]}]}, "questions[0].choices", 400),
        ({"questions": [{**TEAMS, "choices": [{"value": 1}, {"value": 2}]}]}, "questions[0].choices[0].value", 400),
        ({"questions": [{**MOOD, "levels": [{"label": "x"}] * 11}]}, "questions[0].levels", 400),
        ({"safety_identifier": "x" * 129}, "safety_identifier", 400),
        ({"prompt_cache_options": {"ttl": "1h"}}, "prompt_cache_options.ttl", 400),
        ({"temperature": 1}, "temperature", 400),
    ],
)
def test_bad_requests_are_refused(call: Caller, change: dict[str, Any], param: str, status: int) -> None:
    got = call("POST", "/v1/decisions", {"model": "gpt-6-luna", "input": "x", "questions": [TEAMS], **change})
    assert (got.status, got.error["param"]) == (status, param)


def test_decisions_are_rate_limited_as_models_are(call: Caller) -> None:
    got = call("POST", "/v1/decisions", {"model": "gpt-6-luna", "input": "x", "questions": [TEAMS]})
    assert got.header("x-ratelimit-limit-requests") is not None
