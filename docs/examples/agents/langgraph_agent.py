"""A LangChain agent that pauses when it is told to, and goes on from the same state.

It checks what people wrote before it is shown. Model and tool are both the customer's own account, reached through
Portico, so either may answer 429. The wait stands in `retry-after` or `ratelimit-reset`; LangGraph keeps what was said
until then, and the step that was refused is the only one made again.

    pip install portico-client langchain langchain-openai
    make demo                                                   # in another terminal; paste the export line it prints
    python docs/examples/agents/langgraph_agent.py              # or with comments of your own, each in quotes

The demo's limits are far away; README.md beside this file says how to make them narrow.

For production: a checkpointer that outlives the process (`langgraph-checkpoint-postgres`), and instead of sleeping, a
job that comes back to the thread when the time is over.
"""

import os
import sys
import time
from typing import Any

from langchain.agents import create_agent
from langchain_openai import ChatOpenAI
from langgraph.checkpoint.memory import InMemorySaver

from portico_client import Portico, ToolManager, seconds_to_wait
from portico_client.adapters.langchain import langchain_tools

MODEL = "gpt-4o-mini"
LONGEST_PAUSE_SECONDS = 90
COMMENTS = ("What a lovely garden!", "Shut up, you idiot", "Do you deliver on Sundays?")


def main(comments: list[str]) -> None:
    with Portico() as portico:
        agent = make_agent(portico)
        thread = {"configurable": {"thread_id": "comments"}}
        for comment in comments:
            said = go_on(agent, thread, f'Check this comment with the moderation tool: "{comment}"')
            checked = next(message.artifact for message in reversed(said) if message.type == "tool")
            flagged = checked["structured"]["results"][0]["flagged"]
            print(f"{'hidden' if flagged else 'shown'}: {comment}")
        print(f"{len(said)} messages in the thread")


def make_agent(portico: Portico) -> Any:
    # The tools raise a rate limit instead of telling the model, which cannot wait.
    manager = ToolManager(portico, raise_rate_limits=True)
    tools = langchain_tools(manager.get_tools(methods=["create_a_openai_moderation"]))
    model = ChatOpenAI(
        model=MODEL,
        base_url=portico.passthrough_url,
        api_key=os.environ["PORTICO_TOKEN"],
        max_retries=0,  # or it would wait by itself, unseen
    )
    return create_agent(model, tools, checkpointer=InMemorySaver())


def go_on(agent: Any, thread: Any, question: str) -> list[Any]:
    """All that was said in the thread, once the question is answered."""
    asked: Any = {"messages": [("user", question)]}
    while True:
        try:
            return agent.invoke(asked, thread)["messages"]
        except Exception as problem:
            seconds = seconds_to_wait(problem)
            if seconds is None or seconds > LONGEST_PAUSE_SECONDS:
                raise
            print(f"429: a pause of {seconds:g} seconds")
            time.sleep(seconds)
            asked = None  # nothing new: the thread goes on with the step that was refused


if __name__ == "__main__":
    main(sys.argv[1:] or list(COMMENTS))
