"""Fine-tuning jobs with their events and checkpoints, through the official SDK and bare."""

from typing import Any

import pytest
from bare_http import Caller
from openai import OpenAI
from receiver import listening
from trainings import Upload, chats, start, supervised, uploader

from portico.sandbox.state import World


@pytest.fixture
def upload(client: OpenAI) -> Upload:
    return uploader(client)


def test_job_goes_through_its_states(client: OpenAI, world: World, upload: Upload) -> None:
    file_id = upload(chats())
    job = client.fine_tuning.jobs.create(model="gpt-4o-mini", training_file=file_id, seed=7, suffix="sums")
    assert (job.status, job.seed, job.training_file, job.fine_tuned_model) == ("validating_files", 7, file_id, None)
    assert job.hyperparameters.n_epochs == "auto"
    seen = [job.status]
    for seconds in (16, 31, 200):
        world.advance(seconds)
        seen.append(client.fine_tuning.jobs.retrieve(job.id).status)
    assert seen == ["validating_files", "queued", "running", "succeeded"]


def test_running_job_says_when_it_will_be_done(client: OpenAI, world: World, upload: Upload) -> None:
    job_id = start(client, upload(chats()), method=supervised(n_epochs=5))
    world.advance(50)
    job = client.fine_tuning.jobs.retrieve(job_id)
    assert job.estimated_finish == job.created_at + 15 + 30 + 60
    assert (job.finished_at, job.trained_tokens, job.result_files) == (None, None, [])


def test_finished_job_has_a_model_that_chats(client: OpenAI, world: World, upload: Upload) -> None:
    job_id = start(client, upload(chats()), suffix="sums")
    world.advance(400)
    # The model is there even before anybody looks at the job.
    tuned = next(model.id for model in client.models.list() if model.id.startswith("ft:") and "ckpt" not in model.id)
    job = client.fine_tuning.jobs.retrieve(job_id)
    assert job.fine_tuned_model == tuned
    assert tuned.startswith("ft:gpt-4o-mini:test:sums:")
    assert client.models.retrieve(tuned).owned_by == job.organization_id
    answer = client.chat.completions.create(model=tuned, messages=[{"role": "user", "content": "Say roses"}])
    assert (answer.model, answer.choices[0].message.content) == (tuned, "roses")


def test_pace_zero_is_done_at_once(client: OpenAI, world: World, upload: Upload) -> None:
    file_id = upload(chats())
    world.pace = 0
    job = client.fine_tuning.jobs.create(model="gpt-4.1", training_file=file_id)
    assert (job.status, job.finished_at) == ("succeeded", job.created_at)
    assert job.fine_tuned_model in [model.id for model in client.models.list()]


def test_trained_tokens_are_those_of_the_file_times_epochs(client: OpenAI, world: World, upload: Upload) -> None:
    world.pace = 0
    words = [{"messages": [{"role": "user", "content": "red blue"}, {"role": "assistant", "content": "green"}]}] * 10
    job = client.fine_tuning.jobs.create(
        model="gpt-4o-mini",
        training_file=upload(words),
        method={"type": "supervised", "supervised": {"hyperparameters": {"n_epochs": 3}}},
    )
    # Three words and two messages of four tokens each, ten examples, three epochs.
    assert job.trained_tokens == (3 + 2 * 4) * 10 * 3


@pytest.mark.parametrize(("examples", "epochs"), [(10, 10), (12, 8), (40, 3)])
def test_automatic_settings_become_numbers(
    client: OpenAI, world: World, upload: Upload, examples: int, epochs: int
) -> None:
    world.pace = 0
    job = client.fine_tuning.jobs.retrieve(start(client, upload(chats(examples))))
    settings = job.hyperparameters
    assert (settings.n_epochs, settings.batch_size, settings.learning_rate_multiplier) == (epochs, 1, 1.8)
    assert job.method is not None
    assert job.method.supervised is not None
    assert job.method.supervised.hyperparameters is not None
    assert job.method.supervised.hyperparameters.n_epochs == epochs


def test_result_file_has_a_line_for_each_step(client: OpenAI, world: World, upload: Upload) -> None:
    world.pace = 0
    job_id = start(client, upload(chats(12)), validation_file=upload(chats(4, 50)), method=supervised(n_epochs=2))
    (file_id,) = client.fine_tuning.jobs.retrieve(job_id).result_files
    assert client.files.retrieve(file_id).purpose == "fine-tune-results"
    head, *lines = client.files.content(file_id).text.splitlines()
    assert head.split(",")[0] == "step"
    assert [line.split(",")[0] for line in lines] == [str(step) for step in range(1, 25)]
    losses = [float(line.split(",")[1]) for line in lines]
    assert losses[-1] < losses[0] / 2
    assert all(float(line.split(",")[3]) > 0 for line in lines)


