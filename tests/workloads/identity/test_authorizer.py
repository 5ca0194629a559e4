"""The authorizer: whose token is accepted, what its bearer may call, and what happens when a pool is down."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from fnmatch import fnmatchcase
from typing import Any

import pytest
import yaml
from joserfc.jwk import RSAKey

from components.entry_api.document import TEMPLATE
from tests.workloads.conftest import HERE, THERE
from tests.workloads.identity.pool import CLIENT, PREFIX, SYSTEM_CLIENT, Pool, served
from workloads.identity.adapters import signing_keys
from workloads.identity.adapters.signing_keys import KeysUnavailableError
from workloads.identity.domain.permissions import allowed_calls
from workloads.identity.entrypoints import authorizer
from workloads.identity.entrypoints.authorizer import Unauthorized
from workloads.runtime.principal import Principal, PrincipalType, expiry_in, from_context

STAGE = "arn:aws:execute-api:us-east-1:123456789012:api/live"
CUSTOMER = "us-east-1.c-1"
NOW = time.time()
SCOPES = ("wallets.deposit", "catalogue.write", "stock.write")


@pytest.fixture(scope="module")
def pools() -> Iterator[dict[str, Pool]]:
    pools = {region: Pool(region) for region in (HERE, THERE)}
    with served(*pools.values()):
        yield pools


@pytest.fixture
def here(pools: dict[str, Pool], monkeypatch: pytest.MonkeyPatch) -> Iterator[Pool]:
    monkeypatch.setenv("TOKEN_ISSUERS", json.dumps([pool.setting() for pool in pools.values()]))
    monkeypatch.setenv("SCOPE_PREFIX", PREFIX)
    for pool in pools.values():
        pool.requests = 0
        pool.available = True
    authorizer._verifier.cache_clear()  # pyright: ignore[reportPrivateUsage]
    yield pools[HERE]
    authorizer._verifier.cache_clear()  # pyright: ignore[reportPrivateUsage]


def authorize(token: str, header: str = "Bearer {}") -> dict[str, Any]:
    event = {"type": "TOKEN", "authorizationToken": header.format(token), "methodArn": f"{STAGE}/GET/v1/orders/o-1"}
    return authorizer.handler(event, None)


def may_call(policy: dict[str, Any], call: str) -> bool:
    [statement] = policy["policyDocument"]["Statement"]
    matches = any(fnmatchcase(f"{STAGE}/{call}", resource) for resource in statement["Resource"])
    return matches and statement["Effect"] == "Allow"


def test_a_customer_may_do_what_is_the_customers_own(here: Pool) -> None:
    policy = authorize(here.customer_token(CUSTOMER, now=NOW))

    for call in (
        "POST/v1/orders",
        "GET/v1/orders",
        "GET/v1/orders/o-1",
        "POST/v1/orders/o-1/cancellation",
        "POST/v1/commands/place-order",
        "GET/v1/commands/c-1",
        f"GET/v1/customers/{CUSTOMER}/view",
        f"GET/v1/wallets/{CUSTOMER}/deposits/d-1",
        f"GET/v1/wallets/{CUSTOMER}/ledger",
    ):
        assert may_call(policy, call), call
    for call in (
        "GET/v1/customers/us-east-1.c-2/view",
        "GET/v1/wallets/us-east-1.c-2/deposits/d-1",
        "GET/v1/wallets/us-east-1.c-2/ledger",
        f"POST/v1/wallets/{CUSTOMER}/deposits",
        "POST/v1/commands/set-price",
        "POST/v1/commands/set-allotment",
        "POST/v1/commands/transfer-allotment",
        "POST/v1/commands/stop-selling",
        "DELETE/v1/orders/o-1",
        "POST/v1/operations/refund",
    ):
        assert not may_call(policy, call), call
    principal = from_context(policy["context"])
    assert (principal.type, principal.customer_id, principal.scopes) == (PrincipalType.CUSTOMER, CUSTOMER, frozenset())
    assert policy["principalId"] == CUSTOMER


def test_every_operation_of_the_entry_api_may_be_called_by_somebody() -> None:
    document: Any = yaml.safe_load(TEMPLATE.read_text(encoding="utf-8"))
    everybody = [
        *(Principal(type=kind, client_id="c", customer_id=CUSTOMER) for kind in PrincipalType),
        *(Principal(type=PrincipalType.SYSTEM, client_id="c", scopes=frozenset({scope})) for scope in SCOPES),
    ]
    allowed = [call for principal in everybody for call in allowed_calls(principal)]

    uncalled = {
        f"{method.upper()}{path}"
        for path, item in document["paths"].items()
        for method, operation in item.items()
        if operation.get("security")
        and not any(fnmatchcase(f"{method.upper()}{path}".replace("{customerId}", CUSTOMER), call) for call in allowed)
    }

    assert uncalled == set()


def test_the_policy_is_of_the_stage_that_was_called_and_flat_enough_for_the_gateway(here: Pool) -> None:
    policy = authorize(here.customer_token(CUSTOMER, now=NOW))

    [statement] = policy["policyDocument"]["Statement"]
    assert all(resource.startswith(f"{STAGE}/") for resource in statement["Resource"])
    assert all(isinstance(value, str) for value in policy["context"].values())


def test_the_gateway_is_told_when_the_token_expires(here: Pool) -> None:
    expires_at = int(NOW) + 240

    for token in (
        here.customer_token(CUSTOMER, now=NOW, exp=expires_at),
        here.customer_token("jane", now=NOW, exp=expires_at, **{"cognito:groups": ["operators"]}),
        here.system_token("stock.write", now=NOW, exp=expires_at),
    ):
        assert expiry_in(authorize(token)["context"]) == expires_at


def test_a_system_may_do_what_its_scopes_say(here: Pool) -> None:
    policy = authorize(here.system_token("wallets.deposit", now=NOW))

    assert may_call(policy, f"POST/v1/wallets/{CUSTOMER}/deposits")
    assert may_call(policy, f"GET/v1/wallets/{CUSTOMER}/deposits/d-1")
    assert may_call(policy, "GET/v1/commands/c-1")
    for call in ("POST/v1/commands/set-price", "POST/v1/orders", "GET/v1/orders/o-1", "GET/v1/customers/x/view"):
        assert not may_call(policy, call), call
    for call in ("GET/v1/orders", f"GET/v1/wallets/{CUSTOMER}/ledger"):
        assert not may_call(policy, call), call
    principal = from_context(policy["context"])
    assert (principal.type, principal.client_id) == (PrincipalType.SYSTEM, SYSTEM_CLIENT)
    assert (principal.customer_id, principal.scopes) == ("", frozenset({"wallets.deposit"}))


@pytest.mark.parametrize(
    ("scope", "call"),
    [
        ("catalogue.write", "set-price"),
        ("catalogue.write", "stop-selling"),
        ("catalogue.write", "resume-selling"),
        ("stock.write", "set-allotment"),
        ("stock.write", "transfer-allotment"),
    ],
)
def test_a_system_of_record_may_give_its_command(here: Pool, scope: str, call: str) -> None:
    assert may_call(authorize(here.system_token(scope, now=NOW)), f"POST/v1/commands/{call}")
    assert not may_call(authorize(here.system_token(now=NOW)), f"POST/v1/commands/{call}")


def test_scopes_of_another_api_count_for_nothing(here: Pool) -> None:
    claims = here.claims(
        now=NOW, client_id=SYSTEM_CLIENT, scope="https://other.example/wallets.deposit wallets.deposit"
    )

    assert not may_call(authorize(here.sign(claims)), f"POST/v1/wallets/{CUSTOMER}/deposits")


def test_a_customer_with_a_systems_scope_is_still_a_customer(here: Pool) -> None:
    claims = here.claims(now=NOW, username=CUSTOMER, scope=f"{PREFIX}/wallets.deposit")

    policy = authorize(here.sign(claims))

    assert not may_call(policy, f"POST/v1/wallets/{CUSTOMER}/deposits")
    assert from_context(policy["context"]).scopes == frozenset()


def test_an_operator_reads_everything_refunds_and_orders_nothing(here: Pool) -> None:
    policy = authorize(here.customer_token("jane", now=NOW, **{"cognito:groups": ["staff", "operators"]}))

    for call in ("GET/v1/orders/o-1", f"GET/v1/customers/{CUSTOMER}/view", f"GET/v1/wallets/{CUSTOMER}/deposits/d-1"):
        assert may_call(policy, call), call
    for call in ("GET/v1/orders", f"GET/v1/wallets/{CUSTOMER}/ledger"):
        assert may_call(policy, call), call
    for call in ("POST/v1/operations/refund", "POST/v1/orders/o-1/cancellation"):
        assert may_call(policy, call)
    assert not may_call(policy, "POST/v1/orders")
    assert from_context(policy["context"]).type is PrincipalType.OPERATOR


def test_a_user_who_is_neither_is_known_and_allowed_nothing(here: Pool) -> None:
    policy = authorize(here.customer_token("jane", now=NOW))

    [statement] = policy["policyDocument"]["Statement"]
    assert (statement["Effect"], statement["Resource"]) == ("Deny", [f"{STAGE}/*"])


def test_the_pools_of_all_regions_are_accepted(here: Pool, pools: dict[str, Pool]) -> None:
    del here
    assert may_call(authorize(pools[THERE].customer_token("eu-west-1.c-1", now=NOW)), "POST/v1/orders")


@pytest.mark.parametrize(
    "claims",
    [
        pytest.param({"exp": int(NOW) - 1}, id="expired"),
        {"exp": None},
        {"exp": "never"},
        {"token_use": "id"},
        {"token_use": None},
        {"client_id": "another-client"},
        {"client_id": None},
        {"iss": "https://cognito-idp.us-east-1.amazonaws.com/us-east-1_other"},
        {"iss": None},
    ],
    ids=str,
)
def test_claims_that_do_not_fit_are_unauthorized(here: Pool, claims: dict[str, Any]) -> None:
    with pytest.raises(Unauthorized, match=r"^Unauthorized$"):
        authorize(here.sign(here.claims(now=NOW, **{"username": CUSTOMER, **claims})))


def test_an_id_token_is_no_access_token(here: Pool) -> None:
    claims = here.claims(now=NOW, token_use="id", client_id=None, aud=CLIENT, **{"cognito:username": CUSTOMER})

    with pytest.raises(Unauthorized):
        authorize(here.sign(claims))


def test_a_signature_of_another_key_is_unauthorized(here: Pool, pools: dict[str, Pool]) -> None:
    claims = here.claims(now=NOW, username=CUSTOMER)
    stranger = RSAKey.generate_key(2048)
    other = next(iter(pools[THERE].keys.values()))

    for key in (stranger, other):
        with pytest.raises(Unauthorized):
            authorize(here.sign(claims, key=key))
    token = here.sign(claims)
    with pytest.raises(Unauthorized):
        authorize(token[:-4] + ("AAAA" if token[-4:] != "AAAA" else "BBBB"))


def test_the_key_of_one_issuer_does_not_sign_for_another(here: Pool, pools: dict[str, Pool]) -> None:
    kid, key = next(iter(pools[THERE].keys.items()))

    with pytest.raises(Unauthorized):
        authorize(here.sign(here.claims(now=NOW, username=CUSTOMER), key=key, kid=kid))


def test_neither_an_unsigned_token_nor_a_confused_algorithm_is_accepted(here: Pool) -> None:
    claims = here.claims(now=NOW, username=CUSTOMER)

    for token in (here.unsigned(claims), here.confused(claims)):
        with pytest.raises(Unauthorized):
            authorize(token)


@pytest.mark.parametrize(
    ("token", "header"),
    [
        ("", "{}"),
        ("", "Bearer {}"),
        ("a.b", "Bearer {}"),
        ("a.b.c", "Bearer {}"),
        ("x" * 9000, "Bearer {}"),
        ("e30.e30.e30", "Bearer {}"),
        ("\ud800.b.c", "Bearer {}"),
        ("dXNlcjpwdw==", "Basic {}"),
    ],
)
def test_what_is_no_token_is_unauthorized(here: Pool, token: str, header: str) -> None:
    del here
    with pytest.raises(Unauthorized):
        authorize(token, header)


def test_a_token_without_bearer_is_unauthorized(here: Pool) -> None:
    with pytest.raises(Unauthorized):
        authorize(here.customer_token(CUSTOMER, now=NOW), "{}")


def test_keys_are_read_once_for_many_tokens(here: Pool) -> None:
    for _ in range(5):
        authorize(here.customer_token(CUSTOMER, now=NOW))

    assert here.requests == 1


def test_a_new_key_is_read_when_a_token_names_it(here: Pool, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock(monkeypatch)
    authorize(here.customer_token(CUSTOMER, now=NOW))
    here.keys["new"] = RSAKey.generate_key(2048, {"kid": "new"})
    token = here.sign(here.claims(now=NOW, username=CUSTOMER), key=here.keys["new"], kid="new")

    clock.pass_(signing_keys.REFRESH_INTERVAL)

    assert may_call(authorize(token), "POST/v1/orders")
    del here.keys["new"]


def test_invented_key_ids_do_not_become_requests(here: Pool, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock(monkeypatch)
    authorize(here.customer_token(CUSTOMER, now=NOW))
    clock.pass_(signing_keys.REFRESH_INTERVAL)

    for number in range(20):
        with pytest.raises(Unauthorized):
            authorize(here.sign(here.claims(now=NOW, username=CUSTOMER), kid=f"invented-{number}"))

    assert here.requests == 2


def test_the_last_known_keys_serve_on_when_the_pool_is_down(here: Pool, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock(monkeypatch)
    authorize(here.customer_token(CUSTOMER, now=NOW))
    here.available = False

    clock.pass_(10 * signing_keys.MAXIMUM_AGE)

    assert may_call(authorize(here.customer_token(CUSTOMER, now=NOW)), "POST/v1/orders")
    assert here.requests == 2


def test_a_withdrawn_key_is_forgotten_in_time(here: Pool, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock(monkeypatch)
    here.keys["old"] = RSAKey.generate_key(2048, {"kid": "old"})
    token = here.sign(here.claims(now=NOW, username=CUSTOMER), key=here.keys["old"], kid="old")
    authorize(token)
    del here.keys["old"]

    clock.pass_(signing_keys.MAXIMUM_AGE + 1)

    with pytest.raises(Unauthorized):
        authorize(token)


def test_without_any_key_it_is_our_failure_not_the_callers(here: Pool, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock(monkeypatch)
    here.available = False
    token = here.customer_token(CUSTOMER, now=NOW)
    with pytest.raises(KeysUnavailableError):
        authorize(token)

    here.available = True
    clock.pass_(signing_keys.FIRST_READ_INTERVAL)

    assert may_call(authorize(token), "POST/v1/orders")


def test_a_pool_that_is_down_keeps_nobody_of_another_out(here: Pool, pools: dict[str, Pool]) -> None:
    here.available = False

    assert may_call(authorize(pools[THERE].customer_token("eu-west-1.c-1", now=NOW)), "POST/v1/orders")


class Clock:
    """The monotonic clock, moved by the test."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._passed = 0.0
        start = time.monotonic()
        monkeypatch.setattr(time, "monotonic", lambda: start + self._passed)

    def pass_(self, seconds: float) -> None:
        self._passed += seconds
