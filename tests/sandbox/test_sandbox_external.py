"""External keys and external storage: registered, checked, removed."""

from typing import Any

import openai
import pytest
from bare_http import Caller
from colleagues import log, varied
from openai.resources.admin.organization import Organization

AWS: dict[str, Any] = {
    "type": "aws",
    "external_id": "org-1",
    "kms_arn": "arn:aws:kms:eu-central-1:111122223333:key/main",
    "role_arn": "arn:aws:iam::111122223333:role/keys",
}
GCP: dict[str, Any] = {
    "type": "gcp",
    "audience": "https://a.example",
    "kms_key_location": "europe-west4",
    "kms_key_name": "main",
    "kms_key_ring_name": "ring",
    "kms_project_id": "p",
    "workload_identity_pool_id": "pool",
    "workload_identity_project_number": "12",
    "workload_identity_provider_id": "openai",
}
AZURE: dict[str, Any] = {"type": "azure", "key_name": "main", "tenant_id": "t", "vault_uri": "https://v.example"}
OCI: dict[str, Any] = {
    "type": "oci",
    "key_ocid": "ocid1.key.x",
    "region": "eu-frankfurt-1",
    "vault_ocid": "ocid1.vault.x",
}
BUCKETS: dict[str, dict[str, Any]] = {
    "aws": {"type": "aws", "bucket": "data", "role_arn": "arn:aws:iam::111122223333:role/storage"},
    "azure": {
        "type": "azure",
        "account_name": "a",
        "container": "data",
        "resource_group": "g",
        "subscription_id": "s",
        "tenant_id": "t",
    },
    "gcp": {
        "type": "gcp",
        "bucket": "data",
        "workload_identity_pool_id": "pool",
        "workload_identity_project_number": "12",
        "workload_identity_provider_id": "openai",
    },
    "oci": {"type": "oci", "bucket": "data", "region": "us-ashburn-1", "tenancy_ocid": "ocid1.tenancy.x"},
}


@pytest.mark.parametrize("where", [AWS, GCP, AZURE, OCI], ids=lambda where: where["type"])
def test_key_of_each_cloud_lives_its_life(administration: Organization, where: dict[str, Any]) -> None:
    key = administration.external_keys.create(name="Main", **where)
    assert (key.name, key.type, key.purpose, key.api_project_ids) == ("Main", where["type"], "ekm", [])
    assert {name: getattr(key, name) for name in where} == where
    assert administration.external_keys.retrieve(key.id) == key
    assert administration.external_keys.validate(key.id).status == "valid"
    assert administration.external_keys.delete(key.id) == key
    with pytest.raises(openai.NotFoundError):
        administration.external_keys.retrieve(key.id)
    assert log(administration, 2) == ["external_key.registered", "external_key.removed"]


def test_keys_are_paged_and_found_by_purpose(administration: Organization, admin_call: Caller) -> None:
    made = [administration.external_keys.create(name=f"K{place}", **AZURE).id for place in range(3)]
    other = administration.external_keys.create(name="Other", purpose="psp_decryption", **AZURE).id
    assert [key.id for key in administration.external_keys.list(limit=2)] == [other, *made[::-1]]
    assert [key.id for key in administration.external_keys.list(purpose="psp_decryption")] == [other]
    page = admin_call("GET", "/v1/organization/external_keys?limit=1&order=asc").json
    assert (page["data"][0]["id"], page["has_more"]) == (made[0], True)


def test_key_that_projects_use_stays(administration: Organization) -> None:
    key = administration.external_keys.create(name="Main", **AWS)
    project = administration.projects.create(name="Alpha", external_key_id=key.id)
    assert administration.external_keys.retrieve(key.id).api_project_ids == [project.id]
    with pytest.raises(openai.BadRequestError, match=project.id):
        administration.external_keys.delete(key.id)
    administration.projects.update(project.id, external_key_id=None)
    administration.external_keys.delete(key.id)
    with pytest.raises(openai.BadRequestError, match="no external key"):
        administration.projects.update(project.id, external_key_id=key.id)