def test_validation_on_other_words_loses_more(client: OpenAI, world: World, upload: Upload) -> None:
    world.pace = 0
    strange = [
        {"messages": [{"role": "user", "content": "?"}, {"role": "assistant", "content": f"zebra {word} quartz"}]}
        for word in ("lemon", "velvet", "piano")
    ]
    training = upload(chats())
    jobs = [start(client, training, validation_file=upload(lines), seed=1) for lines in (chats(3), strange)]
    losses = [client.fine_tuning.jobs.checkpoints.list(job).data[0].metrics.full_valid_loss or 0 for job in jobs]
    assert losses[0] < losses[1]


def test_pause_stops_the_work_until_resumed(client: OpenAI, world: World, upload: Upload) -> None:
    job_id = start(client, upload(chats()), method=supervised(n_epochs=5))
    world.advance(60)
    # OpenAI's types have no word for a pause, so that the job stands as queued.
    assert client.fine_tuning.jobs.pause(job_id).status == "queued"
    world.advance(100_000)
    assert client.fine_tuning.jobs.retrieve(job_id).status == "queued"
    assert client.fine_tuning.jobs.resume(job_id).status == "queued"
    world.advance(31)
    assert client.fine_tuning.jobs.retrieve(job_id).status == "running"
    world.advance(60)
    job = client.fine_tuning.jobs.retrieve(job_id)
    assert job.status == "succeeded"
    assert job.finished_at is not None
    assert job.finished_at > job.created_at + 100_000
    told = [event.message for event in client.fine_tuning.jobs.list_events(job_id)]
    assert "The job was paused." in told
    assert "The job goes on." in told


def test_cancelled_job_stays_cancelled(client: OpenAI, world: World, upload: Upload) -> None:
    job_id = start(client, upload(chats()))
    world.advance(60)
    job = client.fine_tuning.jobs.cancel(job_id)
    assert job.status == "cancelled"
    # The clock goes on between two calls.
    assert job.finished_at in (job.created_at + 60, job.created_at + 61)
    world.advance(1000)
    assert client.fine_tuning.jobs.retrieve(job_id).status == "cancelled"
    assert not [model for model in client.models.list() if model.id.startswith("ft:")]


def test_checkpoints_of_the_last_epochs_appear_with_time(client: OpenAI, world: World, upload: Upload) -> None:
    job_id = start(client, upload(chats(10)), method=supervised(n_epochs=5))
    seen: list[list[int]] = []
    for seconds in (45 + 29, 2, 10, 10):
        world.advance(seconds)
        seen.append([found.step_number for found in client.fine_tuning.jobs.checkpoints.list(job_id)])
    assert seen == [[], [30], [40, 30], [50, 40, 30]]
    newest, middle, _ = client.fine_tuning.jobs.checkpoints.list(job_id).data
    assert newest.fine_tuned_model_checkpoint == client.fine_tuning.jobs.retrieve(job_id).fine_tuned_model
    assert middle.fine_tuned_model_checkpoint.endswith(":ckpt-step-40")
    assert (newest.metrics.train_loss or 9) < (middle.metrics.train_loss or 0)
    said = client.chat.completions.create(
        model=middle.fine_tuned_model_checkpoint, messages=[{"role": "user", "content": "Say tulip"}]
    )
    assert said.choices[0].message.content == "tulip"


def test_events_appear_with_time_newest_first(client: OpenAI, world: World, upload: Upload) -> None:
    job_id = start(client, upload(chats(10)), method=supervised(n_epochs=3))
    assert len(client.fine_tuning.jobs.list_events(job_id).data) == 2
    world.advance(200)
    page = client.fine_tuning.jobs.list_events(job_id, limit=3)
    assert page.data[0].message == "The job is complete."
    assert page.has_more
    everything = list(page)
    assert len(everything) == len({event.id for event in everything}) == 2 + 2 + 30 + 3 + 2
    moments = [event.created_at for event in everything]
    assert moments == sorted(moments, reverse=True)
    metrics = [event for event in everything if event.type == "metrics"]
    assert metrics[0].data["step"] == 30  # pyright: ignore[reportOptionalSubscript, reportIndexIssue, reportUnknownVariableType] -- the client narrows what the wire takes


