"""What the demo organization has of assistants, containers, skills and chats."""

# The SDK marks the whole Assistants API as deprecated; the emulator answers it all the same.
# pyright: reportDeprecated=false

import io
import zipfile

import pytest
from openai import OpenAI

from portico.sandbox.assisting.threads import THREADS
from portico.sandbox.state import World

pytestmark = [
    pytest.mark.filterwarnings("ignore:The Assistants API is deprecated:DeprecationWarning"),
    pytest.mark.filterwarnings("ignore:^deprecated$:DeprecationWarning"),
]


@pytest.fixture
def demo(client: OpenAI) -> OpenAI:
    return client.copy(api_key="sk-proj-demo")


def test_assistants_have_a_thread_with_a_finished_run(demo: OpenAI, world: World) -> None:
    clerk, adviser = demo.beta.assistants.list().data
    assert (clerk.name, adviser.name) == ("Till clerk", "Garden adviser")
    (thread,) = world.organization("demo").default_project.shelf.of(THREADS)
    (run,) = demo.beta.threads.runs.list(thread.id).data
    assert (run.status, run.assistant_id) == ("completed", adviser.id)
    assert run.usage is not None
    said = demo.beta.threads.messages.list(thread.id, order="asc").data
    assert [message.role for message in said] == ["user", "assistant", "user"]
    assert said[1].run_id == run.id
    called, wrote = demo.beta.threads.runs.steps.list(run.id, thread_id=thread.id, order="asc").data
    assert (called.type, wrote.type, called.status, wrote.status) == (
        "tool_calls",
        "message_creation",
        "completed",
        "completed",
    )
    again = demo.beta.threads.runs.create(thread.id, assistant_id=adviser.id)
    world.advance(5)
    assert demo.beta.threads.runs.retrieve(again.id, thread_id=thread.id).status == "completed"


def test_container_holds_files(demo: OpenAI) -> None:
    (container,) = demo.containers.list().data
    assert container.status == "running"
    notes, prices = demo.containers.files.list(container.id).data
    assert (notes.path, prices.path) == ("/mnt/data/notes.txt", "/mnt/data/prices.csv")
    content = demo.containers.files.content.retrieve(prices.id, container_id=container.id).read()
    assert content.startswith(b"number,product\nLF-1042,lavender\n")


def test_skill_has_two_versions(demo: OpenAI) -> None:
    (skill,) = demo.skills.list().data
    assert (skill.name, skill.default_version, skill.latest_version) == ("plant-labels", "2", "2")
    with zipfile.ZipFile(io.BytesIO(demo.skills.content.retrieve(skill.id).read())) as archive:
        assert archive.namelist() == ["plant-labels/SKILL.md", "plant-labels/names.csv"]
    assert demo.skills.versions.retrieve("1", skill_id=skill.id).description == "Writes labels for plants."


def test_chat_has_a_question_and_an_answer(demo: OpenAI) -> None:
    (thread,) = demo.beta.chatkit.threads.list(user="customer-1187").data
    answer, question = demo.beta.chatkit.threads.list_items(thread.id).data
    assert (question.type, answer.type) == ("chatkit.user_message", "chatkit.assistant_message")


def test_ids_are_the_same_in_every_demo(demo: OpenAI, world: World) -> None:
    first = [demo.skills.list().data[0].id, demo.containers.list().data[0].id, demo.beta.assistants.list().data[0].id]
    world.reset()
    world.random.random()
    assert first == [
        demo.skills.list().data[0].id,
        demo.containers.list().data[0].id,
        demo.beta.assistants.list().data[0].id,
    ]
