"""smolagents' ToolCallingAgent, with a model that makes the calls of the script."""

import contextlib
import io

from script import LAST_WORDS, STEPS, call_id, run
from smolagents import ToolCallingAgent
from smolagents.models import (
    ChatMessage,
    ChatMessageToolCall,
    ChatMessageToolCallFunction,
    MessageRole,
    Model,
    get_tool_json_schema,
)

from portico_client.adapters.smolagents import smolagents_tools


class Scripted(Model):
    def __init__(self):
        super().__init__(model_id="scripted")
        self.done, self.schemas = 0, {}

    def generate(self, messages, tools_to_call_from=None, **_):
        shown = [get_tool_json_schema(each)["function"] for each in tools_to_call_from or ()]
        self.schemas = {each["name"]: each["parameters"] for each in shown if each["name"] != "final_answer"}
        name, arguments = (*STEPS, ("final_answer", {"answer": LAST_WORDS}))[self.done]
        self.done += 1
        function = ChatMessageToolCallFunction(name=name, arguments=arguments)
        call = ChatMessageToolCall(id=call_id(self.done), type="function", function=function)
        return ChatMessage(role=MessageRole.ASSISTANT, content="", tool_calls=[call])


def work(tools):
    model = Scripted()
    with contextlib.redirect_stdout(io.StringIO()):
        agent = ToolCallingAgent(tools=smolagents_tools(tools), model=model, max_steps=20, verbosity_level=0)
        assert agent.run("Do all steps.") == LAST_WORDS
    observed = [step.observations for step in agent.memory.steps if getattr(step, "tool_calls", None)]
    return {"schemas": model.schemas, "results": [[None, each, 0] for each in observed[: len(STEPS)]]}


run(work)