@pytest.mark.parametrize(
    ("lines", "code", "hint"),
    [
        (chats(9), "invalid_n_examples", "9 examples"),
        (b"{}\n" * 10, "invalid_file_format", "Line 1"),
        ([*chats(9), "text"], "invalid_file_format", "Line 10"),
        (b"not json\n", "invalid_file_format", "not JSON"),
        ([*chats(3), {"messages": [{"role": "robot", "content": "x"}]}], "invalid_file_format", "robot"),
        ([*chats(3), {"messages": [{"role": "user", "content": "x"}]}], "invalid_file_format", "assistant"),
        ([*chats(3), {"messages": [{"role": "user"}]}], "invalid_file_format", "empty"),
    ],
)
def test_bad_training_files_make_the_job_fail(
    client: OpenAI, world: World, upload: Upload, lines: Any, code: str, hint: str
) -> None:
    job_id = start(client, upload(lines))
    assert client.fine_tuning.jobs.retrieve(job_id).error is None
    world.advance(16)
    job = client.fine_tuning.jobs.retrieve(job_id)
    assert job.status == "failed"
    assert job.error is not None
    assert (job.error.code, job.error.param) == (code, "training_file")
    assert hint in job.error.message
    assert client.fine_tuning.jobs.list_events(job_id).data[0].level == "error"


def test_bad_validation_file_is_named(client: OpenAI, world: World, upload: Upload) -> None:
    world.pace = 0
    job = client.fine_tuning.jobs.retrieve(start(client, upload(chats()), validation_file=upload(b"?")))
    assert job.error is not None
    assert job.error.param == "validation_file"


PREFERENCE = {
    "input": {"messages": [{"role": "user", "content": "Hi"}]},
    "preferred_output": [{"role": "assistant", "content": "Hello!"}],
    "non_preferred_output": [{"role": "assistant", "content": "What?"}],
}
GRADER = {
    "type": "string_check",
    "name": "right",
    "input": "{{sample.output_text}}",
    "reference": "{{item.number}}",
    "operation": "eq",
}


@pytest.mark.parametrize(
    ("model", "method", "line"),
    [
        ("gpt-4.1", {"type": "dpo", "dpo": {"hyperparameters": {"beta": 0.3}}}, PREFERENCE),
        (
            "o4-mini",
            {"type": "reinforcement", "reinforcement": {"grader": GRADER, "hyperparameters": {"eval_samples": 2}}},
            {"messages": [{"role": "user", "content": "One?"}], "number": "1"},
        ),
        ("davinci-002", {"type": "supervised"}, {"prompt": "One and", "completion": " two"}),
    ],
)
def test_methods_read_their_own_kind_of_file(
    client: OpenAI, world: World, upload: Upload, model: str, method: Any, line: Any
) -> None:
    world.pace = 0
    right, wrong = upload([line] * 10), upload(chats())
    job = client.fine_tuning.jobs.create(model=model, training_file=right, method=method)
    assert job.status == "succeeded"
    assert job.method is not None
    assert job.method.type == method["type"]
    for name, value in method.get(method["type"], {}).get("hyperparameters", {}).items():
        assert job.method.model_dump()[method["type"]]["hyperparameters"][name] == value
    assert client.fine_tuning.jobs.retrieve(start(client, wrong, model=model, method=method)).status == "failed"


def test_jobs_are_paged_newest_first_without_ends(client: OpenAI, call: Caller, upload: Upload) -> None:
    file_id = upload(chats())
    made = [start(client, file_id) for _ in range(5)]
    assert [job.id for job in client.fine_tuning.jobs.list(limit=2)] == made[::-1]
    page = call("GET", f"/v1/fine_tuning/jobs?limit=2&after={made[3]}").json
    assert [job["id"] for job in page["data"]] == [made[2], made[1]]
    assert set(page) == {"object", "data", "has_more"}


def test_jobs_are_found_by_metadata(client: OpenAI, call: Caller, upload: Upload) -> None:
    file_id = upload(chats())
    plain, named = start(client, file_id), start(client, file_id, metadata={"team": "blue"})
    assert [job.id for job in client.fine_tuning.jobs.list(metadata={"team": "blue"})] == [named]
    assert not client.fine_tuning.jobs.list(metadata={"team": "red"}).data
    assert [job["id"] for job in call("GET", "/v1/fine_tuning/jobs?metadata=null").json["data"]] == [plain]


def test_integrations_come_back(client: OpenAI, upload: Upload) -> None:
    tracker: Any = {"type": "wandb", "wandb": {"project": "garden", "tags": ["first"]}}
    job = client.fine_tuning.jobs.create(model="gpt-4o", training_file=upload(chats()), integrations=[tracker])
    assert job.integrations is not None
    assert job.integrations[0].wandb.project == "garden"


