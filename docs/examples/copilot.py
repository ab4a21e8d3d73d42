"""A copilot on the customer's own account: chat that streams, through the unmodified OpenAI SDK.

Your product asks, the customer's OpenAI account answers and pays. The API token stays in your backend; whatever does
the talking gets an account token, which speaks for this one customer for fifteen minutes and for nobody else.

    make demo                                          # in another terminal; export what it prints
    .venv/bin/python docs/examples/copilot.py          # or with questions of your own, each in quotes

For production: look the account up by your own id for the customer (`integrated_accounts.list(tenant_id=…)`), and make
a new account token where a conversation begins.
"""

import sys

from openai import AuthenticationError, OpenAI, RateLimitError
from openai.types.chat import ChatCompletionMessageParam

from portico_client import Portico

MODEL = "gpt-4o-mini"
INSTRUCTIONS = "You are the copilot of a garden shop's order system. Answer in one or two sentences."
QUESTIONS = ("How many trays are 12 boxes of 8 trays? What is 12 * 8?", "Say: the order is on its way")


def main(questions: list[str]) -> None:
    with Portico() as portico:
        token = portico.integrated_accounts.create_token(portico.account_id)["integrated_account_token"]
        customer = OpenAI(base_url=portico.passthrough_url, api_key=token)
        try:
            tokens = chat(customer, questions)
        except AuthenticationError:
            # OpenAI refuses the customer's key. Only they can give a new one: send them a link that keeps the account.
            link = portico.link_tokens.create(integrated_account_id=portico.account_id, persist_previous_context=True)
            raise SystemExit(f"The customer has to connect again: {link['url']}") from None
        except RateLimitError as problem:
            wait = problem.response.headers.get("retry-after", "a few")
            raise SystemExit(f"Busy: ask again in {wait} seconds.") from None
        print(f"{len(questions)} answers, {tokens} tokens on the customer's account")


def chat(customer: OpenAI, questions: list[str]) -> int:
    """The whole conversation, each answer printed as it comes; how many tokens it took."""
    messages: list[ChatCompletionMessageParam] = [{"role": "system", "content": INSTRUCTIONS}]
    tokens = 0
    for question in questions:
        messages.append({"role": "user", "content": question})
        print(f"> {question}\n< ", end="", flush=True)
        answer = ""
        chunks = customer.chat.completions.create(
            model=MODEL, messages=messages, stream=True, stream_options={"include_usage": True}
        )
        for chunk in chunks:
            if chunk.choices and (piece := chunk.choices[0].delta.content):
                answer += piece
                print(piece, end="", flush=True)
            if chunk.usage:
                tokens += chunk.usage.total_tokens
        print()
        messages.append({"role": "assistant", "content": answer})
    return tokens


if __name__ == "__main__":
    main(sys.argv[1:] or list(QUESTIONS))
