"""CrewAI: an agent's task, with a model that makes the calls of the script."""

import contextlib
import io
import json
import os

os.environ |= {"CREWAI_DISABLE_TELEMETRY": "true", "OTEL_SDK_DISABLED": "true", "CREWAI_TRACING_ENABLED": "false"}

from crewai import Agent, Crew, Task
from crewai.llms.base_llm import BaseLLM
from script import LAST_WORDS, STEPS, run

from portico_client.adapters.crewai import crewai_tools


class Scripted(BaseLLM):
    done: int = 0
    seen: list

    def call(self, messages, *_, **__):
        self.seen.append(messages if isinstance(messages, str) else [each["content"] for each in messages])
        self.done += 1
        if self.done > len(STEPS):
            return f"Thought: I now know the final answer\nFinal Answer: {LAST_WORDS}"
        name, arguments = STEPS[self.done - 1]
        return f"Thought: next\nAction: {name}\nAction Input: {json.dumps(arguments)}"

    def supports_function_calling(self):
        return False


def work(tools):
    own = crewai_tools(tools)
    model = Scripted(model="scripted", seen=[])
    with contextlib.redirect_stdout(io.StringIO()):
        agent = Agent(role="assistant", goal="do the steps", backstory="none", llm=model, tools=own, max_iter=20)
        task = Task(description="Do all steps.", expected_output="words", agent=agent)
        said = Crew(agents=[agent], tasks=[task]).kickoff()
    assert LAST_WORDS in str(said)
    observed = [str(each) for each in model.seen[-1] if str(each).startswith("Thought: next")]
    return {
        "schemas": {each.name: each.args_schema.model_json_schema() for each in own},
        "results": [[None, each, 0] for each in observed],
    }


run(work)
