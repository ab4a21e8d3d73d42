"""What tests of fine-tuning share: chats to learn from, and jobs that are started with them."""

import json
from collections.abc import Callable
from typing import Any

from openai import OpenAI

Upload = Callable[..., str]


def chats(count: int = 12, start: int = 0) -> list[Any]:
    return [
        {
            "messages": [
                {"role": "user", "content": f"{n} and {n}?"},
                {"role": "assistant", "content": f"It is {n + n}."},
            ]
        }
        for n in range(start, start + count)
    ]


def start(client: OpenAI, file_id: str, **more: Any) -> str:
    wish: Any = {"model": "gpt-4o-mini", "training_file": file_id, **more}
    return client.fine_tuning.jobs.create(**wish).id


def supervised(**hyperparameters: Any) -> dict[str, Any]:
    return {"type": "supervised", "supervised": {"hyperparameters": hyperparameters}}


def uploader(client: OpenAI) -> Upload:
    """Uploads lines for training; the answer is the file's id."""

    def send(lines: list[Any] | bytes, purpose: Any = "fine-tune") -> str:
        content = lines if isinstance(lines, bytes) else "\n".join(json.dumps(line) for line in lines).encode()
        return client.files.create(file=("train.jsonl", content), purpose=purpose).id

    return send
