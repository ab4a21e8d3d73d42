"""External storage: a bucket in a cloud of the customer's own that keeps the data of one project."""

from typing import Any

from portico.sandbox.audit import audit
from portico.sandbox.checks import Check, by_type, fields, one_of, record, text
from portico.sandbox.external_store import STORAGES, Storage
from portico.sandbox.pages import Cursor
from portico.sandbox.people import projects
from portico.sandbox.refusals import conflict, invalid
from portico.sandbox.shapes import Json
from portico.sandbox.state import Project
from portico.sandbox.wire import Answer, Ask, Route, gone

LIST = Cursor(ends=False)
FULL: Check = text(shortest=1, longest=2048)
# The region of a bucket, which the sandbox can't look up, by where its project stores; Oracle's is told.
REGIONS = {
    "aws": {"EU": "eu-central-1", "US": "us-east-1"},
    "azure": {"EU": "westeurope", "US": "eastus"},
    "gcp": {"EU": "europe-west4", "US": "us-central1"},
}
ACCOUNT_PLACE = 4


def _of_cloud(name: str, needed: str) -> Check:
    return record({"type": one_of(name), **dict.fromkeys(needed.split(), FULL)})


def _role(value: Any, path: str) -> str:
    """An AWS role: arn:aws:iam::<account>:role/<name>."""
    arn: str = FULL(value, path)
    parts = arn.split(":")
    if parts[:3] != ["arn", "aws", "iam"] or len(parts) <= ACCOUNT_PLACE or not parts[ACCOUNT_PLACE].isdigit():
        raise invalid(f"'{path}' must be the ARN of a role.", path)
    return arn


PROVIDER = by_type(
    {
        "aws": record({"type": one_of("aws"), "bucket": FULL, "role_arn": _role}),
        "azure": _of_cloud("azure", "account_name container resource_group subscription_id tenant_id"),
        "gcp": _of_cloud(
            "gcp",
            "bucket workload_identity_pool_id workload_identity_project_number workload_identity_provider_id",
        ),
        "oci": _of_cloud("oci", "bucket region tenancy_ocid"),
    }
)


def list_storages(ask: Ask) -> Answer:
    project_id = ask.query.text("project_id")
    rows = ask.held(STORAGES).rows(lambda held: project_id in (None, "", held.project_id))
    return LIST.answer(ask, rows, Storage.show)


def create_storage(ask: Ask) -> Answer:
    body = fields(ask.body, {"project_id": text(), "provider": PROVIDER})
    project = projects(ask.organization).get(body["project_id"])
    if project.status == "archived":
        raise invalid(f"The project '{project.name}' is archived.", "project_id", "project_archived")
    if any(held.project_id == project.id for held in ask.held(STORAGES)):
        raise conflict(f"The project '{project.name}' has an external storage already.", param="project_id")
    provider = _whole(project, body["provider"])
    geography = _geography(project, provider)
    storage = Storage(ask.new_id(STORAGES), project.id, provider, geography, ask.now)
    data = {"geography": geography, "provider": provider}
    audit(ask, "external_storage.registered", project, id=storage.id, data=data)
    return ask.held(STORAGES).add(storage.id, storage).show()


def get_storage(ask: Ask) -> Answer:
    return _storage(ask).show()


def delete_storage(ask: Ask) -> Answer:
    storage = ask.held(STORAGES).remove(ask["external_storage_id"])
    audit(ask, "external_storage.removed", ask.organization.projects[storage.project_id], id=storage.id)
    return gone(storage.id, "organization.external_storage.deleted")


def validate_storage(ask: Ask) -> Answer:
    storage = _storage(ask)
    storage.check()
    return storage.show()


def _storage(ask: Ask) -> Storage:
    return ask.held(STORAGES).get(ask["external_storage_id"])


def _geography(project: Project, provider: Json) -> str:
    """Oracle's regions begin with theirs (us-ashburn-1); for the others it is where the project stores."""
    if provider["type"] == "oci":
        return str(provider["region"]).partition("-")[0].upper()
    return "EU" if project.residency.startswith("EU_") else "US"


def _whole(project: Project, told: Json) -> Json:
    """What was told of a bucket, with what follows from it."""
    if told["type"] == "oci":
        return told
    provider = {**told, "region": REGIONS[told["type"]][_geography(project, told)]}
    if told["type"] == "aws":
        account = told["role_arn"].split(":")[ACCOUNT_PLACE]
        return {**provider, "account_id": account, "external_id": project.id}
    if told["type"] == "gcp":
        pool, number = told["workload_identity_pool_id"], told["workload_identity_project_number"]
        at = f"projects/{number}/locations/global/workloadIdentityPools/{pool}"
        audience = f"//iam.googleapis.com/{at}/providers/{told['workload_identity_provider_id']}"
        return {**provider, "audience": audience}
    return provider


ROUTES = (
    Route("GET", "/organization/external_storage", list_storages),
    Route("POST", "/organization/external_storage", create_storage),
    Route("GET", "/organization/external_storage/{external_storage_id}", get_storage),
    Route("DELETE", "/organization/external_storage/{external_storage_id}", delete_storage),
    Route("POST", "/organization/external_storage/{external_storage_id}/validate", validate_storage),
)
