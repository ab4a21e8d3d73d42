"""What tests of evals share: criteria of every kind, rows, and data sources."""

from typing import Any

from openai import OpenAI

TEXT = {"type": "string"}
ITEM = {"type": "object", "properties": {"q": TEXT, "a": TEXT}, "required": ["q", "a"]}
CUSTOM: Any = {"type": "custom", "item_schema": ITEM, "include_sample_schema": True}
SAME: Any = {
    "type": "string_check",
    "name": "same",
    "input": "{{sample.output_text}}",
    "reference": "{{item.a}}",
    "operation": "eq",
}
CLOSE: Any = {
    "type": "text_similarity",
    "name": "close",
    "input": "{{sample.output_text}}",
    "reference": "{{item.a}}",
    "evaluation_metric": "fuzzy_match",
    "pass_threshold": 0.5,
}
LABEL: Any = {
    "type": "label_model",
    "name": "label",
    "model": "gpt-5.4-mini",
    "input": [{"role": "user", "content": "Answer {{sample.output_text}}, right is {{item.a}}"}],
    "labels": ["correct", "incorrect"],
    "passing_labels": ["correct"],
}
SCORE: Any = {
    "type": "score_model",
    "name": "score",
    "model": "gpt-5.4-mini",
    "input": [{"role": "user", "content": "Answer {{sample.output_text}}, right is {{item.a}}"}],
    "range": [1, 5],
    "pass_threshold": 4,
}
PYTHON: Any = {
    "type": "python",
    "name": "script",
    "source": "def grade(sample, item):\n    return 1 if item['a'] in sample['output_text'] else 0",
}


def make(client: OpenAI, *criteria: Any, **more: Any) -> str:
    wish: Any = {"data_source_config": CUSTOM, "testing_criteria": list(criteria or [SAME]), "name": "Capitals", **more}
    return client.evals.create(**wish).id


def row(question: str, answer: str, said: str | None = None) -> dict[str, Any]:
    item = {"item": {"q": question, "a": answer}}
    return item if said is None else {**item, "sample": {"output_text": said}}


def given(*rows: Any) -> Any:
    return {"type": "jsonl", "source": {"type": "file_content", "content": list(rows)}}


def asked(*rows: Any, **more: Any) -> Any:
    template = [{"role": "developer", "content": "Be brief."}, {"role": "user", "content": "{{item.q}}"}]
    return {
        "type": "completions",
        "source": {"type": "file_content", "content": list(rows)},
        "model": "gpt-4o-mini",
        "input_messages": {"type": "template", "template": template},
        **more,
    }


PARIS, ROME, OSLO = row("x", "Paris", "Paris"), row("x", "Rome", "Rome!"), row("x", "Oslo", "Bergen")
