"""Thinks a run through: which of its tools it uses, when it must wait for the caller's, and what it says in the end.

Everything is decided when the run starts or is resumed; the clock then shows it piece by piece.
"""

import math
from dataclasses import dataclass, field

from portico.sandbox.assisting.code import run_code, wants_code
from portico.sandbox.assisting.fields import call
from portico.sandbox.assisting.runs import Run, Step, change_calls
from portico.sandbox.assisting.threads import ASSISTANTS, Message, Thread, text_content
from portico.sandbox.chat_reply import schema_of
from portico.sandbox.messages import text_of
from portico.sandbox.mind import tokens
from portico.sandbox.mind.prose import Turn
from portico.sandbox.mind.think import Talk, Tool, ToolCall, think
from portico.sandbox.shapes import Json, record, records
from portico.sandbox.wire import Ask

QUEUE_SECONDS = 1.0
TOOL_SECONDS = 1.0
MESSAGE_SECONDS = 2.0
# A run that carries this in its metadata fails with the error code that is its value.
FAIL_KEY = "sandbox_fail"
FAILURES = ("server_error", "rate_limit_exceeded", "invalid_prompt")
SEARCH_RESULTS = 20
PROMPT_RESULTS = 3


@dataclass(slots=True)
class Planner:
    """One leg of a run: from its start, or from the tools' answers, to where it waits or ends."""

    ask: Ask
    thread: Thread
    run: Run
    pace: float
    moment: float
    turns: list[Turn] = field(default_factory=list[Turn])
    # What was found in files, to be cited: file id and name.
    sources: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])

    async def plan(self, answered: list[Turn]) -> None:
        run = self.run
        self._pass(QUEUE_SECONDS)
        run.resumes_at, run.started_at = self.moment, min(run.started_at, self.moment)
        run.ends_at = math.inf
        if run.metadata.get(FAIL_KEY) in FAILURES:
            self._pass(TOOL_SECONDS)
            self._end("failed", str(run.metadata[FAIL_KEY]))
            return
        if not self._read_thread():
            self._end("incomplete", "max_prompt_tokens")
            return
        self.turns += answered
        choice = _choice(run.settings["tool_choice"])
        if not answered:
            if calls := self._wanted_calls(choice):
                self._call_functions(calls)
                return
            await self._use_own_tools(choice)
        self._speak()

    def _read_thread(self) -> bool:
        """Take in the thread as far as its limits let; False where not even the last message fits."""
        run, now = self.run, self.ask.world.time()
        said = [message for message in self.thread.messages if message.is_there(now)]
        last = record(run.settings["truncation_strategy"]).get("last_messages")
        turns = [Turn(message.role, _text(self.ask, message)) for message in said][-(last or 0) :]
        system = Turn("system", run.settings["instructions"])
        most = run.settings["max_prompt_tokens"] or math.inf
        while len(turns) > 1 and _count([system, *turns]) > most:
            turns.pop(0)
        self.turns = [system, *turns]
        return _count(self.turns) <= most

    def _wanted_calls(self, choice: str) -> list[ToolCall]:
        if choice in ("none", "code_interpreter", "file_search"):
            return []
        described = [record(tool["function"]) for tool in self.run.settings["tools"] if tool["type"] == "function"]
        tools = [
            Tool(tool["name"], str(tool.get("description", "")), record(tool.get("parameters"))) for tool in described
        ]
        return think(Talk(self.turns, tools, choice)).calls

    def _call_functions(self, calls: list[ToolCall]) -> None:
        made: list[Json] = []
        for wanted in calls:
            function = {"name": wanted.name, "arguments": wanted.arguments, "output": None}
            made.append({"id": self.ask.new_id("call_"), "type": "function", "function": function})
        step = self._step("tool_calls", {"type": "tool_calls", "tool_calls": made}, TOOL_SECONDS)
        step.ends_at = math.inf

    async def _use_own_tools(self, choice: str) -> None:
        tools = {tool["type"]: tool for tool in self.run.settings["tools"]}
        asked = next((turn.text for turn in reversed(self.turns) if turn.role == "user"), "")
        if "file_search" in tools and choice in ("auto", "required", "file_search"):
            await self._search(record(tools["file_search"].get("file_search")), asked)
        files = self._resource("code_interpreter", "file_ids")
        is_wanted = choice in ("required", "code_interpreter") or (choice == "auto" and wants_code(asked, files))
        if "code_interpreter" in tools and is_wanted:
            code, printed = run_code(self.ask, asked, files)
            outputs = [{"type": "logs", "logs": printed}]
            inside = {"input": code, "outputs": outputs}
            self._own_call("code_interpreter", inside, printed.strip())
            self.ask.meter("code_interpreter_sessions", "", num_sessions=1)

    async def _search(self, options: Json, asked: str) -> None:
        stores = self._resource("file_search", "vector_store_ids")
        if not stores or not asked.strip():
            return
        ranking = {"ranker": "default_2024_08_21", "score_threshold": 0.0, **record(options.get("ranking_options"))}
        ranking["ranker"] = "default_2024_08_21" if ranking["ranker"] == "auto" else ranking["ranker"]
        most = options.get("max_num_results", SEARCH_RESULTS)
        query = {"query": asked, "max_num_results": most, "ranking_options": ranking}
        found: list[Json] = []
        for store in stores:
            answer = await call(self.ask, "POST", f"/vector_stores/{store}/search", query)
            found += records(answer.get("data"))
        found = sorted(found, key=lambda hit: -hit["score"])[:most]
        results = [
            {"file_id": hit["file_id"], "file_name": hit["filename"], "score": hit["score"], "content": hit["content"]}
            for hit in found
        ]
        best = found[:PROMPT_RESULTS]
        self.sources = list(dict.fromkeys((hit["file_id"], hit["filename"]) for hit in best))
        text = "\n".join(str(part.get("text", "")) for hit in best for part in records(hit["content"]))
        self._own_call("file_search", {"ranking_options": ranking, "results": results}, text)

    def _own_call(self, kind: str, inside: Json, result: str) -> None:
        calls = [{"id": self.ask.new_id("call_"), "type": kind, kind: inside}]
        self._step("tool_calls", {"type": "tool_calls", "tool_calls": calls}, TOOL_SECONDS)
        if result:
            self.turns.append(Turn("tool", result))

    def _speak(self) -> None:
        run, schema = self.run, schema_of(self.run.settings["response_format"])
        said = think(Talk(self.turns, schema=schema)).text
        spent = sum(step.usage["completion_tokens"] for step in run.steps.values())
        most = run.settings["max_completion_tokens"]
        text, is_cut = (said, False) if most is None else tokens.shorten(said, max(0, most - spent))
        marks: list[Json] = []
        if schema is None and not is_cut:
            text, marks = _cite(text, self.sources)
        message = Message(
            self.ask.new_id("msg_"), self.thread.id, "assistant", [text_content(text, marks)], int(self.moment)
        )
        details = {"type": "message_creation", "message_creation": {"message_id": message.id}}
        message.run, message.step = run, self._step("message_creation", details, MESSAGE_SECONDS, said=text)
        self.thread.messages.add(message.id, message)
        if is_cut:
            self._end("incomplete", "max_completion_tokens")
        else:
            self._end("completed")

    def _step(self, kind: str, details: Json, seconds: float, said: str | None = None) -> Step:
        prompt, completion = _count(self.turns), tokens.count(said if said is not None else str(details["tool_calls"]))
        usage = {"prompt_tokens": prompt, "completion_tokens": completion, "total_tokens": prompt + completion}
        begins_at = self.moment
        self._pass(seconds)
        step = Step(self.ask.new_id("step_"), kind, details, begins_at, self.moment, usage)
        self.run.steps[step.id] = step
        self.ask.meter(
            "completions",
            str(self.run.settings["model"]),
            input_tokens=prompt,
            output_tokens=completion,
            input_cached_tokens=0,
            num_model_requests=1,
        )
        return step

    def _resource(self, tool: str, name: str) -> list[str]:
        """Files or stores for a tool: the assistant's, then the thread's."""
        assistant = self.ask.held(ASSISTANTS).look(self.run.settings["assistant_id"])
        held = [
            record(record(owner).get(tool)).get(name, [])
            for owner in (_resources(assistant), self.thread.tool_resources)
        ]
        return list(dict.fromkeys(identity for ids in held for identity in ids))

    def _pass(self, seconds: float) -> None:
        self.moment += seconds * self.pace

    def _end(self, outcome: str, reason: str = "") -> None:
        self.run.ends_at, self.run.outcome, self.run.reason = self.moment, outcome, reason