def test_tuned_model_can_be_tuned_further(client: OpenAI, world: World, upload: Upload) -> None:
    world.pace = 0
    file_id = upload(chats())
    first = client.fine_tuning.jobs.create(model="gpt-4o-mini", training_file=file_id)
    assert first.fine_tuned_model is not None
    second = client.fine_tuning.jobs.create(model=first.fine_tuned_model, training_file=file_id, suffix="more")
    assert second.model == first.fine_tuned_model
    assert second.fine_tuned_model is not None
    assert second.fine_tuned_model.startswith("ft:gpt-4o-mini:test:more:")


@pytest.mark.parametrize(
    ("change", "param", "status"),
    [
        ({"model": None}, "model", 400),
        ({"model": "gpt-nothing"}, "model", 404),
        ({"model": "gpt-5"}, "model", 400),
        ({"training_file": None}, "training_file", 400),
        ({"training_file": "file-none"}, "training_file", 400),
        ({"validation_file": "file-none"}, "validation_file", 400),
        ({"suffix": "x" * 65}, "suffix", 400),
        ({"seed": -1}, "seed", 400),
        ({"colour": "red"}, "colour", 400),
        ({"method": {"type": "magic"}}, "method.type", 400),
        ({"method": {"type": "reinforcement"}}, "method.type", 400),
        ({"method": {"type": "reinforcement"}, "model": "o4-mini"}, "method.reinforcement", 400),
        ({"hyperparameters": {"n_epochs": 51}}, "hyperparameters.n_epochs", 400),
        ({"hyperparameters": {"learning_rate_multiplier": 0}}, "hyperparameters.learning_rate_multiplier", 400),
        ({"integrations": [{"type": "other", "wandb": {"project": "x"}}]}, "integrations[0].type", 400),
        ({"metadata": {"k" * 65: "v"}}, "metadata", 400),
    ],
)
def test_bad_jobs_are_refused(call: Caller, upload: Upload, change: dict[str, Any], param: str, status: int) -> None:
    body = {"model": "gpt-4o-mini", "training_file": upload(chats()), **change}
    got = call("POST", "/v1/fine_tuning/jobs", body)
    assert (got.status, got.error["param"]) == (status, param)


def test_file_of_another_purpose_is_refused(call: Caller, upload: Upload) -> None:
    body = {"model": "gpt-4o-mini", "training_file": upload(chats(), "user_data")}
    got = call("POST", "/v1/fine_tuning/jobs", body)
    assert (got.status, got.error["code"]) == (400, "invalid_purpose")


@pytest.mark.parametrize(
    ("verb", "rest"),
    [
        ("GET", ""),
        ("POST", "/cancel"),
        ("POST", "/pause"),
        ("POST", "/resume"),
        ("GET", "/events"),
        ("GET", "/checkpoints"),
    ],
)
def test_unknown_job_is_not_found(call: Caller, verb: str, rest: str) -> None:
    assert call(verb, f"/v1/fine_tuning/jobs/ftjob-none{rest}").status == 404


@pytest.mark.parametrize(
    ("seconds", "deed"), [(0, "pause"), (0, "resume"), (60, "resume"), (999, "pause"), (999, "resume"), (999, "cancel")]
)
def test_deeds_out_of_season_are_refused(
    client: OpenAI, call: Caller, world: World, upload: Upload, seconds: int, deed: str
) -> None:
    job_id = start(client, upload(chats()))
    world.advance(seconds)
    got = call("POST", f"/v1/fine_tuning/jobs/{job_id}/{deed}")
    assert (got.status, got.error["code"]) == (400, "invalid_state")


def test_jobs_of_another_project_look_missing(client: OpenAI, sandbox_url: str, upload: Upload) -> None:
    job_id = start(client, upload(chats()))
    stranger = Caller(sandbox_url, "sk-proj-stranger")
    assert stranger("GET", f"/v1/fine_tuning/jobs/{job_id}").status == 404
    assert stranger("GET", "/v1/fine_tuning/jobs").json["data"] == []


def test_end_of_a_job_is_told_to_webhooks(client: OpenAI, call: Caller, world: World, upload: Upload) -> None:
    with listening() as receiver:
        client.webhooks.create(event_types=["fine_tuning.job.succeeded"], name="ours", url=receiver.url)
        job_id = start(client, upload(chats()))
        world.advance(999)
        call("POST", "/_sandbox/webhooks/pump")
        told = [delivery["event"] for delivery in call("GET", "/_sandbox/webhooks").json["data"]]
    assert [(event["type"], event["data"]["id"]) for event in told] == [("fine_tuning.job.succeeded", job_id)]
