"""External keys: keys in a cloud of the customer's own that projects are encrypted with."""

from portico.sandbox.audit import audit
from portico.sandbox.checks import Check, Checks, by_type, one_of, record, text
from portico.sandbox.external_store import EXTERNAL_KEYS, ExternalKey
from portico.sandbox.pages import Cursor
from portico.sandbox.refusals import invalid
from portico.sandbox.wire import Answer, Ask, Route

LIST = Cursor(ends=False)
PURPOSES = ("ekm", "psp_decryption")
FULL: Check = text(shortest=1, longest=2048)


def _of_cloud(name: str, needed: str, allowed: str) -> Check:
    required: Checks = {"type": one_of(name), "name": text(shortest=1, longest=256)}
    optional: Checks = {"purpose": one_of(*PURPOSES)}
    return record(
        {**required, **dict.fromkeys(needed.split(), FULL)}, {**optional, **dict.fromkeys(allowed.split(), FULL)}
    )


BODY = by_type(
    {
        "aws": _of_cloud("aws", "external_id kms_arn role_arn", ""),
        "gcp": _of_cloud(
            "gcp",
            "audience kms_key_location kms_key_name kms_key_ring_name kms_project_id workload_identity_pool_id"
            " workload_identity_project_number workload_identity_provider_id",
            "kms_key_version",
        ),
        "azure": _of_cloud("azure", "key_name tenant_id vault_uri", "key_version"),
        "oci": _of_cloud("oci", "key_ocid region vault_ocid", "key_version_ocid"),
    }
)
ARNS = {"kms_arn": "arn:aws:kms:", "role_arn": "arn:aws:iam:"}


def list_keys(ask: Ask) -> Answer:
    purpose = ask.query.choice("purpose", PURPOSES)
    rows = ask.held(EXTERNAL_KEYS).rows(lambda key: purpose in (None, key.purpose))
    return LIST.answer(ask, rows, lambda key: key.show(ask.organization))


def create_key(ask: Ask) -> Answer:
    where = BODY(ask.body, "")
    for name, start in ARNS.items():
        if name in where and not where[name].startswith(start):
            raise invalid(f"'{name}' must begin with '{start}'.", name)
    name, kind, purpose = where.pop("name"), where.pop("type"), where.pop("purpose", "ekm")
    key = ExternalKey(ask.new_id(EXTERNAL_KEYS), name, kind, purpose, ask.now, where)
    audit(ask, "external_key.registered", id=key.id, data={"name": name, "type": kind, "purpose": purpose, **where})
    return ask.held(EXTERNAL_KEYS).add(key.id, key).show(ask.organization)


def get_key(ask: Ask) -> Answer:
    return ask.held(EXTERNAL_KEYS).get(ask["external_key_id"]).show(ask.organization)


def delete_key(ask: Ask) -> Answer:
    key = ask.held(EXTERNAL_KEYS).get(ask["external_key_id"])
    if used := key.projects(ask.organization):
        message = f"Projects are encrypted with this key: {', '.join(used)}."
        raise invalid(message, "external_key_id", "external_key_in_use")
    ask.held(EXTERNAL_KEYS).remove(key.id)
    audit(ask, "external_key.removed", id=key.id)
    # Unlike other deletions, this one answers with what was deleted.
    return key.show(ask.organization)


def validate_key(ask: Ask) -> Answer:
    return {"status": ask.held(EXTERNAL_KEYS).get(ask["external_key_id"]).status}


ROUTES = (
    Route("GET", "/organization/external_keys", list_keys),
    Route("POST", "/organization/external_keys", create_key),
    Route("GET", "/organization/external_keys/{external_key_id}", get_key),
    Route("DELETE", "/organization/external_keys/{external_key_id}", delete_key),
    Route("POST", "/organization/external_keys/{external_key_id}/validate", validate_key),
)
