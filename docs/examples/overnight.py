"""Overnight bulk work: hundreds of requests in one batch at half the price, and a webhook when it is over.

A batch sorts support tickets. Portico looks after it, and tells this program's receiver when it has ended; the message
counts only if its signature is right. The price is told before anything is sent. In the demo a night takes a quarter
of a minute.

    make demo                                          # in another terminal; export what it prints
    .venv/bin/python docs/examples/overnight.py

For production: the receiver is an https address of your service and the webhook is made once, its secret kept where
your other secrets are. Messages may come twice: `webhook-id` stays the same. A gateway on your own machine that is no
demo has to be told that such a receiver is meant: PORTICO_ALLOWED_WEBHOOK_URLS=http://127.0.0.1.
"""

import json
from collections import Counter
from http.server import BaseHTTPRequestHandler, HTTPServer
from queue import Empty, Queue
from threading import Thread
from typing import Any, cast

from portico_client import NotSigned, Portico, verify_webhook

TICKETS = [f"Ticket {number}: {text}" for number, text in enumerate(["Where is my order?", "The pot is broken."] * 10)]
LONGEST_NIGHT_SECONDS = 120


class Receiver(HTTPServer):
    """Takes the messages of one webhook. What is not signed with its secret is answered with a 401 and forgotten."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Inbox)
        self.secret = ""
        self.events: Queue[dict[str, Any]] = Queue()


class Inbox(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        receiver = cast("Receiver", self.server)
        body = self.rfile.read(int(self.headers["content-length"]))
        try:
            receiver.events.put(verify_webhook(body, dict(self.headers), receiver.secret))
            self.send_response(204)
        except NotSigned:
            self.send_response(401)
        self.end_headers()

    def log_message(self, format: str, *_arguments: Any) -> None:
        """The server's own lines would stand between ours."""


def main() -> None:
    with Portico() as portico, Receiver() as receiver:
        Thread(target=receiver.serve_forever, daemon=True).start()
        address = f"http://127.0.0.1:{receiver.server_port}/portico"
        webhook = portico.webhooks.create(target_url=address, event_types=["job:completed", "job:failed"])
        receiver.secret = webhook["secret"]
        try:
            batch_id = begun(portico)
            print_results(portico, batch_id, end_of(batch_id, receiver))
        finally:
            portico.webhooks.delete(webhook["id"])
            receiver.shutdown()


def begun(portico: Portico) -> str:
    """The batch's id: its price told, its file uploaded, started, looked after."""
    lines = "\n".join(json.dumps(request(number, ticket)) for number, ticket in enumerate(TICKETS))
    priced = portico.tools.run("openai_batch_estimate", {"file": {"text": lines}}).checked().structured
    print(f"{len(TICKETS)} requests, {priced['price']['sentence']}")
    file = portico.proxy.create("files", {"purpose": "batch"}, files={"file": ("tickets.jsonl", lines.encode())})
    asked = {"input_file_id": file["id"], "endpoint": "/v1/chat/completions", "completion_window": "24h"}
    batch_id = portico.proxy.create("batches", asked)["id"]
    portico.watches.start(portico.account_id, id=batch_id, tool="create_a_openai_batch")
    return batch_id


def request(number: int, ticket: str) -> dict[str, Any]:
    asked = {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": f"Say: about {ticket}"}]}
    return {"custom_id": f"ticket-{number}", "method": "POST", "url": "/v1/chat/completions", "body": asked}


def end_of(batch_id: str, receiver: Receiver) -> dict[str, Any]:
    """How the batch ended, as the webhook tells it. Other jobs of this environment are told to us as well."""
    while True:
        try:
            event = receiver.events.get(timeout=LONGEST_NIGHT_SECONDS)
        except Empty:
            raise SystemExit(f"Nobody told within {LONGEST_NIGHT_SECONDS} seconds how {batch_id} ended.") from None
        if event["payload"]["object_id"] == batch_id:
            return event


def print_results(portico: Portico, batch_id: str, event: dict[str, Any]) -> None:
    print(f"{event['event']}: {batch_id} is {event['payload']['status']}")
    if event["event"] != "job:completed":
        raise SystemExit(event["payload"]["problem"] or "See the batch's errors.")
    batch = portico.proxy.get("batches", batch_id)
    content: Any = portico.proxy.method("files", "content", id=batch["output_file_id"])
    rows = [json.loads(line) for line in content.content.decode().splitlines()]
    print(f"{len(rows)} answers: {dict(Counter(row['response']['status_code'] for row in rows))}")
    print(f"{rows[0]['custom_id']}: {rows[0]['response']['body']['choices'][0]['message']['content']}")


if __name__ == "__main__":
    main()