def test_key_that_cannot_be_reached_is_invalid(administration: Organization) -> None:
    key = administration.external_keys.create(name="Main", **varied(GCP, kms_key_name="unreachable-key"))
    assert administration.external_keys.validate(key.id).status == "invalid"


@pytest.mark.parametrize(
    ("change", "param"),
    [
        ({"type": "ibm"}, "type"),
        ({"type": None}, "type"),
        ({"name": None}, "name"),
        ({"role_arn": None}, "role_arn"),
        ({"kms_arn": "arn:aws:s3:x"}, "kms_arn"),
        ({"purpose": "fun"}, "purpose"),
        ({"vault_uri": "https://v.example"}, "vault_uri"),
    ],
)
def test_key_that_makes_no_sense_is_refused(admin_call: Caller, change: dict[str, Any], param: str) -> None:
    got = admin_call("POST", "/v1/organization/external_keys", {"name": "Main", **AWS, **change})
    assert (got.status, got.error["param"]) == (400, param)


@pytest.mark.parametrize("cloud", list(BUCKETS))
def test_storage_of_each_cloud_lives_its_life(administration: Organization, cloud: str) -> None:
    project = administration.projects.create(name="Alpha", residency="EU_STORAGE_PROCESSING").id
    provider: Any = BUCKETS[cloud]
    storage = administration.external_storage.create(project_id=project, provider=provider)
    assert (storage.status, storage.project_id, storage.provider.type) == ("pending", project, cloud)
    assert storage.geography == ("US" if cloud == "oci" else "EU")
    if storage.provider.type == "aws":
        assert (storage.provider.account_id, storage.provider.external_id) == ("111122223333", project)
    assert administration.external_storage.validate(storage.id).status == "validated"
    assert administration.external_storage.retrieve(storage.id).status == "validated"
    assert administration.external_storage.delete(storage.id).deleted
    with pytest.raises(openai.NotFoundError):
        administration.external_storage.retrieve(storage.id)
    assert log(administration, 2) == ["external_storage.registered", "external_storage.removed"]


def test_storages_are_paged_and_found_by_project(administration: Organization) -> None:
    projects = [administration.projects.create(name=f"P{place}").id for place in range(3)]
    provider: Any = BUCKETS["aws"]
    made = [administration.external_storage.create(project_id=each, provider=provider).id for each in projects]
    assert [held.id for held in administration.external_storage.list(limit=2)] == made[::-1]
    assert [held.id for held in administration.external_storage.list(order="asc")] == made
    assert [held.id for held in administration.external_storage.list(project_id=projects[1])] == [made[1]]


@pytest.mark.parametrize(("bucket", "status"), [("unreachable-data", "unhealthy"), ("slow-data", "degraded")])
def test_storage_shows_how_the_bucket_is(administration: Organization, bucket: str, status: str) -> None:
    project = administration.projects.create(name="Alpha").id
    provider: Any = {**BUCKETS["aws"], "bucket": bucket}
    storage = administration.external_storage.create(project_id=project, provider=provider)
    assert administration.external_storage.validate(storage.id).status == status


def test_storage_that_makes_no_sense_is_refused(administration: Organization, admin_call: Caller) -> None:
    path, project = "/v1/organization/external_storage", administration.projects.create(name="Alpha").id
    aws = BUCKETS["aws"]
    for body, status, param in (
        ({"project_id": project}, 400, "provider"),
        ({"provider": aws}, 400, "project_id"),
        ({"project_id": "proj_none", "provider": aws}, 404, "id"),
        ({"project_id": project, "provider": {**aws, "type": "ibm"}}, 400, "provider.type"),
        ({"project_id": project, "provider": {**aws, "role_arn": "storage"}}, 400, "provider.role_arn"),
        ({"project_id": project, "provider": {**aws, "region": "eu"}}, 400, "provider.region"),
    ):
        got = admin_call("POST", path, body)
        assert (got.status, got.error["param"]) == (status, param)
    assert admin_call("POST", path, {"project_id": project, "provider": aws}).status == 200
    assert admin_call("POST", path, {"project_id": project, "provider": aws}).status == 409
    administration.projects.archive(archived := administration.projects.create(name="Beta").id)
    assert admin_call("POST", path, {"project_id": archived, "provider": aws}).error["code"] == "project_archived"