async def plan(ask: Ask, thread: Thread, run: Run, pace: float) -> None:
    """Start a run, now."""
    await Planner(ask, thread, run, pace, ask.world.time()).plan([])


async def resume(ask: Ask, thread: Thread, run: Run, outputs: dict[str, str], pace: float) -> None:
    """Go on with a run whose open step the caller's tools have answered."""
    now = ask.world.time()
    step = run.open_step(now)
    if step is None:
        return
    step.details = change_calls(
        step.details, lambda made: {**made, "function": {**made["function"], "output": outputs[made["id"]]}}
    )
    step.ends_at = now
    await Planner(ask, thread, run, pace, now).plan([Turn("tool", output) for output in outputs.values()])


def _choice(wish: object) -> str:
    """The tool choice in one word: none, auto, required, a kind of tool, or a function's name."""
    if isinstance(wish, str):
        return wish
    wanted = record(wish)
    return str(record(wanted.get("function")).get("name", wanted.get("type", "auto")))


def _resources(assistant: Json | None) -> Json:
    return {} if assistant is None else record(assistant["tool_resources"])


def _text(ask: Ask, message: Message) -> str:
    parts = [{"type": "text", "text": part["text"]["value"]} for part in message.content if part["type"] == "text"]
    return text_of(ask, parts)


def _count(turns: list[Turn]) -> int:
    return sum(tokens.count(turn.text) + tokens.MESSAGE_OVERHEAD for turn in turns)


def _cite(text: str, sources: list[tuple[str, str]]) -> tuple[str, list[Json]]:
    """Put a mark for every source behind the text, and the annotations that explain the marks."""
    annotations: list[Json] = []
    for place, (file_id, name) in enumerate(sources):
        mark, start = f"【{place}†{name}】", len(text)
        text += mark
        place_of: Json = {"text": mark, "start_index": start, "end_index": start + len(mark)}
        annotations.append({"type": "file_citation", **place_of, "file_citation": {"file_id": file_id}})
    return text, annotations
