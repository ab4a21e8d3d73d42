"""Requests about training jobs and vector stores."""

from typing import Any

from tests.faces.mcp.speaker import Json

from bench.tasks.people import DAY
from bench.tasks.player import Player, rows
from bench.tasks.request import Request
from portico.sandbox.file_store import FILES
from portico.sandbox.tuning.job import JOBS
from portico.sandbox.vector_store import STORES

ALL_JOBS, ONE_JOB = "list_all_openai_fine_tuning_jobs", "get_single_openai_fine_tuning_job_by_id"
ALL_STORES, STORE_FILES = "list_all_openai_vector_stores", "list_all_openai_vector_store_files"
ONE_FILE, ALL_FILES = "get_single_openai_file_by_id", "list_all_openai_files"
POLL_SECONDS = 5.0
NO_TEXT = b"\0" * 300


class _Jobs(Request):
    def jobs(self) -> list[Json]:
        """The newest first."""
        moment = self.house.world.time()
        shown = [each.show(moment) for each in self.house.organization.default_project.shelf.of(JOBS)]
        return sorted(shown, key=lambda each: -each["created_at"])


class NewestJobs(_Jobs):
    asked = "The five newest fine-tuning jobs, with base model and state"

    async def plainly(self, agent: Player) -> Any:
        found = (await agent.ask(ALL_JOBS, {"limit": 5}))["result"]
        return [(each["id"], each["model"], each["status"]) for each in found]

    async def with_comforts(self, agent: Player) -> Any:
        told = await agent.ask(ALL_JOBS, {"limit": 5, "fields": "id,model,status", "as": "table"})
        return [(each["id"], each["model"], each["status"]) for each in rows(told["result"])]

    def right(self) -> Any:
        return [(each["id"], each["model"], each["status"]) for each in self.jobs()[:5]]


class OneJob(_Jobs):
    asked = "How many tokens was one job trained on, and which model came out of it?"

    @property
    def job(self) -> Json:
        return next(each for each in self.jobs() if each["status"] == "succeeded")

    async def plainly(self, agent: Player) -> Any:
        told = await agent.ask(ONE_JOB, {"id": self.job["id"]})
        return told["trained_tokens"], told["fine_tuned_model"]

    async def with_comforts(self, agent: Player) -> Any:
        told = await agent.ask(ONE_JOB, {"id": self.job["id"], "fields": "trained_tokens,fine_tuned_model"})
        return told["trained_tokens"], told["fine_tuned_model"]

    def right(self) -> Any:
        return self.job["trained_tokens"], self.job["fine_tuned_model"]


class ValidationFile(_Jobs):
    asked = "Has a job on gpt-4o-mini failed more than a day ago? Which validation file did it use?"

    async def plainly(self, agent: Player) -> Any:
        (job,) = [each for each in await agent.pages(ALL_JOBS, {"limit": 100}) if self._is_meant(each)]
        told = await agent.ask(ONE_JOB, {"id": job["id"]})
        return job["id"], (await agent.ask(ONE_FILE, {"id": told["validation_file"]}))["filename"]

    async def with_comforts(self, agent: Player) -> Any:
        wanted = "id,model,status,created_at,validation_file"
        told = await agent.ask(ALL_JOBS, {"limit": 100, "fields": wanted, "as": "table"})
        (job,) = [each for each in rows(told["result"]) if self._is_meant(each)]
        file = await agent.ask(ONE_FILE, {"id": job["validation_file"], "fields": "filename"})
        return job["id"], file["filename"]

    def _is_meant(self, job: Json) -> bool:
        is_old = job["created_at"] < self.house.now - DAY
        return job["status"] == "failed" and job["model"] == "gpt-4o-mini" and is_old

    def right(self) -> Any:
        (job,) = [each for each in self.jobs() if self._is_meant(each)]
        file = self.house.organization.default_project.shelf.of(FILES).get(job["validation_file"])
        return job["id"], file.filename


class FailedFiles(Request):
    asked = "Which vector stores have files that failed, which files, and why?"
    changes = True
    stores = (("Seed catalogue", ("seeds.txt", "cover.txt")), ("Supplier terms", ("terms.txt",)), ("Empty", ()))

    async def prepare(self) -> None:
        """A catalogue whose cover nobody can read, and two stores in which all is well."""
        for name, files in self.stores:
            ids: list[str] = []
            for filename in files:
                content = NO_TEXT if filename == "cover.txt" else b"Sow in April. Thin out in May."
                upload = {"file": await self.house.kept(content, filename)}
                made = await self.house.value("create_a_openai_file", {"purpose": "user_data", "file": upload})
                ids.append(made["id"])
            await self.house.value("create_a_openai_vector_store", {"name": name, "file_ids": ids})
        self.house.pass_(60)

    async def plainly(self, agent: Player) -> Any:
        found: list[tuple[str, str, str]] = []
        for store in await agent.pages(ALL_STORES, {"limit": 100}):
            if store["file_counts"]["failed"]:
                asked = {"vector_store_id": store["id"], "limit": 100, "filter": "failed"}
                for file in await agent.pages(STORE_FILES, asked):
                    told = await agent.ask(ONE_FILE, {"id": file["id"]})
                    found.append((store["name"], told["filename"], file["last_error"]["code"]))
        return found

    async def with_comforts(self, agent: Player) -> Any:
        found: list[tuple[str, str, str]] = []
        told = await agent.ask(ALL_STORES, {"limit": 100, "fields": "name,file_counts.failed", "as": "table"})
        for store in rows(told["result"]):
            if store["file_counts.failed"]:
                asked = {"vector_store_id": store["name"], "filter": "failed", "fields": "id,last_error"}
                for file in (await agent.ask(STORE_FILES, {**asked, "limit": 100}))["result"]:
                    named = await agent.ask(ONE_FILE, {"id": file["id"], "fields": "filename"})
                    found.append((store["name"], named["filename"], file["last_error"]["code"]))
        return found

    def right(self) -> Any:
        shelf, moment = self.house.organization.default_project.shelf, self.house.world.time()
        return [
            (store.name, shelf.of(FILES).get(file.id).filename, (file.error or {})["code"])
            for store in shelf.of(STORES)
            for file in store.files
            if file.status(moment) == "failed"
        ]


class NewStore(Request):
    asked = "Make the vector store Q3 Financial Reports of two files, and say its id when it is ready"
    changes = True
    name = "Q3 Financial Reports"

    async def prepare(self) -> None:
        self.files: list[str] = []
        for month in ("July", "August"):
            upload = {"text": f"{month}: sales of bulbs went up. " * 20, "filename": f"{month}.txt"}
            made = await self.house.value("create_a_openai_file", {"purpose": "user_data", "file": upload})
            self.files.append(made["id"])

    async def plainly(self, agent: Player) -> Any:
        store = await agent.ask("create_a_openai_vector_store", {"name": self.name, "file_ids": self.files})
        while store["status"] == "in_progress":
            agent.pass_(POLL_SECONDS)
            store = await agent.ask("get_single_openai_vector_store_by_id", {"id": store["id"]})
        return store["id"], store["status"]

    async def with_comforts(self, agent: Player) -> Any:
        asked = {"name": self.name, "file_ids": self.files, "wait_seconds": 120}
        store = await agent.ask("create_a_openai_vector_store", {**asked, "fields": "id,status"})
        return store["id"], store["status"]

    def right(self) -> Any:
        (store,) = [each for each in self.house.organization.default_project.shelf.of(STORES) if each.name == self.name]
        assert all(each.status(self.house.world.time()) == "completed" for each in store.files)
        return store.id, "completed"
