"""Permissions of fine-tuned models, and what deleting a model takes along."""

import openai
import pytest
from bare_http import Caller
from openai import OpenAI
from trainings import chats, start, uploader

from portico.sandbox.state import World


@pytest.fixture
def tuned(client: OpenAI, world: World) -> str:
    """A fine-tuned model of the project."""
    world.pace = 0
    return str(client.fine_tuning.jobs.retrieve(start(client, uploader(client)(chats()))).fine_tuned_model)


def test_permission_lends_a_model_to_another_project(
    client: OpenAI, world: World, sandbox_url: str, tuned: str
) -> None:
    organization = world.organization("test")
    other = world.new_project(organization, "Other")
    key = world.issue_key(organization, "project", organization.owner.id, other.id)
    borrower = Caller(sandbox_url, key.secret)
    ask = {"model": tuned, "messages": [{"role": "user", "content": "Say fern"}]}
    assert borrower("POST", "/v1/chat/completions", ask).status == 404
    (permission,) = client.fine_tuning.checkpoints.permissions.create(tuned, project_ids=[other.id])
    assert permission.project_id == other.id
    assert borrower("POST", "/v1/chat/completions", ask).status == 200
    # Who borrows a model can neither lend nor delete it.
    assert borrower("GET", f"/v1/fine_tuning/checkpoints/{tuned}/permissions").status == 404
    assert borrower("DELETE", f"/v1/models/{tuned}").status == 404
    gone = client.fine_tuning.checkpoints.permissions.delete(permission.id, fine_tuned_model_checkpoint=tuned)
    assert gone.deleted
    assert borrower("POST", "/v1/chat/completions", ask).status == 404
    assert client.models.retrieve(tuned).id == tuned


def test_permissions_are_paged_and_filtered(client: OpenAI, call: Caller, world: World, tuned: str) -> None:
    projects = [world.new_project(world.organization("test"), f"P{n}").id for n in range(4)]
    client.fine_tuning.checkpoints.permissions.create(tuned, project_ids=projects)
    # Asking again changes nothing.
    client.fine_tuning.checkpoints.permissions.create(tuned, project_ids=projects[:1])
    listed = list(client.fine_tuning.checkpoints.permissions.list(tuned, limit=3))
    assert [found.project_id for found in listed] == projects[::-1]
    upward = client.fine_tuning.checkpoints.permissions.list(tuned, order="ascending")
    assert [found.project_id for found in upward] == projects
    one = client.fine_tuning.checkpoints.permissions.list(tuned, project_id=projects[2]).data
    assert [found.project_id for found in one] == [projects[2]]
    page = call("GET", f"/v1/fine_tuning/checkpoints/{tuned}/permissions?limit=1").json
    assert (page["first_id"], page["last_id"], page["has_more"]) == (listed[0].id, listed[0].id, True)


def test_permissions_of_strangers_are_refused(client: OpenAI, call: Caller, tuned: str) -> None:
    with pytest.raises(openai.NotFoundError):
        client.fine_tuning.checkpoints.permissions.list("ft:none")
    path = f"/v1/fine_tuning/checkpoints/{tuned}/permissions"
    assert call("POST", path, {"project_ids": ["proj_none"]}).error["param"] == "project_ids"
    assert call("POST", path, {}).error["param"] == "project_ids"
    assert call("DELETE", f"{path}/cp_none").status == 404


def test_deleted_model_is_gone_everywhere(client: OpenAI, world: World, sandbox_url: str, tuned: str) -> None:
    organization = world.organization("test")
    other = world.new_project(organization, "Other")
    borrower = Caller(sandbox_url, world.issue_key(organization, "project", organization.owner.id, other.id).secret)
    client.fine_tuning.checkpoints.permissions.create(tuned, project_ids=[other.id])
    assert client.models.delete(tuned).deleted
    assert borrower("GET", f"/v1/models/{tuned}").status == 404
    with pytest.raises(openai.NotFoundError):
        client.chat.completions.create(model=tuned, messages=[{"role": "user", "content": "Hi"}])
    # The job still says what it made, and doesn't make it again.
    (job,) = client.fine_tuning.jobs.list()
    assert job.fine_tuned_model == tuned
    assert tuned not in [model.id for model in client.models.list()]


def test_permissions_leave_their_mark_in_the_audit_log(
    client: OpenAI, admin_client: OpenAI, world: World, tuned: str
) -> None:
    other = world.new_project(world.organization("test"), "Other")
    (permission,) = client.fine_tuning.checkpoints.permissions.create(tuned, project_ids=[other.id])
    client.fine_tuning.checkpoints.permissions.delete(permission.id, fine_tuned_model_checkpoint=tuned)
    deleted, created = admin_client.admin.organization.audit_logs.list(limit=2).data
    assert (created.type, deleted.type) == ("checkpoint.permission.created", "checkpoint.permission.deleted")
    assert created.checkpoint_permission_created is not None
    assert created.checkpoint_permission_created.data is not None
    assert created.checkpoint_permission_created.data.fine_tuned_model_checkpoint == tuned
    assert created.checkpoint_permission_created.data.project_id == other.id
