"""May this caller do this to this account, now? Every yes and every no."""

from typing import Any

import pytest
from msgspec import structs

from portico.errors import AccountBlocked, KeyMissing, NotAllowed, NotFound, OperationRemoved
from portico.gateway.admit import admit_account, admit_effect, admit_key, admit_lifecycle, admit_state
from portico.model.account import AccountId
from portico.model.caller import Scope
from portico.model.operation import Effect, Lifecycle
from tests.unit import lumen


def test_a_token_of_the_environment_may_name_any_account() -> None:
    admit_account(lumen.caller("call"), AccountId("acc-1"))
    admit_account(lumen.caller("call"), AccountId("acc-2"))


def test_to_an_account_token_every_other_account_is_missing() -> None:
    admit_account(lumen.caller("call", account="acc-1"), AccountId("acc-1"))
    with pytest.raises(NotFound, match="There is no integrated account 'acc-2'"):
        admit_account(lumen.caller("call", account="acc-1"), AccountId("acc-2"))


@pytest.mark.parametrize(
    ("scopes", "effect"),
    [
        (["call:read"], "read"),
        (["call", "call:read"], "read"),
        (["call", "call:read"], "write"),
        (["call"], "write"),
        (["call"], "destroy"),
    ],
)
def test_a_scope_that_covers_the_effect_is_enough(scopes: list[Scope], effect: Effect) -> None:
    admit_effect(lumen.caller(*scopes), effect)


@pytest.mark.parametrize(
    ("scopes", "effect", "missing"),
    [
        ([], "read", "call:read"),
        (["accounts", "logs", "tokens", "operator"], "read", "call:read"),
        (["call:read"], "write", "call"),
        (["call:read"], "destroy", "call"),
        (["operator"], "write", "call"),
    ],
)
def test_a_missing_scope_is_named(scopes: list[Scope], effect: Effect, missing: str) -> None:
    with pytest.raises(NotAllowed, match=f"needs the scope '{missing}', which the token 'a token' does not have"):
        admit_effect(lumen.caller(*scopes), effect)


@pytest.mark.parametrize("status", ["connecting", "active", "post_install_error", "validation_error", "needs_reauth"])
def test_every_state_but_blocked_lets_calls_through(status: str) -> None:
    admit_state(lumen.connected(status=status))


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"status": "blocked"}, "The account is blocked"),
        ({"is_enabled": False}, "'lumen' is switched off in this environment"),
    ],
)
def test_a_blocked_account_and_a_switched_off_integration_stop_calls(changes: dict[str, Any], sentence: str) -> None:
    with pytest.raises(AccountBlocked, match=sentence):
        admit_state(lumen.connected(**changes))


@pytest.mark.parametrize(
    ("held", "key"),
    [({"api_key": "…"}, "user"), ({"admin_key": "…"}, "admin"), ({"api_key": "…", "admin_key": "…"}, "admin")],
)
def test_a_key_that_the_account_has_serves(held: dict[str, str], key: str) -> None:
    connected = lumen.connected(held=held)
    admit_key(connected.view.credentials[key], connected)


@pytest.mark.parametrize(
    ("held", "key", "sentence"),
    [
        ({"admin_key": "…"}, "user", r"the account's user key \(it starts with lk-\), and it has none"),
        ({"api_key": "…"}, "admin", "the account's admin key, and it has none"),
        ({}, "user", "user key"),
    ],
)
def test_a_missing_key_is_named(held: dict[str, str], key: str, sentence: str) -> None:
    connected = lumen.connected(held=held)
    with pytest.raises(KeyMissing, match=sentence):
        admit_key(connected.view.credentials[key], connected)


def test_what_the_vendor_switched_off_is_refused_at_each_of_its_addresses() -> None:
    for base_url in ("https://api.lumen.example/v2", "https://eu.lumen.example/v2"):
        with pytest.raises(
            OperationRemoved, match=r"^Lumen switched bulbs.list off on 2026-01-31; use lamps instead.$"
        ):
            admit_lifecycle(lumen.operation("bulbs.list"), lumen.connected(base_url))


def test_another_server_may_still_have_it() -> None:
    admit_lifecycle(lumen.operation("bulbs.list"), lumen.connected("http://127.0.0.1:9/v2"))


@pytest.mark.parametrize("state", ["active", "deprecated", "read_only"])
def test_what_is_merely_ending_is_not_refused(state: Any) -> None:
    operation = structs.replace(lumen.operation("bulbs.list"), lifecycle=Lifecycle(state=state))
    admit_lifecycle(operation, lumen.connected())
