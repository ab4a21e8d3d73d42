"""The demo organization's assistants, with a thread and a run of theirs, and its container, skill and chat."""

from portico.sandbox.assisting.runs import Run, Step
from portico.sandbox.assisting.threads import ASSISTANTS, THREADS, Message, Thread, new_assistant, text_content
from portico.sandbox.blobs import Blob
from portico.sandbox.chatkit_store import SESSIONS, Session, say
from portico.sandbox.container_store import CONTAINERS, FOLDER, Container, ContainerFile
from portico.sandbox.demo.lessons import GOODS, HOUSE
from portico.sandbox.demo.steady import steady
from portico.sandbox.mind import tokens
from portico.sandbox.shapes import Json
from portico.sandbox.skill_bundle import from_uploads
from portico.sandbox.skill_store import SKILLS, Skill
from portico.sandbox.state import Organization, Project, World
from portico.sandbox.wire import Upload

DAY = 86_400
QUESTION = "Where is my order LF-3008-1187?"
CALL = '{"order":"LF-3008-1187"}'
FOUND = "Left the nursery on Tuesday; with the carrier."
ANSWER = "Your apple tree left the nursery on Tuesday and is with the carrier."
THANKS = "Thank you! And when do I plant it?"
FIND_ORDER: Json = {
    "type": "function",
    "function": {
        "name": "find_order",
        "description": "Finds an order by its number",
        "parameters": {"type": "object", "properties": {"order": {"type": "string"}}, "required": ["order"]},
        "strict": False,
    },
}
LABELS = "---\nname: plant-labels\ndescription: {0}\n---\n\n# Plant labels\n\n{0}\n"
PRICES = "number,product\n" + "".join(f"{number},{name}\n" for name, number, *_ in GOODS)


def seed(world: World, organization: Organization) -> None:
    project = organization.default_project
    with steady(world, "demo front desk"):
        adviser = _assistant(world, project, "Garden adviser", 96, "gpt-4.1", [FIND_ORDER, {"type": "file_search"}])
        _assistant(world, project, "Till clerk", 31, "gpt-4.1-mini", [{"type": "code_interpreter"}])
        _talk(world, project, adviser, world.now() - 3 * DAY)
        _container(world, project, world.now())
        _skill(world, project, world.now() - 12 * DAY)
        _chat(world, project)


def _assistant(world: World, project: Project, name: str, age: int, model: str, tools: list[Json]) -> Json:
    body: Json = {"name": name, "model": model, "instructions": HOUSE, "tools": tools, "metadata": {"shop": "online"}}
    assistant = new_assistant(world.new_id(ASSISTANTS.prefix), world.now() - age * DAY, body)
    return project.shelf.of(ASSISTANTS).add(assistant["id"], assistant)


def _talk(world: World, project: Project, assistant: Json, began: int) -> None:
    """A customer's question, answered by a run that had to look an order up, and one that is still open."""
    thread = project.shelf.of(THREADS).add(
        thread_id := world.new_id(THREADS.prefix), Thread(thread_id, began, {"customer": "1187"}, {})
    )
    _say(world, thread, QUESTION, began)
    settings = {name: assistant[name] for name in ("model", "instructions", "tools", "temperature", "top_p")}
    settings |= {
        "assistant_id": assistant["id"],
        "response_format": "auto",
        "reasoning_effort": None,
        "max_prompt_tokens": None,
        "max_completion_tokens": None,
        "truncation_strategy": {"type": "auto", "last_messages": None},
        "tool_choice": "auto",
        "parallel_tool_calls": True,
    }
    run = Run(world.new_id("run_"), thread.id, began + 2, settings, {}, began + 602)
    run.started_at, run.resumes_at, run.ends_at = began + 3, began + 9, began + 11
    thread.runs.add(run.id, run)
    function = {"name": "find_order", "arguments": CALL, "output": FOUND}
    calls = [{"id": world.new_id("call_"), "type": "function", "function": function}]
    _step(world, run, "tool_calls", {"type": "tool_calls", "tool_calls": calls}, CALL)
    message = _say(world, thread, ANSWER, began + 9, "assistant")
    written = {"type": "message_creation", "message_creation": {"message_id": message.id}}
    message.run, message.step = run, _step(world, run, "message_creation", written, ANSWER)
    _say(world, thread, THANKS, began + 95)


def _say(world: World, thread: Thread, text: str, at: int, role: str = "user") -> Message:
    message = Message(world.new_id("msg_"), thread.id, role, [text_content(text)], at)
    return thread.messages.add(message.id, message)


def _step(world: World, run: Run, kind: str, details: Json, said: str) -> Step:
    asked, answered = tokens.count(HOUSE + QUESTION), tokens.count(said)
    usage = {"prompt_tokens": asked, "completion_tokens": answered, "total_tokens": asked + answered}
    begins_at, ends_at = (run.started_at, run.resumes_at) if not run.steps else (run.resumes_at, run.ends_at)
    step = Step(world.new_id("step_"), kind, details, begins_at, ends_at, usage)
    run.steps[step.id] = step
    return step


def _container(world: World, project: Project, now: int) -> None:
    container = Container(world.new_id(CONTAINERS.prefix), "price-check", now - 600, now, minutes=24 * 60)
    project.shelf.of(CONTAINERS).add(container.id, container)
    for name, text in (("prices.csv", PRICES), ("notes.txt", "Check the tulip bulbs first.\n")):
        path, identity = f"{FOLDER}/{name}", world.new_id("cfile_")
        container.put(ContainerFile(identity, container.id, path, "user", now - 590, Blob(text.encode())))


def _skill(world: World, project: Project, now: int) -> None:
    skill = Skill(world.new_id(SKILLS.prefix), now)
    for day, description in enumerate(("Writes labels for plants.", "Writes labels for plants and pots.")):
        manifest = Upload("plant-labels/SKILL.md", "text/markdown", Blob(LABELS.format(description).encode()))
        names = Upload("plant-labels/names.csv", "text/csv", Blob(PRICES.encode()))
        skill.add(world.new_id("skillver_"), now + day * DAY, from_uploads([manifest, names]))
    skill.default = 2
    project.shelf.of(SKILLS).add(skill.id, skill)


def _chat(world: World, project: Project) -> None:
    configuration: Json = {
        "automatic_thread_titling": {"enabled": True},
        "file_upload": {"enabled": False, "max_file_size": 512, "max_files": 10},
        "history": {"enabled": True, "recent_threads": None},
    }
    workflow: Json = {"id": "wf_front_desk", "version": "3", "state_variables": {}, "tracing": {"enabled": True}}
    session = Session(
        world.new_id(SESSIONS.prefix),
        world.new_id("ek_"),
        "customer-1187",
        workflow,
        world.now() + 600,
        10,
        configuration,
    )
    project.shelf.of(SESSIONS).add(session.id, session)
    say(world, project, session, "Which month is right for dahlia tubers?")
