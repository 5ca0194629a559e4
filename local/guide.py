"""Says where everything is and what to try: lines that work as pasted, on data that was brought in for them.

`python -m local.guide --deployment FILE`; a process of its own, so that its imports do not stay in the supervisor.
"""

import argparse
import sys
import time
from pathlib import Path
from typing import Any, Final

import httpx

from local.demo.accounts import Accounts
from local.deployment import TEST_CREDENTIALS, Deployment
from local.errors import UserFacingError

_SKU: Final = "unicorn-plush"
_PATIENCE: Final = 30.0


class GuideError(UserFacingError):
    """The data for the lines could not be brought in."""


def prepare(deployment: Deployment) -> tuple[str, str]:
    """Bring in a customer with money, and a title with a price and stock; returns the customer and their token."""
    home = deployment.regions[0]
    accounts = Accounts(deployment)
    customer = f"{home}.you"
    token = accounts.open(customer, home)
    system = {"Authorization": f"Bearer {accounts.system_of_record(home)}"}
    with httpx.Client(base_url=deployment.gateways[home].url, trust_env=False, timeout=_PATIENCE) as api:
        price = {"sku": _SKU, "price": {"minorUnits": 1999, "currency": "USD"}, "version": 1}
        allotment = {"sku": _SKU, "units": 1000, "version": 1}
        commands = [
            _accepted(
                api.post(f"/v1/commands/{name}", json=body, headers={**system, "Idempotency-Key": f"guide-{name}"})
            )
            for name, body in (("set-price", price), ("set-allotment", allotment))
        ]
        deposit = {"amount": {"minorUnits": 100_000, "currency": "USD"}}
        key = {"Idempotency-Key": "guide-deposit"}
        _accepted(api.post(f"/v1/wallets/{customer}/deposits", json=deposit, headers={**system, **key}))
        for command in commands:
            _wait_for_command(api, str(command["commandId"]), system)
    return customer, token


def text(deployment: Deployment, customer: str, token: str) -> str:
    """Return what a person needs to go on."""
    home, *others = deployment.regions
    url, other_url = deployment.gateways[home].url, deployment.gateways[(others or [home])[0]].url
    variables = TEST_CREDENTIALS | {"AWS_ENDPOINT_URL": deployment.emulator_url}
    # Version 1 of the AWS command line knows only this name of the Region; version 2 knows it too.
    variables["AWS_DEFAULT_REGION"] = home
    table = deployment.outputs["global"]["tables"]["checkout"]["name"]
    authorization = f"-H 'Authorization: Bearer {token}'"
    order = f"""-H 'Idempotency-Key: first' -d '{{"lines":[{{"sku":"{_SKU}","quantity":1}}]}}'"""
    values = f"""--expression-attribute-values '{{":pk":{{"S":"WALLET#{customer}"}}}}'"""
    lines = [
        "",
        *(f"{region:<12} {deployment.gateways[region].url}/v1" for region in deployment.regions),
        f"{'AWS':<12} {deployment.emulator_url}",
        "",
        f"Place an order as {customer}, and wait at most 5 seconds for its end:",
        f"curl -si {url}/v1/orders {authorization} -H 'Content-Type: application/json' -H 'Prefer: wait=5' {order}",
        "",
        "Read what the customer sees, in the other Region:",
        f"curl -s {other_url}/v1/customers/{customer}/view {authorization}",
        "",
        "Ask a cell how it is:",
        f"curl -s {url}/v1/health",
        "",
        "Look into the tables with the AWS command line:",
        "export " + " ".join(f"{name}={value}" for name, value in variables.items()),
        f"aws dynamodb query --table-name {table} --key-condition-expression 'pk = :pk' {values}",
        "",
        "",
    ]
    return "\n".join(lines)


def _accepted(response: httpx.Response) -> dict[str, Any]:
    if not response.is_success:
        message = f"{response.request.method} {response.request.url} answered {response.status_code}: {response.text}"
        raise GuideError(message)
    return response.json()


def _wait_for_command(api: httpx.Client, command: str, headers: dict[str, str]) -> None:
    deadline = time.monotonic() + _PATIENCE
    while (response := api.get(f"/v1/commands/{command}", headers=headers)).status_code != 200:
        if time.monotonic() > deadline:
            message = (
                f"command {command} shows no outcome after {_PATIENCE:.0f} s: {response.status_code} {response.text}"
            )
            raise GuideError(message)
        time.sleep(0.1)
    if response.json().get("outcome") != "Accepted":
        message = f"command {command} was refused: {response.text}"
        raise GuideError(message)


def main(arguments: list[str]) -> int:
    """Prepare the data and print the text."""
    parser = argparse.ArgumentParser(prog="python -m local.guide", description=__doc__)
    parser.add_argument("--deployment", type=Path, required=True)
    deployment = Deployment.load(parser.parse_args(arguments).deployment)
    try:
        sys.stdout.write(text(deployment, *prepare(deployment)))
    except UserFacingError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
